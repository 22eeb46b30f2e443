import events from "../../../projections/events.ts";
import { int, optional, text, time } from "../../define/field.ts";
import { defineQuery } from "../../define/query.ts";
import { type Condition, contains, equals, pick, rows, rowsOf, statement } from "../statement.ts";

/** Events whose text is looked at in one go; more would take longer than an answer may. */
const TEXT_EVENTS_MAX = 100_000;
/** Characters of the data shown of an event. */
const CHARS = 1_500;
/** Sequences of the log in which the row before a sequence is looked for. */
const NEAR_SEQS = 2_000;

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

/** The newest row looked at: rows of events are numbered in the order of the log and never change. */
function top({ before, before_seq }: { before?: number; before_seq?: number }): Condition {
  if (before !== undefined) return { sql: "select $before - 1", values: { before } };
  if (before_seq === undefined)
    return { sql: `select max(rowid) from events where stream_seq >= $as_of_seq - ${NEAR_SEQS}` };
  return {
    sql: `select max(rowid) from events where stream_seq < $before_seq and stream_seq >= $before_seq - ${NEAR_SEQS}`,
    values: { before_seq },
  };
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
    const newest = top(input);
    const lowest = `(select coalesce(n, (select count(*) from events)) - ${TEXT_EVENTS_MAX} from top)`;
    const bySeq = input.before === undefined && input.before_seq !== undefined;
    return statement(
      [
        input.before === undefined ? undefined : { sql: "rowid < $before", values: { before: input.before } },
        bySeq ? { sql: "stream_seq < $before_seq", values: { before_seq: input.before_seq! } } : undefined,
        input.text === undefined ? undefined : { sql: `rowid > ${lowest}` },
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
      (where) =>
        input.text === undefined
          ? `select rowid as "row", ${SHOWN} from events where ${where} order by stream_seq desc, rowid desc limit $rows`
          : `with top(n) as (${newest.sql}),
  looked as (select min(stream_seq) as seq, min(time) as time, min(rowid) as n from events where rowid > ${lowest} and rowid <= ${lowest} + 100)
select l.seq as looked_seq, l.time as looked_time, l.n as looked_row, e.* from looked l left join (
  select rowid as "row", ${SHOWN} from events where ${where} order by stream_seq desc, rowid desc limit $rows) e on true order by "row" desc`,
      { ...(input.text !== undefined && newest.values), rows: rowsOf(input.limit, 50) },
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
