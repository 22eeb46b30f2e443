import events from "../../../projections/events.ts";
import { int, optional, text, time } from "../../define/field.ts";
import { type AnsweredRow, defineQuery, type Statement, type Steps } from "../../define/query.ts";
import { type Condition, contains, equals, pick, rows, rowsOf, statement } from "../statement.ts";

/** Events whose text is looked at in one go; more would take longer than an answer may. */
const TEXT_EVENTS_MAX = 100_000;
/** Characters of the data shown of an event. */
const CHARS = 1_500;
/**
 * How far behind the newest sequence the parts of the table begin that are looked at one after the other, until enough is found: what is asked for
 * is mostly near the end, and DuckDB passes over all else by its statistics.
 */
const PARTS = [2, 32, 1_024, Number.POSITIVE_INFINITY];
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

/** Where a page begins: its newest row, and a sequence that is not before that row's. Rows of events are numbered in the order of the log and never change. */
function start({ before, before_seq }: { before?: number; before_seq?: number }): Statement {
  const newest = "(select count(*) from events) - 1";
  if (before !== undefined)
    return {
      sql: 'select $before - 1 as "row", coalesce((select stream_seq from events where rowid = $before), $as_of_seq) as seq',
      values: { before },
    };
  if (before_seq === undefined) return { sql: `select ${newest} as "row", $as_of_seq as seq`, values: {} };
  const near = `stream_seq < $before_seq and stream_seq >= $before_seq - ${NEAR_SEQS}`;
  return {
    sql: `select coalesce((select max(rowid) from events where ${near}), ${newest}) as "row", $before_seq - 1 as seq`,
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
  *sql(input): Steps {
    const asked = rowsOf(input.limit, 50);
    const [begin] = yield start(input);
    const [row, seq] = [Number(begin!.row), Number(begin!.seq)];
    const low = row - TEXT_EVENTS_MAX;
    const conditions = [
      input.before === undefined ? undefined : { sql: "rowid < $before", values: { before: input.before } },
      input.text === undefined ? undefined : { sql: "rowid > $low", values: { low } },
      typed(input.type),
      equals("session", "session", input.session),
      input.since === undefined ? undefined : { sql: "time >= make_timestamp($since)", values: { since: input.since } },
      input.until === undefined ? undefined : { sql: "time < make_timestamp($until)", values: { until: input.until } },
      contains(["data"], "text", input.text),
    ];
    const select = (columns: string, more: Condition, end = ""): Statement =>
      statement(
        [more, ...conditions],
        (where) =>
          `select rowid as "row", ${columns} from events where ${where} order by stream_seq desc, rowid desc ${end}`,
      );
    const found: AnsweredRow[] = [];
    for (let until = seq, k = 0; until > 0 && found.length <= asked && k < PARTS.length; k++) {
      const from = Math.max(seq - PARTS[k]! + 1, 0);
      const values = { from, until, rows: asked + 1 - found.length };
      found.push(
        ...(yield select("stream_seq", { sql: "stream_seq between $from and $until", values }, "limit $rows")),
      );
      until = from - 1;
    }
    // the rows whole without a limit: with one DuckDB looks for them by their numbers in all of the table
    const oldest = found.at(asked - 1) ?? found.at(-1);
    const shown = oldest
      ? {
          rows: yield select(SHOWN, {
            sql: "stream_seq between $from and $until and rowid >= $oldest",
            values: {
              from: Number(oldest.stream_seq),
              until: Number(found[0]!.stream_seq),
              oldest: Number(oldest.row),
            },
          }),
          truncated: found.length > asked,
        }
      : { rows: [] };
    if (found.length >= asked)
      return { ...shown, note: `There may be more: pass before=${shown.rows.at(-1)!.row} for the next page.` };
    if (input.text === undefined || low < 0) return { ...shown, note: "These are all." };
    const [last] = yield {
      sql: "select min(stream_seq) as seq, min(time) as time, min(rowid) as n from events where rowid > $low and rowid <= $low + 100",
      values: { low },
    };
    return {
      ...shown,
      note: `Looked back to stream_seq ${last!.seq} (${last!.time}); pass before=${last!.n} to look further back.`,
    };
  },
});
