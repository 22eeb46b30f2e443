import { bool, float, id, int, optional, ref, text, time } from "../../define/field.ts";
import { defineQuery, type Steps } from "../../define/query.ts";
import { rows, rowsOf, upTo } from "../statement.ts";

const BLANK = {
  duration_ms: "null::double",
  success: "null::boolean",
  input_tokens: "null::bigint",
  output_tokens: "null::bigint",
  cost_usd: "null::double",
  agent: "null::varchar",
};
type Columns = { what: string; name: string; text: string } & Partial<typeof BLANK>;

/** The part of one table in the timeline. */
function part(table: string, columns: Columns, also = "true", event = "event_id"): string {
  const { what, name, text: said, ...given } = columns;
  const rest = { ...BLANK, ...given };
  return `select time, ${what} as what, ${name} as name, left(${said}, $chars) as text, ${Object.entries(rest)
    .map(([key, sql]) => `${sql} as ${key}`)
    .join(", ")}, ${event} as event_id
from ${table} where session = $session and time between make_timestamp($first) and make_timestamp($last) and ${also}`;
}

/** Families of events that have no table of their own and belong to the story of a session. */
const OWN = ["session", "compaction", "turn", "agent", "permission", "notification", "elicitation", "task", "alert"];

/** A start that goes on with the session; every other one is its first, which sources tell minutes apart. */
const GOES_ON = `(type = 'session.started' and coalesce(json_extract_string(data, '$.start'), '') in ('resume', 'compact', 'continue'))`;

/**
 * The events of a session that tell what an earlier one told: its first start once more, and what another source told a moment before. Telemetry
 * tells that a session goes on when it sends its metrics the next time.
 */
const TOLD_BEFORE = `(type = 'session.started' and not ${GOES_ON} and row_number() over told > 1)
  or (type like 'session.%' and lag(via) over told <> via
    and time - lag(time) over told < case when ${GOES_ON} and via = 'otlp' then interval 90 second else interval 10 second end)`;

const PARTS = [
  part("prompts", { what: "'prompt'", name: "kind", text: "text" }),
  part("tool_calls", {
    what: "'tool_call'",
    name: "tool",
    text: "coalesce(error, file_path, input)",
    duration_ms: "duration_ms",
    success: "success",
    agent: "agent",
  }),
  part("model_calls", {
    what: "'model_call'",
    name: "model",
    text: "coalesce(error, stop_reason)",
    duration_ms: "duration_ms",
    success: "success",
    input_tokens: "input_tokens + cache_creation_tokens + cache_read_tokens",
    output_tokens: "output_tokens",
    cost_usd: "cost_usd",
    agent: "agent",
  }),
  part("files", { what: "'file'", name: "action", text: "path" }, "action <> 'read'"),
  part("commits", { what: "'commit'", name: "sha", text: "message" }),
  part(
    "events",
    { what: "type", name: "coalesce(subject, '')", text: "data" },
    `(${OWN.map((family) => `type like '${family}.%'`).join(" or ")} or type = 'model.switched')
window told as (partition by type, ${GOES_ON} order by time, id) qualify not coalesce(${TOLD_BEFORE}, false)`,
    "id",
  ),
];

export default defineQuery({
  title: "Timeline of a session",
  about:
    "What happened in one session, in order: prompts, tool calls with their duration and outcome, model calls with tokens and cost, changed files, commits, and the session's own events (started, compacted, ended, turns, subagents, questions to the person). One row a fact, also where several sources reported it. Read it in pages with `offset`; pass `chars` for longer texts. Needs the session's id from `sessions`.",
  input: {
    session: ref("id of the session", { max: 128 }),
    offset: optional(int("rows to pass over, for the next page", { min: 0 })),
    chars: optional(int("characters of each text, up to 4000; 300 where absent", { min: 1 })),
    limit: rows(100),
  },
  row: {
    time: time("when"),
    what: text("prompt, tool_call, model_call, file, commit, or the type of an event"),
    name: optional(text("tool, model, kind of prompt, action on the file, or hash of the commit")),
    text: optional(text("prompt, error, input, path or message, cut", { private: true })),
    duration_ms: optional(float("time it took", { unit: "ms" })),
    success: optional(bool("whether it succeeded")),
    input_tokens: optional(int("input tokens, cached ones included", { unit: "token" })),
    output_tokens: optional(int("output tokens", { unit: "token" })),
    cost_usd: optional(float("list price", { unit: "USD" })),
    agent: optional(text("subagent that did it")),
    event_id: id("first event about it"),
  },
  *sql({ session, offset, chars, limit }): Steps {
    // between the first and the last event of the session, so that DuckDB passes over what lies outside
    const [span] = yield {
      sql: "select epoch_us(min(started_at)) as first, epoch_us(max(last_event_at)) as last from session_facts where session = $session",
      values: { session },
    };
    if (typeof span?.first !== "number" || typeof span.last !== "number") return { rows: [] };
    const asked = rowsOf(limit, 100);
    const rows = yield {
      sql: `${PARTS.join("\nunion all\n")}\norder by time, what, event_id limit $rows offset $offset`,
      values: {
        session,
        first: span.first,
        last: span.last,
        offset: Math.min(offset ?? 0, 10_000_000),
        chars: Math.min(chars ?? 300, 4_000),
        rows: asked + 1,
      },
    };
    return upTo(asked, rows);
  },
});
