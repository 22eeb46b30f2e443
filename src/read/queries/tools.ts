import { choice, float, int, optional, text } from "../../define/field.ts";
import { defineQuery } from "../../define/query.ts";
import { mergedQuantiles } from "../merge-quantiles.ts";
import { contains, equals, period, rows, rowsOf, spanning, statement } from "../statement.ts";

const ORDER = {
  calls: "calls desc",
  errors: "errors desc",
  error_rate: "error_rate desc",
  time: "total_ms desc",
  slowest: "max_ms desc",
} as const;

export default defineQuery({
  title: "Tools",
  about:
    "Statistics of tools over a period, one row a tool: calls, errors, refusals, error rate, total time, and the median, 95th and 99th percentile of the duration (each within 1 percent, computed over all calls of the period). Use it for which tools are used, slow, or fail; `errors` then tells why and `slow_calls` names single calls. mcp_server is set for tools of MCP servers.",
  input: {
    ...period(7),
    tool: optional(text("only tools whose name contains this")),
    mcp_server: optional(text("only tools of this MCP server")),
    project: optional(text("only calls in this project's folder")),
    sort: optional(
      choice("what comes first; calls where absent", ["calls", "errors", "error_rate", "time", "slowest"]),
    ),
    limit: rows(50),
  },
  row: {
    tool: text("tool"),
    mcp_server: optional(text("MCP server that offers it")),
    calls: int("calls"),
    errors: int("calls that failed"),
    denied: int("calls that were refused"),
    error_rate: float("share of the calls that failed, 0 to 1"),
    total_ms: float("time of all calls", { unit: "ms" }),
    p50: optional(float("median duration", { unit: "ms" })),
    p95: optional(float("95th percentile of the duration", { unit: "ms" })),
    p99: optional(float("99th percentile of the duration", { unit: "ms" })),
    max_ms: optional(float("longest duration", { unit: "ms" })),
  },
  sql: (input) => {
    const span = spanning(
      "tool_usage",
      ["tool", "mcp_server", "project", "calls", "errors", "denied", '"sum"', '"max"', "sketch"],
      input,
      7,
    );
    return statement(
      [
        contains(["tool"], "tool", input.tool),
        equals("mcp_server", "mcp_server", input.mcp_server),
        equals("project", "project", input.project),
      ],
      (
        where,
      ) => `select tool, mcp_server, sum(calls)::bigint as calls, sum(errors)::bigint as errors, sum(denied)::bigint as denied,
  sum(errors) / greatest(sum(calls), 1)::double as error_rate, sum("sum") as total_ms, max("max") as max_ms, list(sketch) as sketches
from (${span.sql}) where ${where}
group by tool, mcp_server order by ${ORDER[input.sort ?? "calls"]}, tool limit $rows`,
      { ...span.values, rows: rowsOf(input.limit, 50) },
    );
  },
  after: (answered) => ({ rows: answered.map(({ sketches, ...row }) => ({ ...row, ...mergedQuantiles(sketches) })) }),
});
