import { bool, float, int, optional, text } from "../../define/field.ts";
import { defineQuery } from "../../define/query.ts";
import { VAGUE_TOOLS } from "../../events/tool.ts";
import { equals, period, rows, rowsOf, statement, within } from "../statement.ts";

/** Columns in which a proxy names things in the server's words, which are not the assistant's. */
const NAMES: readonly string[] = ["tool", "mcp_server"];

/** Names that a source puts in place of a tool's where it does not know or masks it: they contradict nobody. */
const VAGUE = VAGUE_TOOLS.map((name) => `'${name}'`).join(", ");

/** Tables of facts, with their key and the columns in which two sources can contradict each other. Times and texts differ by nature. */
const FACTS = [
  { fact: "prompt", table: "prompts", compared: ["session"] },
  {
    fact: "tool_call",
    table: "tool_calls",
    compared: ["session", "tool", "mcp_server", "success", "status", "agent"],
  },
  {
    fact: "model_call",
    table: "model_calls",
    compared: [
      "session",
      "model",
      "input_tokens",
      "output_tokens",
      "cache_creation_tokens",
      "cache_read_tokens",
      "success",
      "stop_reason",
    ],
  },
] as const;

/**
 * What the sources of a fact said, without the texts that are not compared: those are by far the most of it, and DuckDB takes a multiple of what it
 * parses for all rows it looks at together.
 */
const LEAN = `regexp_replace(parts, '"(input|output|error|text)":"(?:[^"\\\\]|\\\\.)*"', '"\\1":null', 'g')`;

/**
 * A row for each field of a fact in which those who told it differ. Only facts with several sources have parts. That condition stands alone in the
 * scan of the table, so that DuckDB passes over all rows but those by their statistics.
 */
const unlike = FACTS.map(({ fact, table, compared }) => {
  const fields = compared.map((column) => `('${column}', ${NAMES.includes(column)})`).join(", ");
  return `select '${fact}' as fact, session, sources, event_id, field
from (select session, sources, event_id, field,
    list_transform(list_filter(sources, lambda s: s <> 'proxy' or not named), lambda s: json_extract_string(lean, '/' || s || '/' || field)) as told
  from (select session, string_split(sources, ',') as sources, event_id, ${LEAN} as lean from ${table} where parts is not null),
    (values ${fields}) as fields(field, named))
where len(list_distinct(list_filter(told, lambda v: v is not null and (field <> 'tool' or v not in (${VAGUE}))))) > 1`;
}).join("\nunion all ");

export default defineQuery({
  title: "Coverage",
  about:
    "For each session (or over all of a period), kind of fact and source (hook, transcript, otlp, proxy, …): how many prompts, tool calls or model calls the source saw, how many it missed that another source saw, how many only it saw, and on how many it disagrees with another source and in which fields. The tables show each fact once, however many sources saw it. Use it to find out whether capture is complete.",
  input: {
    ...period(30),
    session: optional(text("only this session")),
    project: optional(text("only this project's folder")),
    by_session: optional(bool("rows for each session instead of over all of them")),
    limit: rows(100),
  },
  row: {
    session: optional(text("session; empty over all sessions")),
    fact: text("kind of fact: prompt, tool_call, model_call"),
    source: text("source that saw them"),
    facts: int("facts of this kind that any source saw"),
    seen: int("of these, seen by this source"),
    missed: int("of these, seen by others and not by this source"),
    only_here: int("of these, seen by this source alone"),
    share: float("seen, as a share of all"),
    disagree: int("seen by this source and another, and told differently"),
    disagree_on: optional(text("fields told differently, comma-separated")),
  },
  sql: (input) => {
    const bySession = input.by_session === true || input.session !== undefined;
    return statement(
      [
        input.session === undefined
          ? within("s.last_event_at", input)
          : { sql: "s.session = $session", values: { session: input.session } },
        equals("s.project", "project", input.project),
      ],
      (
        where,
      ) => `with chosen as (select s.session, ${bySession ? "s.session" : "null::varchar"} as shown from session_facts s where ${where}),
-- lists are made of what is counted: as a key of groups and joins a text costs a fraction
facts as (select session, fact, string_split(sources, ',') as sources, facts
  from (select c.shown as session, v.fact, v.sources, sum(v.facts)::bigint as facts
    from coverage v join chosen c on c.session = v.session where v.facts > 0 group by all)),
unlike as (select session, fact, source, count(distinct event_id) as facts, string_agg(distinct field, ',' order by field) as fields
  from (select c.shown as session, u.fact, u.event_id, u.field, unnest(u.sources) as source from (${unlike}) u join chosen c on c.session = u.session)
  group by all),
totals as (select session, fact, sum(facts)::bigint as facts from facts group by all),
-- a source that saw nothing of a kind is named where it saw something else
sources as (select distinct session, unnest(sources) as source from facts),
counted as (select t.session, t.fact, s.source, t.facts,
    coalesce(sum(f.facts) filter (list_contains(f.sources, s.source)), 0)::bigint as seen,
    coalesce(sum(f.facts) filter (f.sources = [s.source]), 0)::bigint as only_here
  from totals t join sources s on s.session is not distinct from t.session
  join facts f on f.session is not distinct from t.session and f.fact = t.fact group by all)
select n.session, n.fact, n.source, n.facts, n.seen, n.facts - n.seen as missed, n.only_here, n.seen::double / n.facts as share,
  coalesce(u.facts, 0) as disagree, u.fields as disagree_on
from counted n left join unlike u on u.session is not distinct from n.session and u.fact = n.fact and u.source = n.source
order by n.session nulls first, n.fact, n.seen desc, n.source limit $rows`,
      { rows: rowsOf(input.limit, 100) },
    );
  },
});
