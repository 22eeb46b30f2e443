/** What parent and child of the sandbox say to each other: one JSON text a line. */

/** A statement to run. */
export interface Request {
  readonly id: number;
  readonly sql: string;
  /** Tables that may be read. */
  readonly tables: readonly string[];
  /** The snapshot, and what tells one from its successor under the same name. */
  readonly snapshot: string;
  readonly stamp: string;
  readonly rows_max: number;
  readonly bytes_max: number;
  readonly time_ms: number;
}

/** A column of an answer; `type` is DuckDB's name. */
export interface Column {
  readonly name: string;
  readonly type: string;
}

/** Rows of an answer, cut at the limits when `truncated`. */
export interface Answer {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly unknown[])[];
  readonly truncated: boolean;
}

export type FailureCode = "sql_refused" | "sql_failed" | "timeout" | "limit_reached" | "store_failed";

/** What is said of a statement that reached the limits of memory, whoever noticed. */
export const TOO_MUCH_MEMORY = "the statement needs more memory than it may have";

/** What is said of a statement that was stopped at its deadline, whoever stopped it. */
export const stoppedAfter = (time_ms: number): string => `the statement was stopped after ${time_ms} ms`;

/** What the process has used: processor time since it began, and the memory it holds after a statement. */
export interface Used {
  readonly cpu_ms: number;
  readonly rss_bytes: number;
}

/** What the child says. */
export type Reply =
  | { readonly ready: true }
  | { readonly id: number; readonly used: Used; readonly answer: Answer }
  | { readonly id: number; readonly used: Used; readonly code: FailureCode; readonly message: string };

/** What the parent says besides requests: stop the one that runs. */
export interface Cancel {
  readonly cancel: number;
}
