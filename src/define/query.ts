import type { Fields, ShapeOf } from "./field.ts";

/** A value bound into SQL. Times are microseconds since 1970 and are bound as such: use `make_timestamp($name)`. */
export type Bound = string | number | boolean | null;

/**
 * One SELECT with its bound values; `$name` in the text takes `values.name`. `$as_of` and `$as_of_seq` need no value: they take the
 * time of the newest event in the tables (microseconds) and the log's sequence they stand at, so that defaults like "the last 30 days"
 * also work on what was imported. `values.rows` is the number of rows asked for, as in `limit $rows`.
 */
export interface Statement {
  readonly sql: string;
  readonly values: Readonly<Record<string, Bound>>;
}

/** A row as SQL answered it, by column: plain JSON values, times as ISO text, bytes as base64. */
export type AnsweredRow = Readonly<Record<string, unknown>>;

/** Rows as a query's `row` describes them, and one sentence on them where it is needed, for example how far back it looked. */
export interface Shown {
  readonly rows: readonly AnsweredRow[];
  readonly note?: string;
  /** There are more rows than were asked for. */
  readonly truncated?: boolean;
}

/**
 * A question that takes several statements, all answered in one snapshot: yields each, is given its rows, and returns what is shown. DuckDB plans a
 * statement each time it is asked, so two plain ones cost less than one that finds its own bounds. The first one reads a table whose rows change where any does.
 */
export type Steps = Generator<Statement, Shown, readonly AnsweredRow[]>;

/** A question: an MCP tool, an HTTP route, a command-line query and a dashboard panel at once. The file's name is its name. */
export interface Query<I extends Fields = Fields, R extends Fields = Fields> {
  /** Short title for people. */
  readonly title: string;
  /** A paragraph for whoever must choose: what it answers, when to use it, what the numbers mean. */
  readonly about: string;
  readonly input: I;
  readonly row: R;
  /** The statement for one input, or several. It bounds its rows itself (LIMIT) and its time range by default. */
  sql(input: ShapeOf<I>): Statement | Steps;
  /** What SQL cannot say, for example merging sketches: rows of the one statement in, what is shown out. Pure. */
  after?(rows: readonly AnsweredRow[], input: ShapeOf<I>): Shown;
}

/** Identity that helps inference. */
export const defineQuery = <const I extends Fields, const R extends Fields>(query: Query<I, R>): Query<I, R> => query;
