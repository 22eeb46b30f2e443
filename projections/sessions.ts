import { float, int, optional, ref, text, time } from "../src/define/field.ts";
import { defineView } from "../src/define/projection.ts";

const TOTALS = [
  "prompts",
  "tool_calls",
  "tool_errors",
  "model_calls",
  "input_tokens",
  "output_tokens",
  "cache_creation_tokens",
  "cache_read_tokens",
  "cost_usd",
  "unpriced_calls",
  "files_changed",
  "commits",
];

export default defineView({
  version: 1,
  about: "One row a session: what is known of it and what it amounts to.",
  row: {
    session: ref("session"),
    assistant: optional(text("assistant that ran it")),
    assistant_version: optional(text("its version")),
    project: optional(text("folder of the project")),
    branch: optional(text("git branch, the last one")),
    model: optional(text("model, the last one")),
    title: optional(text("title", { private: true })),
    parent: optional(ref("session it was resumed or forked from")),
    started_at: time("first event"),
    last_event_at: time("last event"),
    ended_at: optional(time("when it ended, where that was told")),
    end_reason: optional(text("why it ended")),
    duration_ms: float("time from first to last event", { unit: "ms" }),
    prompts: int("prompts"),
    tool_calls: int("calls of tools"),
    tool_errors: int("calls of tools that failed"),
    model_calls: int("answers of models"),
    input_tokens: int("input tokens without cached ones", { unit: "token" }),
    output_tokens: int("output tokens", { unit: "token" }),
    cache_creation_tokens: int("input tokens written to the cache", { unit: "token" }),
    cache_read_tokens: int("input tokens read from the cache", { unit: "token" }),
    cost_usd: float("list price of the answers whose model has one", { unit: "USD" }),
    unpriced_calls: int("answers whose model has no known price"),
    files_changed: int("changes of files"),
    commits: int("commits"),
  },
  from: ["session_facts", "session_totals"],
  sql: joined("session_facts", "session_totals"),
});

function joined(facts: string, totals: string): string {
  return `select f.session, f.assistant, f.assistant_version, f.project, f.branch, f.model, f.title, f.parent, f.started_at, f.last_event_at,
  f.ended_at, f.end_reason, epoch_ms(f.last_event_at) - epoch_ms(f.started_at)::double as duration_ms,
  ${TOTALS.map((name) => `coalesce(t.${name}, 0) as ${name}`).join(", ")}
from ${facts} f left join ${totals} t on t.session = f.session`;
}

/** The view's rows of those sessions for which a condition on `session` holds: it stands on both sides, because DuckDB does not move it to the right of a left join. */
export const sessionsWhere = (condition: string): string =>
  joined(`(from session_facts where ${condition})`, `(from session_totals where ${condition})`);
