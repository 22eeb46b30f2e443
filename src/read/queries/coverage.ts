import { int, optional, text } from "../../define/field.ts";
import { defineQuery } from "../../define/query.ts";
import { equals, period, rows, rowsOf, statement, within } from "../statement.ts";

export default defineQuery({
  title: "Coverage",
  about:
    "Which sources (hook, transcript, otlp, proxy, …) saw how many facts: prompts, tool calls, model calls. A row with several sources are facts all of these reported, which the tables show once. Use it to see what one source missed, for one session or over all sessions active in a period.",
  input: {
    ...period(30),
    session: optional(text("only this session")),
    project: optional(text("only this project's folder")),
    limit: rows(100),
  },
  row: {
    fact: text("kind of fact: prompt, tool_call, model_call"),
    sources: text("sources that saw it, comma-separated"),
    facts: int("facts seen by exactly these sources"),
    sessions: int("sessions these facts belong to"),
  },
  sql: (input) =>
    statement(
      [
        input.session === undefined
          ? within("f.last_event_at", input)
          : { sql: "f.session = $session and c.session = $session", values: { session: input.session } },
        equals("f.project", "project", input.project),
      ],
      (where) => `select c.fact, c.sources, sum(c.facts)::bigint as facts, count(distinct c.session) as sessions
from coverage c join session_facts f on f.session = c.session where ${where} and c.facts > 0 group by c.fact, c.sources order by c.fact, facts desc limit $rows`,
      { rows: rowsOf(input.limit, 100) },
    ),
});
