import Table from "cli-table3";
import { toWeirError, type WeirError } from "../base/errors.ts";

/** Prints a line on stdout. */
export const say = (text = ""): void => {
  process.stdout.write(`${text}\n`);
};
/** Prints a value as one line of JSON. */
export const sayJson = (value: unknown): void => say(JSON.stringify(value));
/** Prints a line for people on stderr, so that stdout stays clean for programs. */
export const note = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

/** Exit codes: 0 done, 1 failed, 2 wrong usage, 3 weir is not running. */
export const exitCodeOf = (error: WeirError): number =>
  error.code === "not_running" ? 3 : error.code === "usage" || error.code === "bad_config" ? 2 : 1;

/** Tells an error as `error: <code>: what happened (what to do)` and ends with its code. */
export function fail(thrown: unknown): never {
  const error = toWeirError(thrown);
  note(error.line());
  if (error.code === "internal" && error.cause instanceof Error && error.cause.stack) note(error.cause.stack);
  process.exit(exitCodeOf(error));
}

const shown = (value: unknown): string => {
  if (value === null || value === undefined) return "";
  if (typeof value === "number" && !Number.isInteger(value)) return String(Number(value.toPrecision(6)));
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  // what came from transcripts must not steer the terminal
  const clean = text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]+/g, " ");
  return clean.length > 100 ? `${clean.slice(0, 99)}…` : clean;
};

/** Prints rows as a table for people. */
export function sayTable(columns: readonly { readonly name: string }[], rows: readonly (readonly unknown[])[]): void {
  if (rows.length === 0) {
    say("(no rows)");
    return;
  }
  const table = new Table({ head: columns.map((c) => c.name), style: { head: [], border: [], compact: true } });
  for (const row of rows) table.push(row.map(shown));
  say(table.toString());
}

/** Shows progress on one line of stderr where that is a terminal; silent elsewhere. */
export function progress(label: string): { show(done: number, total: number, rest?: string): void; end(): void } {
  const tty = process.stderr.isTTY;
  let last = 0;
  return {
    show(done, total, rest = "") {
      const now = performance.now();
      if (!tty || now - last < 80) return;
      last = now;
      const share = total > 0 ? Math.min(1, done / total) : 0;
      const filled = Math.round(share * 24);
      process.stderr.write(
        `\r\u001b[K${label} [${"█".repeat(filled)}${"·".repeat(24 - filled)}] ${Math.round(share * 100)} % ${rest}`,
      );
    },
    end() {
      if (tty) process.stderr.write("\r\u001b[K");
    },
  };
}
