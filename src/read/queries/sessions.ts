import sessions, { sessionsWhere } from "../../../projections/sessions.ts";
import { choice, optional, text } from "../../define/field.ts";
import { defineQuery } from "../../define/query.ts";
import { ALWAYS, contains, equals, period, pick, rows, rowsOf, statement, within } from "../statement.ts";

const ORDER = {
  last_event: "last_event_at",
  started: "started_at",
  cost: "cost_usd",
  duration: "duration_ms",
  tool_calls: "tool_calls",
} as const;

/** The sessions that the answer can hold, where that is known without their totals: then only theirs are put together. */
function shown({ sort = "last_event", text }: { sort?: keyof typeof ORDER; text?: string }, where: string): string {
  if (text !== undefined || (sort !== "last_event" && sort !== "started")) return "sessions";
  return `(${sessionsWhere(`session in (select session from session_facts where ${where} order by ${ORDER[sort]} desc, session limit $rows)`)})`;
}

export default defineQuery({
  title: "Sessions",
  about:
    "Lists sessions of AI assistants, newest first: who ran them, where, how long, and what they amount to (prompts, tool calls, errors, tokens, cost). Start here to find a session's id; `session` then tells one in detail and `session_timeline` what happened in it, step by step. A session counts by the time of its last event.",
  input: {
    ...period(ALWAYS),
    project: optional(text("folder of the project, exactly as it stands in the row")),
    assistant: optional(text("assistant, for example claude-code")),
    text: optional(text("part of the title, the project or the branch", { max: 200 })),
    sort: optional(
      choice("what comes first, the largest or newest on top; last_event where absent", [
        "last_event",
        "started",
        "cost",
        "duration",
        "tool_calls",
      ]),
    ),
    limit: rows(50),
  },
  row: pick(sessions.row, [
    "session",
    "title",
    "assistant",
    "project",
    "branch",
    "model",
    "started_at",
    "last_event_at",
    "duration_ms",
    "prompts",
    "tool_calls",
    "tool_errors",
    "model_calls",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cost_usd",
    "unpriced_calls",
  ]),
  sql: (input) =>
    statement(
      [
        within("last_event_at", input, ALWAYS),
        equals("project", "project", input.project),
        equals("assistant", "assistant", input.assistant),
        contains(["title", "project", "branch"], "text", input.text),
      ],
      (
        where,
      ) => `select session, title, assistant, project, branch, model, started_at, last_event_at, duration_ms, prompts, tool_calls, tool_errors,
  model_calls, input_tokens, output_tokens, cache_read_tokens, cost_usd, unpriced_calls
from ${shown(input, where)} where ${where} order by ${ORDER[input.sort ?? "last_event"]} desc, session limit $rows`,
      { rows: rowsOf(input.limit, 50) },
    ),
});
