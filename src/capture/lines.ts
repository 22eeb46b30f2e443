import { LIMITS } from "../base/limits.ts";

/** Reads bytes at a position into a buffer and tells how many there were; 0 is the end. */
export type ReadAt = (into: Uint8Array, position: number) => Promise<number>;

/** One line, with the bytes it takes: from `offset` to `end`, the newline included. */
export interface Line {
  /** Number of the line in the file, from 1. */
  readonly line: number;
  readonly offset: number;
  readonly end: number;
  /** The line without its newline; undefined where it is longer than the limit and was skipped. */
  readonly text: string | undefined;
  /** The newline is missing: the last line of a file that ends in a whole JSON object. */
  readonly open: boolean;
}

/** Where to begin and how much to take. */
export interface LinesOptions {
  readonly offset?: number;
  /** Number of lines before `offset`. */
  readonly line?: number;
  /** The line before `offset` was taken without its newline, which may have come since. */
  readonly open?: boolean;
  /** Position after the last byte to read, for files that grow while they are read. */
  readonly limit?: number;
  readonly line_bytes_max?: number;
  readonly chunk_bytes?: number;
  /** Nobody writes on: a last line without newline is a line like any other. */
  readonly whole?: boolean;
}

/** Whether a last line without newline is a whole record, and not the beginning of one. */
function isWholeRecord(text: string): boolean {
  const trimmed = text.trim();
  if (!trimmed.startsWith("{") || !trimmed.endsWith("}")) return false;
  try {
    JSON.parse(trimmed);
    return true;
  } catch {
    return false; // still being written: left for the next run
  }
}

/** The bytes of one line that came so far. */
interface Pending {
  parts: Uint8Array[];
  bytes: number;
}

/** Keeps bytes of a line, and gives up what is longer than the limit. */
function keep(pending: Pending, part: Uint8Array, max: number): void {
  pending.bytes += part.length;
  if (pending.bytes > max) pending.parts = [];
  else if (part.length > 0) pending.parts.push(Buffer.from(part));
}

/** The text of a line that ends (undefined: too long); the next one begins. */
function take(pending: Pending, rest: Uint8Array, max: number, first: boolean): string | undefined {
  const { parts, bytes } = pending;
  pending.parts = [];
  pending.bytes = 0;
  if (bytes + rest.length > max) return undefined;
  const whole =
    parts.length === 0 ? Buffer.from(rest.buffer, rest.byteOffset, rest.length) : Buffer.concat([...parts, rest]);
  const text = whole.toString();
  const begin = first && text.charCodeAt(0) === 0xfeff ? 1 : 0;
  return text.slice(begin, text.endsWith("\r") ? -1 : undefined);
}

/**
 * The lines of a file from an offset on, in bounded memory whatever the size of file or line. A last line without newline counts only
 * where it is a whole JSON object, or the file is `whole`; otherwise it is left for the next run.
 */
export async function* readLines(readAt: ReadAt, options: LinesOptions = {}): AsyncGenerator<Line, void, undefined> {
  const {
    limit = Number.POSITIVE_INFINITY,
    line_bytes_max = LIMITS.line_bytes_max,
    chunk_bytes = LIMITS.read_chunk_bytes,
    whole = false,
  } = options;
  const chunk = Buffer.allocUnsafe(chunk_bytes);
  const pending: Pending = { parts: [], bytes: 0 };
  let { offset = 0, line = 0, open = false } = options;
  let position = offset;
  for (;;) {
    const room = Math.min(chunk.length, limit - position);
    const got = room > 0 ? await readAt(chunk.subarray(0, room), position) : 0;
    if (got === 0) break;
    const view = chunk.subarray(0, got);
    let from = 0;
    for (let at = view.indexOf(10); at >= 0; at = view.indexOf(10, from)) {
      const text = take(pending, view.subarray(from, at), line_bytes_max, offset === 0);
      from = at + 1;
      const end = position + from;
      // the newline of a line that was taken without it is not a line
      if (!(open && text?.trim() === "")) yield { line: ++line, offset, end, text, open: false };
      open = false;
      offset = end;
    }
    keep(pending, view.subarray(from), line_bytes_max);
    position += got;
  }
  if (pending.bytes === 0 || (pending.bytes > line_bytes_max && !whole)) return;
  const text = take(pending, new Uint8Array(), line_bytes_max, offset === 0);
  if (whole || isWholeRecord(text!)) yield { line: line + 1, offset, end: position, text, open: true };
}
