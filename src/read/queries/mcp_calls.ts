import calls from "../../../projections/mcp_calls.ts";
import { bool, float, optional, text } from "../../define/field.ts";
import { defineQuery } from "../../define/query.ts";
import { equals, period, pick, rows, rowsOf, statement, within } from "../statement.ts";

export default defineQuery({
  title: "MCP requests",
  about:
    "Single requests that passed weir's recording MCP proxy, newest first: server, method, tool, duration, outcome, sizes, and what the server's process used. For statistics over many use `metrics` with mcp.client.operation.duration, or `tools` with mcp_server.",
  input: {
    ...period(7),
    server: optional(text("only this MCP server")),
    method: optional(text("only this MCP method, for example tools/call")),
    tool: optional(text("only this tool, prompt or resource")),
    session: optional(text("only this session")),
    success: optional(bool("only those that succeeded, or only those that failed")),
    min_ms: optional(float("only those that took at least this long", { min: 0, unit: "ms" })),
    limit: rows(50),
  },
  row: pick(calls.row, [
    "time",
    "server",
    "method",
    "tool",
    "duration_ms",
    "success",
    "error",
    "request_bytes",
    "response_bytes",
    "cpu",
    "memory_mb",
    "client",
    "session",
    "event_id",
  ]),
  sql: (input) =>
    statement(
      [
        within("time", input, 7),
        equals("server", "server", input.server),
        equals("method", "method", input.method),
        equals("tool", "tool", input.tool),
        equals("session", "session", input.session),
        equals("success", "success", input.success),
        input.min_ms === undefined ? undefined : { sql: "duration_ms >= $min_ms", values: { min_ms: input.min_ms } },
      ],
      (
        where,
      ) => `select time, server, method, tool, duration_ms, success, left(error, 500) as error, request_bytes, response_bytes, cpu, memory_mb, client, session, event_id
from mcp_calls where ${where} order by time desc limit $rows`,
      { rows: rowsOf(input.limit, 50) },
    ),
});
