import { toWeirError, type WeirError } from "../base/errors.ts";
import { type Head, tableText } from "./table.ts";

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

/** Prints rows as a table for people, as wide as the terminal. `sparse` leaves out columns without any value. */
export function sayTable(
  columns: readonly Head[],
  rows: readonly (readonly unknown[])[],
  { sparse = false }: { readonly sparse?: boolean } = {},
): void {
  say(
    rows.length === 0 ? "(no rows)" : tableText(columns, rows, { room: process.stdout.columns || undefined, sparse }),
  );
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
