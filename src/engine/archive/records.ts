import type { Headers, Stored } from "../../wire/read.ts";

/** Headers of a message as JSON: pairs of a name and its values; null where it has none. */
export type HeaderList = readonly (readonly [string, readonly string[]])[] | null;

/** Headers as they are kept: all of them, in their order. */
export const headerList = (headers: Headers | undefined): HeaderList =>
  headers ? [...headers].map(([name, values]) => [name, [...values]] as const) : null;

function headersOf(list: HeaderList): Headers | undefined {
  if (!list) return undefined;
  return {
    get: (name) => list.find(([n]) => n === name)?.[1][0] ?? "",
    *[Symbol.iterator]() {
      for (const [name, values] of list) yield [name, [...values]] as [string, string[]];
    },
  };
}

/** What stands before the bytes of a message when it passes from the process that reads the archive. */
export interface Head {
  readonly seq: number;
  readonly subject: string;
  readonly stored_us: number;
  readonly headers: HeaderList;
}

/** What else that process says: that everything was told, or what cannot be read. */
export interface Told {
  readonly end?: true;
  readonly fault?: Fault;
}

/** A segment that cannot be read, or a file of it that is not what it was. */
export interface Fault {
  readonly file: string;
  readonly first: number;
  readonly last: number;
  readonly why: string;
}

const PREFIX = 8;

/** A message, or what else is to be said, as bytes: two lengths (32 bits, big-endian), JSON, and the message's data. */
export function packRecord(head: Head | Told, data: Uint8Array = new Uint8Array()): Buffer {
  const text = Buffer.from(JSON.stringify(head), "utf8");
  const out = Buffer.allocUnsafe(PREFIX + text.length + data.length);
  out.writeUInt32BE(text.length, 0);
  out.writeUInt32BE(data.length, 4);
  text.copy(out, PREFIX);
  out.set(data, PREFIX + text.length);
  return out;
}

/** Puts records together again from the pieces in which they come. */
export class Records {
  private parts: Buffer[] = [];
  private held = 0;

  push(part: Buffer): void {
    this.parts.push(part);
    this.held += part.length;
  }

  /** The next record that is whole. */
  next(): Stored | Told | undefined {
    if (this.held < PREFIX) return undefined;
    const first = this.joined(PREFIX);
    const [text, data] = [first.readUInt32BE(0), first.readUInt32BE(4)];
    const size = PREFIX + text + data;
    if (this.held < size) return undefined;
    const bytes = this.joined(size);
    const head = JSON.parse(bytes.toString("utf8", PREFIX, PREFIX + text)) as Head | Told;
    this.parts[0] = bytes.subarray(size);
    if (bytes.length === size) this.parts.shift();
    this.held -= size;
    if (!("seq" in head)) return head;
    const { headers, ...rest } = head;
    // how many follow is known of the stream only
    return { ...rest, data: bytes.subarray(PREFIX + text, size), headers: headersOf(headers), pending: 0 };
  }

  /** The first part, made at least that long. */
  private joined(size: number): Buffer {
    if (this.parts[0]!.length < size) {
      let count = 0;
      for (let length = 0; length < size; count++) length += this.parts[count]!.length;
      this.parts.splice(0, count, Buffer.concat(this.parts.slice(0, count)));
    }
    return this.parts[0]!;
  }
}
