import calls from "../../../projections/tool_calls.ts";
import { float, optional, text } from "../../define/field.ts";
import { defineQuery } from "../../define/query.ts";
import { equals, period, pick, rows, rowsOf, statement, within } from "../statement.ts";

export default defineQuery({
  title: "Slowest tool calls",
  about:
    "The single tool calls that took longest in a period, slowest first, with session, tool, outcome and the beginning of the input. Use `tools` for statistics over all calls; use this one to see which call it was.",
  input: {
    ...period(7),
    tool: optional(text("only this tool")),
    project: optional(text("only this project's folder")),
    session: optional(text("only this session")),
    min_ms: optional(float("only calls that took at least this long", { min: 0, unit: "ms" })),
    limit: rows(20),
  },
  row: pick(calls.row, [
    "time",
    "tool",
    "mcp_server",
    "duration_ms",
    "status",
    "error",
    "session",
    "project",
    "input",
    "event_id",
  ]),
  sql: (input) =>
    statement(
      [
        within("time", input, 7),
        equals("tool", "tool", input.tool),
        equals("project", "project", input.project),
        equals("session", "session", input.session),
        // a condition on each row costs as much as reading the column
        input.min_ms === undefined ? undefined : { sql: "duration_ms >= $min_ms", values: { min_ms: input.min_ms } },
      ],
      (
        where,
      ) => `from (select time, tool, mcp_server, duration_ms, status, left(error, 500) as error, session, project, left(input, 500) as input, event_id
  from tool_calls where ${where} order by duration_ms desc nulls last limit $rows) where duration_ms is not null`,
      { rows: rowsOf(input.limit, 20) },
    ),
});
