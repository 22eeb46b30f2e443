import { LIMITS } from "../base/limits.ts";
import { type Fields, int, optional, time } from "../define/field.ts";
import type { AnsweredRow, Bound, Shown, Statement } from "../define/query.ts";

/** A condition with the values it binds. */
export interface Condition {
  readonly sql: string;
  readonly values?: Readonly<Record<string, Bound>>;
}

const DAY_US = 86_400_000_000;

/** The default period of questions over small tables: everything there is. */
export const ALWAYS = Number.POSITIVE_INFINITY;

const stretch = (days: number): string =>
  days === ALWAYS ? "the beginning" : `${days < 1 ? `${days * 24} hours` : `${days} days`} before the newest event`;

/** Arguments of a question about a stretch of time. `since` is 30 days before the newest event where `days` says nothing else. */
export const period = (days = 30) =>
  ({
    since: optional(time(`start: ISO 8601, or how long ago such as 24h or 7d; absent: ${stretch(days)}`)),
    until: optional(time("end, not included; absent: no end")),
  }) as const;

/** Argument for the number of rows. */
export const rows = (fallback: number) =>
  optional(int(`rows at most, up to ${LIMITS.query_rows_max}; ${fallback} where absent`, { min: 1 }));

/**
 * `column` within the period asked for. Bounds the start unless `days` is ALWAYS, so that DuckDB skips older parts of the table. A column that
 * holds starts of buckets names their width: the bucket in which the period begins counts whole.
 */
export function within(
  column: string,
  input: { since?: number; until?: number },
  days = 30,
  bucket?: "minute" | "hour" | "day",
): Condition {
  const values: Record<string, Bound> = {};
  const held: string[] = [];
  if (input.since !== undefined || days !== ALWAYS) {
    const start = `make_timestamp(${input.since === undefined ? `$as_of - ${days * DAY_US}` : "$since"})`;
    held.push(`${column} >= ${bucket ? `date_trunc('${bucket}', ${start})` : start}`);
  }
  if (input.until !== undefined) held.push(`${column} < make_timestamp($until)`);
  if (input.since !== undefined) values.since = input.since;
  if (input.until !== undefined) values.until = input.until;
  return { sql: held.join(" and ") || "true", values };
}

/** `column = value`, or no condition where there is no value. */
export const equals = (column: string, name: string, value: Bound | undefined): Condition | undefined =>
  value === undefined ? undefined : { sql: `${column} = $${name}`, values: { [name]: value } };

/** Whether one of the columns contains the text, upper or lower case; no condition where there is no text. */
export const contains = (columns: readonly string[], name: string, value: string | undefined): Condition | undefined =>
  value === undefined
    ? undefined
    : {
        sql: `(${columns.map((c) => `contains(lower(${c}), lower($${name}))`).join(" or ")})`,
        values: { [name]: value },
      };

/** A condition without values, where it is wanted. */
export const when = (wanted: unknown, sql: string): Condition | undefined => (wanted ? { sql } : undefined);

/** One statement of conditions and the text around them. `$rows` takes the number of rows, within the limit. */
export function statement(
  conditions: readonly (Condition | undefined)[],
  text: (where: string) => string,
  values: Readonly<Record<string, Bound>> = {},
): Statement {
  const held = conditions.filter((c) => c !== undefined);
  const sql = text(held.length === 0 ? "true" : held.map((c) => c.sql).join(" and "));
  return { sql, values: Object.assign({}, ...held.map((c) => c.values ?? {}), values) as Statement["values"] };
}

/** The number of rows to answer. */
export const rowsOf = (asked: number | undefined, fallback: number): number =>
  Math.min(asked ?? fallback, LIMITS.query_rows_max);

/** So many of the rows; one more than that tells that there are more. */
export const upTo = (asked: number, rows: readonly AnsweredRow[]): Shown => ({
  rows: rows.slice(0, asked),
  truncated: rows.length > asked,
});

/** Some fields of a projection's row; a renamed column fails to compile. */
export function pick<F extends Fields, const N extends keyof F & string>(fields: F, names: readonly N[]): Pick<F, N> {
  return Object.fromEntries(names.map((name) => [name, fields[name]])) as Pick<F, N>;
}

/**
 * A roll-up over the period asked for: whole days from its daily table, the hours before and after them from its hourly one. The hours in
 * which the period begins and ends count whole. `columns` are those needed; `time` is always there.
 */
export function spanning(
  rollup: string,
  columns: readonly string[],
  { since, until }: { since?: number; until?: number },
  days = 30,
): Condition {
  const from = (step: string, conditions: readonly string[]): string =>
    `select time, ${columns.join(", ")} from ${rollup}_${step} where ${conditions.join(" and ") || "true"}`;
  const values: Record<string, Bound> = {};
  if (since !== undefined) values.since = since;
  if (until !== undefined) values.until = until;
  const start =
    since !== undefined
      ? "make_timestamp($since)"
      : days === ALWAYS
        ? undefined
        : `make_timestamp($as_of - ${days * DAY_US})`;
  const end = until === undefined ? undefined : "make_timestamp($until)";
  // the first whole day, and the day that is not whole any more
  const first = start && `date_trunc('day', ${start} + interval '1 day' - interval '1 microsecond')`;
  const last = end && `date_trunc('day', ${end})`;
  const sql = [from("daily", [...(first ? [`time >= ${first}`] : []), ...(last ? [`time < ${last}`] : [])])];
  if (start)
    sql.push(
      from("hourly", [`time >= date_trunc('hour', ${start})`, `time < ${end ? `least(${first}, ${end})` : first}`]),
    );
  if (end) sql.push(from("hourly", [`time >= ${first ? `greatest(${first}, ${last})` : last}`, `time < ${end}`]));
  return { sql: sql.join(" union all "), values };
}
