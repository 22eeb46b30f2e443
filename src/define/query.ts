import type { Fields, ShapeOf } from "./field.ts";

/** A value bound into SQL. Times are microseconds since 1970 and are bound as such: use `make_timestamp($name)`. */
export type Bound = string | number | boolean | null;

/** One SELECT with its bound values; `$name` in the text takes `values.name`. */
export interface Statement {
  readonly sql: string;
  readonly values: Readonly<Record<string, Bound>>;
}

/** A question: an MCP tool, an HTTP route, a command-line query and a dashboard panel at once. The file's name is its name. */
export interface Query<I extends Fields = Fields, R extends Fields = Fields> {
  /** Short title for people. */
  readonly title: string;
  /** A paragraph for whoever must choose: what it answers, when to use it, what the numbers mean. */
  readonly about: string;
  readonly input: I;
  readonly row: R;
  /** The statement for one input. It bounds its rows itself (LIMIT) and its time range by default. */
  sql(input: ShapeOf<I>): Statement;
}

/** Identity that helps inference. */
export const defineQuery = <const I extends Fields, const R extends Fields>(query: Query<I, R>): Query<I, R> => query;
