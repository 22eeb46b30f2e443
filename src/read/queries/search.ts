import events from "../../../projections/events.ts";
import { int, optional, text, time } from "../../define/field.ts";
import { defineQuery } from "../../define/query.ts";
import { type Condition, contains, equals, pick, rows, rowsOf, statement } from "../statement.ts";

/** Events whose text is looked at in one go; more would take longer than an answer may. */
const TEXT_EVENTS_MAX = 100_000;
/** Characters of the data shown of an event. */
const CHARS = 1_500;
/**
 * How far behind the newest sequence each part of the table begins that is looked at before what is older: what is asked for is mostly near the
 * end, and DuckDB passes over a part by its statistics once enough was found.
 */
const PARTS = [2, 32, 1_024];
/** Sequences of the log in which the row before a sequence is looked for. */
const NEAR_SEQS = 2_000;
/** More than any sequence of a log: nothing is behind it. */
const NOWHERE = 9_000_000_000_000_000;

const SHOWN = `time, type, session, subject, source, project, left(data, ${CHARS}) as data, id, stream_seq`;
const COLUMNS = ["time", "type", "session", "subject", "source", "project", "data", "id", "stream_seq"] as const;

/** Events of one type, or of every type that begins so, where a dot or an asterisk ends it. */
function typed(type: string | undefined): Condition | undefined {
  if (type === undefined) return undefined;
  const prefix = /^(.*\.)\*?$/.exec(type)?.[1];
  return prefix === undefined
    ? equals("type", "type", type)
    : { sql: "starts_with(type, $type)", values: { type: prefix } };
}

/** Where a page begins: its newest row, and a sequence that is not before that row's. Rows of events are numbered in the order of the log and never change. */
function start({ before, before_seq }: { before?: number; before_seq?: number }): { row: string; seq: string } {
  if (before !== undefined)
    return { row: "$before - 1", seq: "coalesce((select stream_seq from events where rowid = $before), $as_of_seq)" };
  if (before_seq === undefined) return { row: "(select count(*) from events) - 1", seq: "$as_of_seq" };
  const near = "stream_seq < $before_seq and stream_seq >= $before_seq - ";
  return {
    row: `coalesce((select max(rowid) from events where ${near}${NEAR_SEQS}), (select count(*) from events) - 1)`,
    seq: "$before_seq - 1",
  };
}

/**
 * The newest rows that a condition holds for, `$rows` of them: first which, in the parts near the end, where a column or two say it, then those rows
 * whole; and what is older only where these were too few.
 */
function newestFirst(where: string): string {
  const behind = (k: number): string => `(select seq from start) - ${PARTS[k]}`;
  const from = (names: readonly string[], otherwise: string): string =>
    names.length === 0
      ? otherwise
      : `(select case when ${names.map((name) => `(select count(*) from ${name})`).join(" + ")} >= $rows then ${NOWHERE} else ${otherwise} end)`;
  const names = PARTS.map((_, k) => `part${k}`);
  const parts = names.map(
    (name, k) => `${name} as materialized (select rowid as n, stream_seq as seq from events
    where ${where} and stream_seq > ${from(names.slice(0, k), behind(k))} and stream_seq <= ${k === 0 ? "(select seq from start)" : behind(k - 1)}
    order by seq desc, n desc limit $rows)`,
  );
  const last = PARTS.length - 1;
  return `${parts.join(",\n  ")},
  near as materialized (${names.map((name) => `from ${name}`).join(" union all ")}),
  found as materialized (select * from (
    select rowid as "row", ${SHOWN} from events where stream_seq >= (select min(seq) from near) and rowid in (select n from near)
    union all (select rowid as "row", ${SHOWN} from events
      where ${where} and stream_seq > ${from(["near"], "-1")} and stream_seq <= ${behind(last)} order by stream_seq desc, rowid desc limit $rows))
    order by stream_seq desc, "row" desc limit $rows)`;
}

export default defineQuery({
  title: "Search events",
  about:
    "Raw events, newest first, by type, session, time, or a part of their text. Use it when no other query fits: the others show facts once and by columns, this one shows what was recorded. With `text` it looks at the newest 100,000 events at a time and its note says how far back it looked; pass `before` from the note to go on. Types are noun.verb_past, for example tool.called, prompt.submitted, model.called, session.started, alert.raised; `session.` finds every type that begins so.",
  input: {
    type: optional(
      text("only this type, for example tool.called; `session.` for every type that begins so", { max: 128 }),
    ),
    session: optional(text("only this session")),
    text: optional(text("part of the event's data, upper or lower case", { max: 200 })),
    since: optional(time("start: ISO 8601, or how long ago such as 24h or 7d; absent: the beginning")),
    until: optional(time("end, not included; absent: no end")),
    before: optional(int("only rows before this one: the next page, as the note of the last page says", { min: 0 })),
    before_seq: optional(int("only events before this stream_seq", { min: 1 })),
    limit: rows(50),
  },
  row: { row: int("number of the event in the table: the cursor of the next page"), ...pick(events.row, COLUMNS) },
  sql: (input) => {
    const { row, seq } = start(input);
    const looksAtText = input.text !== undefined;
    return statement(
      [
        input.before === undefined ? undefined : { sql: "rowid < $before", values: { before: input.before } },
        input.before === undefined && input.before_seq !== undefined
          ? { sql: "stream_seq < $before_seq", values: { before_seq: input.before_seq } }
          : undefined,
        looksAtText ? { sql: "rowid > (select low from start)" } : undefined,
        typed(input.type),
        equals("session", "session", input.session),
        input.since === undefined
          ? undefined
          : { sql: "time >= make_timestamp($since)", values: { since: input.since } },
        input.until === undefined
          ? undefined
          : { sql: "time < make_timestamp($until)", values: { until: input.until } },
        contains(["data"], "text", input.text),
      ],
      (where) => {
        const begin = `with start as materialized (select ${seq} as seq${looksAtText ? `, ${row} - ${TEXT_EVENTS_MAX} as low` : ""})`;
        if (!looksAtText)
          return `${begin},\n  ${newestFirst(where)}\nselect * from found order by stream_seq desc, "row" desc`;
        return `${begin},
  ${newestFirst(where)},
  looked as (select min(stream_seq) as seq, min(time) as time, min(rowid) as n from events
    where rowid > (select low from start) and rowid <= (select low + 100 from start)
      and stream_seq > (select case when (select count(*) from found) >= $rows then ${NOWHERE} else -1 end))
select l.seq as looked_seq, l.time as looked_time, l.n as looked_row, e.* from looked l left join found e on true order by "row" desc`;
      },
      { rows: rowsOf(input.limit, 50) },
    );
  },
  after: (answered, input) => {
    const found = answered.filter((row) => row.row !== null);
    const looked = answered[0];
    const full = found.length >= rowsOf(input.limit, 50);
    if (full) return { rows: found, note: `There may be more: pass before=${found.at(-1)!.row} for the next page.` };
    if (input.text === undefined || looked?.looked_row == null) return { rows: found, note: "These are all." };
    return {
      rows: found,
      note: `Looked back to stream_seq ${looked.looked_seq} (${looked.looked_time}); pass before=${looked.looked_row} to look further back.`,
    };
  },
});
