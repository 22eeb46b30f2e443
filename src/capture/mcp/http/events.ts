import { LIMITS } from "../../../base/limits.ts";
import { createGatherer, createLineSplitter, type MessageLine } from "../lines.ts";

/** One event of a stream of server-sent events. */
export interface ServerEvent {
  /** Absent where the stream does not name it: then it is a message. */
  readonly event?: string;
  readonly data: MessageLine;
}

/** Takes the chunks of a stream of server-sent events and tells of each event that is complete. */
export interface EventSplitter {
  push(chunk: Uint8Array, tell: (event: ServerEvent) => void): void;
  /** Whether an event had an id: a client may ask for what follows it on another stream. */
  readonly resumable: boolean;
}

const MARK = Buffer.from("\uFEFF");
const NEWLINE = Buffer.from("\n");
const RETURN = 13;
const COLON = 58;
const SPACE = 32;

/** A line without its first and last bytes. */
const cut = ({ bytes, whole, head, tail }: MessageLine, from: number, back = 0): MessageLine => ({
  bytes: bytes - from - back,
  whole: whole?.subarray(from, whole.length - back),
  head: head.subarray(from),
  tail: tail.subarray(0, tail.length - back),
});

/** Joins the lines of an event's data, with one newline between them, in bounded memory. */
function createData() {
  const gatherer = createGatherer();
  let lines = 0;
  /** Bytes between the edges of lines that were not whole. */
  let between = 0;
  return {
    add(line: MessageLine): void {
      if (lines++ > 0) gatherer.add(NEWLINE);
      if (!line.whole) between += line.bytes - line.head.length - line.tail.length;
      for (const part of line.whole ? [line.whole] : [line.head, line.tail]) gatherer.add(part);
    },
    /** The data gathered; undefined where the event had none. */
    done(): MessageLine | undefined {
      const any = lines > 0;
      const { bytes, whole, head, tail } = gatherer.done();
      const missing = between;
      lines = 0;
      between = 0;
      if (!any) return undefined;
      if (missing === 0 || !whole) return { bytes: bytes + missing, whole, head, tail };
      const edge = LIMITS.mcp_edge_bytes;
      return {
        bytes: bytes + missing,
        whole: undefined,
        head: whole.subarray(0, edge),
        tail: whole.subarray(-edge),
      };
    },
  };
}

/** Splits a stream of server-sent events, in bounded memory. Lines end in `\n` or `\r\n`. */
export function createEventSplitter(): EventSplitter {
  const splitter = createLineSplitter();
  const data = createData();
  let event: string | undefined;
  let first = true;
  let resumable = false;
  const take = (given: MessageLine, tell: (event: ServerEvent) => void): void => {
    const mark = first && (given.whole ?? given.head).subarray(0, MARK.length).equals(MARK) ? MARK.length : 0;
    const end = given.whole ?? given.tail;
    const line = cut(given, mark, end.length > mark && end[end.length - 1] === RETURN ? 1 : 0);
    first = false;
    if (line.bytes === 0) {
      const found = data.done();
      if (found) tell({ data: found, ...(event ? { event } : {}) });
      event = undefined;
      return;
    }
    const text = line.whole ?? line.head;
    const colon = text.indexOf(COLON);
    const name = text.subarray(0, colon < 0 ? text.length : colon).toString("latin1");
    const value = colon < 0 ? text.length : text[colon + 1] === SPACE ? colon + 2 : colon + 1;
    if (name === "data") data.add(cut(line, value));
    else if (name === "event") event = text.subarray(value, value + 256).toString();
    else if (name === "id") resumable = true;
  };
  return {
    push: (chunk, tell) => splitter.push(chunk, (line) => take(line, tell)),
    get resumable() {
      return resumable;
    },
  };
}
