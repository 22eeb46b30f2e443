import calls from "../../../projections/mcp_calls.ts";
import { bool, float, optional, text } from "../../define/field.ts";
import { defineQuery } from "../../define/query.ts";
import { equals, period, pick, rows, rowsOf, statement, within } from "../statement.ts";

export default defineQuery({
  title: "MCP requests",
  about:
    "Single requests that passed weir's recording MCP proxies, newest first: server, method, tool, duration, outcome, sizes, rounds, and what the server's process used. The session is known where the assistant names its tool call. For statistics over many use `metrics` with mcp.client.operation.duration, or `tools` with mcp_server.",
  input: {
    ...period(7),
    server: optional(text("only this MCP server")),
    method: optional(text("only this MCP method, for example tools/call")),
    tool: optional(text("only this tool, prompt or resource")),
    session: optional(text("only this session")),
    success: optional(bool("only those that succeeded, or only those that failed")),
    error_type: optional(
      text("only those that failed so: a JSON-RPC code, tool_error, http_404, unreachable, cancelled, …"),
    ),
    client: optional(text("only clients whose name and version begin so")),
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
    "error_type",
    "error",
    "request_bytes",
    "response_bytes",
    "cpu",
    "memory_mb",
    "protocol",
    "client",
    "request_id",
    "round",
    "result_type",
    "mcp_session",
    "traceparent",
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
        input.session === undefined
          ? undefined
          : {
              sql: "(session = $session or call_id in (select substr(call, 6) from tool_calls where session = $session))",
              values: { session: input.session },
            },
        equals("success", "success", input.success),
        equals("error_type", "error_type", input.error_type),
        input.client === undefined
          ? undefined
          : { sql: "starts_with(client, $client)", values: { client: input.client } },
        input.min_ms === undefined ? undefined : { sql: "duration_ms >= $min_ms", values: { min_ms: input.min_ms } },
      ],
      (where) => `with chosen as (select * from mcp_calls where ${where} order by time desc limit $rows)
select m.time, m.server, m.method, m.tool, m.duration_ms, m.success, m.error_type, left(m.error, 500) as error, m.request_bytes, m.response_bytes, m.cpu, m.memory_mb, m.protocol, m.client, m.request_id, m.round, m.result_type, m.mcp_session, m.traceparent, coalesce(m.session, t.session) as session, m.event_id
from chosen m left join tool_calls t on t.call = 'tool:' || m.call_id order by m.time desc`,
      { rows: rowsOf(input.limit, 50) },
    ),
});
