import { choice, int, optional, text, time } from "../../define/field.ts";
import { defineQuery } from "../../define/query.ts";
import { contains, equals, period, rows, rowsOf, statement, within } from "../statement.ts";

/** Numbers, hashes and paths differ from one failure to the next of the same cause. */
const ALIKE = (column: string): string =>
  `regexp_replace(regexp_replace(left(split_part(coalesce(${column}, ''), chr(10), 1), 200), '[0-9a-f]{8,}|[0-9]+', '#', 'g'), '(/[^/ ''":]+)+', '/…', 'g')`;

const SOURCES = {
  tool: { table: "tool_calls", name: "tool", server: "mcp_server", failed: "status = 'failed'" },
  model: { table: "model_calls", name: "model", server: "null::varchar", failed: "not success" },
  mcp: { table: "mcp_calls", name: "coalesce(tool, method)", server: "server", failed: "not success" },
} as const;

export default defineQuery({
  title: "Errors",
  about:
    "What failed in a period, grouped by tool (or model, or MCP request) and message: how often, in how many sessions, when first and last, with the newest message in full and its session. Messages that differ in numbers, hashes or paths only count as one. Newest group first. Refused calls are not errors.",
  input: {
    ...period(7),
    of: optional(
      choice("kind of call: tool, model, or mcp for requests that passed the recording proxy; tool where absent", [
        "tool",
        "model",
        "mcp",
      ]),
    ),
    name: optional(text("only this tool or model")),
    session: optional(text("only this session")),
    project: optional(text("only this project's folder")),
    text: optional(text("part of the message", { max: 200 })),
    limit: rows(50),
  },
  row: {
    name: text("tool or model"),
    mcp_server: optional(text("MCP server that offers it")),
    message: text("first line of the message; # and … stand for what differs", { private: true }),
    times: int("how often"),
    sessions: int("in how many sessions"),
    first_at: time("first time in the period"),
    last_at: time("last time"),
    last_session: optional(text("session of the last time")),
    last_error: optional(text("message of the last time, cut", { private: true })),
  },
  // by session first, which is less work for DuckDB than to count distinct sessions
  sql: (input) => {
    const { table, name, server, failed } = SOURCES[input.of ?? "tool"];
    return statement(
      [
        within("time", input, 7),
        { sql: failed },
        equals(name, "name", input.name),
        equals("session", "session", input.session),
        equals("project", "project", input.project),
        contains(["error"], "text", input.text),
      ],
      (
        where,
      ) => `select name, mcp_server, message, sum(times)::bigint as times, count(session) as sessions, min(first_at) as first_at, max(last_at) as last_at,
  arg_max(session, last_at) as last_session, left(arg_max(last_error, last_at), 1000) as last_error, sum(sum(times)) over ()::bigint as looked
from (select name, mcp_server, ${ALIKE("error")} as message, session, count(*) as times, min(time) as first_at, max(time) as last_at,
    arg_max(error, time) as last_error
  from (select ${name} as name, ${server} as mcp_server, session, time, error from ${table} where ${where} order by time desc limit ${FAILURES_MAX})
  group by all)
group by name, mcp_server, message order by last_at desc limit $rows`,
      { rows: rowsOf(input.limit, 50) },
    );
  },
  after: (answered) => ({
    rows: answered,
    ...(Number(answered[0]?.looked ?? 0) >= FAILURES_MAX && {
      note: `Only the newest ${FAILURES_MAX} failures of the period are counted: narrow it for exact numbers.`,
    }),
  }),
});

/** Failures looked at, the newest first. */
const FAILURES_MAX = 5_000;
