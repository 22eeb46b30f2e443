import { LIMITS } from "../../base/limits.ts";

/** One line of a stream of messages, without its newline. */
export interface MessageLine {
  readonly bytes: number;
  /** The whole line; undefined where it is longer than the limit. */
  readonly whole: Buffer | undefined;
  /** Its beginning and end, where it is not whole. */
  readonly head: Buffer;
  readonly tail: Buffer;
}

/** Gathers the bytes of one message, in memory bounded by `max` and two edges whatever its length. Chunks are not changed, but kept. */
export interface Gatherer {
  add(part: Uint8Array): void;
  /** What was gathered; begins anew. */
  done(): MessageLine;
  readonly bytes: number;
}

const NEWLINE = 10;
const NONE = Buffer.alloc(0);

export function createGatherer(
  max: number = LIMITS.mcp_message_bytes_max,
  edge: number = LIMITS.mcp_edge_bytes,
): Gatherer {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  let head = NONE;
  let tail = NONE;
  return {
    get bytes() {
      return bytes;
    },
    add(part) {
      if (part.length === 0) return;
      bytes += part.length;
      if (bytes <= max) return void parts.push(part);
      if (parts.length > 0) {
        const kept = Buffer.concat(parts);
        head = Buffer.from(kept.subarray(0, edge));
        tail = kept;
        parts = [];
      } else if (head.length === 0) head = Buffer.from(part.subarray(0, edge));
      tail = Buffer.from(Buffer.concat([tail.subarray(-edge), part.subarray(-edge)]).subarray(-edge));
    },
    done() {
      const found = { bytes, whole: bytes <= max ? Buffer.concat(parts) : undefined, head, tail };
      parts = [];
      bytes = 0;
      head = NONE;
      tail = NONE;
      return found;
    },
  };
}

/** Takes a stream's chunks and tells of each line that is complete. */
export interface LineSplitter {
  push(chunk: Uint8Array, line: (line: MessageLine) => void): void;
  /** Bytes are missing from here on: what comes until the next newline is no message. */
  gap(): void;
}

/** Lines, and so messages on stdio, that end in a chunk. */
export function linesIn(chunk: Uint8Array): number {
  let count = 0;
  for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) count++;
  return count;
}

/** Splits a stream into lines, each gathered in bounded memory. */
export function createLineSplitter(max?: number, edge?: number): LineSplitter {
  const gatherer = createGatherer(max, edge);
  let torn = false;
  return {
    push(chunk, line) {
      const view = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      let from = 0;
      for (let at = view.indexOf(NEWLINE); at >= 0; at = view.indexOf(NEWLINE, from)) {
        gatherer.add(view.subarray(from, at));
        from = at + 1;
        const found = gatherer.done();
        const skip = torn;
        torn = false;
        if (!skip) line(found);
      }
      gatherer.add(view.subarray(from));
    },
    gap() {
      gatherer.done();
      torn = true;
    },
  };
}
