import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { WeirError } from "../base/errors.ts";
import { makeFolder } from "../base/folder.ts";
import { LIMITS } from "../base/limits.ts";

/** A frame that waits on disk for the broker. */
export interface Spooled {
  readonly partition: number;
  /** Message id under which the broker recognises a repeat. */
  readonly id: string;
  readonly count: number;
  readonly frame: Uint8Array;
}

/**
 * Frames on disk in their order: append-only segments of records, each with length and CRC-32, and a position file that says what was sent.
 * An append is durable when it returns. A torn tail is cut, a broken record in the middle is skipped and counted. Layout of a record:
 * length u32, crc u32, then partition u16, count u16, length of id u8, id, frame.
 */
export interface Spool {
  /** Events waiting. */
  readonly events: number;
  readonly bytes: number;
  /** Records that could not be read. */
  readonly broken: number;
  /** Writes frames and waits until they are on the disk. Throws `spool_full` at the limit; nothing is written then. */
  append(frames: readonly Spooled[]): void;
  /** The oldest frame not sent. */
  peek(): Spooled | undefined;
  /** The oldest frames not sent, at most `count` of one segment, in their order. */
  peekRun(count: number): Spooled[];
  /** The oldest `count` frames (1) were acknowledged. */
  taken(count?: number): void;
  /** Closes the files; an empty spool leaves no folder behind. */
  close(): void;
}

const HEAD = 8;
const name = (segment: number): string => `${String(segment).padStart(8, "0")}.seg`;

/** Opens the spool in `folder`, mending what a crash left. */
export function openSpool(folder: string, bytesMax: number = LIMITS.spool_bytes_max): Spool {
  makeFolder(folder, 0o700);
  const segments = readdirSync(folder)
    .filter((file) => /^\d{8}\.seg$/.test(file))
    .map((file) => Number(file.slice(0, 8)))
    .sort((a, b) => a - b);
  const start = readPosition(folder);
  for (const old of segments.filter((s) => s < start.segment)) rmSync(join(folder, name(old)));
  let reading = {
    segment: Math.max(start.segment, segments[0] ?? 1),
    offset: start.segment >= (segments[0] ?? 1) ? start.offset : 0,
  };
  let writing = Math.max(segments.at(-1) ?? 1, reading.segment);
  let broken = 0;
  let events = 0;
  let bytes = 0;
  for (let s = reading.segment; s <= writing; s++) {
    const seen = scan(join(folder, name(s)), s === reading.segment ? reading.offset : 0, s === writing);
    events += seen.events;
    broken += seen.broken;
    bytes += seen.bytes;
  }
  let out: number | undefined;
  let outSize = existsSync(join(folder, name(writing))) ? statSync(join(folder, name(writing))).size : 0;
  let loaded: { segment: number; data: Buffer } | undefined;
  let current: { item: Spooled; next: number } | undefined;

  const openSegment = (): number => {
    const fd = openSync(join(folder, name(writing)), "a", 0o600);
    syncFolder(folder);
    return fd;
  };
  const load = (): Buffer => {
    const file = join(folder, name(reading.segment));
    const size = existsSync(file) ? statSync(file).size : 0;
    if (loaded?.segment !== reading.segment || loaded.data.length !== size)
      loaded = { segment: reading.segment, data: size > 0 ? readFileSync(file) : Buffer.alloc(0) };
    return loaded.data;
  };

  return {
    get events() {
      return events;
    },
    get bytes() {
      return bytes;
    },
    get broken() {
      return broken;
    },
    append(frames) {
      const records = frames.map(record);
      const size = records.reduce((sum, r) => sum + r.length, 0);
      if (bytes + size > bytesMax)
        throw new WeirError("spool_full", `the spool holds ${bytes} bytes, its limit is ${bytesMax}`);
      if (out !== undefined && outSize >= LIMITS.spool_segment_bytes_max) {
        closeSync(out);
        out = undefined;
        writing++;
        outSize = 0;
      }
      out ??= openSegment();
      try {
        writeAll(out, Buffer.concat(records));
        fdatasyncSync(out);
      } catch (error) {
        // what got through is cut off again, so that the next record stands behind a whole one
        ftruncateSync(out, outSize);
        throw new WeirError(
          "spool_full",
          `the spool cannot be written: ${error instanceof Error ? error.message : error}`,
          { cause: error, hint: "free disk space" },
        );
      }
      outSize += size;
      bytes += size;
      events += frames.reduce((sum, f) => sum + f.count, 0);
    },
    peek() {
      if (current) return current.item;
      for (;;) {
        const data = load();
        const found = readRecord(data, reading.offset);
        if (found?.item) {
          current = { item: found.item, next: found.next };
          return found.item;
        }
        if (found) {
          reading.offset = found.next; // broken, counted when it was scanned
          continue;
        }
        if (reading.segment >= writing) return undefined;
        const done = reading.segment;
        reading = { segment: done + 1, offset: 0 };
        writePosition(folder, reading);
        rmSync(join(folder, name(done)), { force: true });
      }
    },
    peekRun(count) {
      const first = this.peek();
      if (!first) return [];
      const run = [first];
      const data = load();
      let offset = current!.next;
      for (let found = readRecord(data, offset); found?.item && run.length < count; found = readRecord(data, offset)) {
        run.push(found.item);
        offset = found.next;
      }
      return run;
    },
    taken(count = 1) {
      for (let k = 0; k < count && this.peek(); k++) {
        bytes -= current!.next - reading.offset;
        events -= current!.item.count;
        reading.offset = current!.next;
        current = undefined;
      }
      writePosition(folder, reading);
    },
    close() {
      if (out !== undefined) closeSync(out);
      out = undefined;
      if (events === 0) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A full disk may take a part only, and tell so at the next attempt. */
function writeAll(fd: number, data: Buffer): void {
  for (let at = 0; at < data.length; ) at += writeSync(fd, data, at);
}

function record(item: Spooled): Buffer {
  const id = Buffer.from(item.id, "latin1");
  const body = Buffer.allocUnsafe(5 + id.length + item.frame.length);
  body.writeUInt16LE(item.partition, 0);
  body.writeUInt16LE(item.count, 2);
  body.writeUInt8(id.length, 4);
  id.copy(body, 5);
  body.set(item.frame, 5 + id.length);
  const head = Buffer.allocUnsafe(HEAD);
  head.writeUInt32LE(body.length, 0);
  head.writeUInt32LE(crc32(body), 4);
  return Buffer.concat([head, body]);
}

/** The record at an offset. Without item: what stands there is broken, and `next` is where the next whole record begins. Undefined: none follows. */
function readRecord(data: Buffer, offset: number): { item?: Spooled; next: number } | undefined {
  const found = recordAt(data, offset);
  if (found) return found;
  for (let at = offset + 1; at + HEAD + 5 <= data.length; at++) if (recordAt(data, at)) return { next: at };
  return undefined;
}

function recordAt(data: Buffer, offset: number): { item: Spooled; next: number } | undefined {
  if (offset + HEAD + 5 > data.length) return undefined;
  const length = data.readUInt32LE(offset);
  const next = offset + HEAD + length;
  if (length < 5 || next > data.length) return undefined;
  const body = data.subarray(offset + HEAD, next);
  const idLength = body.readUInt8(4);
  // the sum last: what is looked at may be the middle of another record
  if (
    5 + idLength > length ||
    body.readUInt16LE(2) > LIMITS.frame_events_max ||
    crc32(body) !== data.readUInt32LE(offset + 4)
  )
    return undefined;
  return {
    item: {
      partition: body.readUInt16LE(0),
      count: body.readUInt16LE(2),
      id: body.subarray(5, 5 + idLength).toString("latin1"),
      frame: body.subarray(5 + idLength),
    },
    next,
  };
}

/** Counts what a segment holds, and cuts a torn tail off the last one. */
function scan(file: string, from: number, last: boolean): { events: number; broken: number; bytes: number } {
  const seen = { events: 0, broken: 0, bytes: 0 };
  if (!existsSync(file)) return seen;
  const data = readFileSync(file);
  let offset = from;
  for (let found = readRecord(data, offset); found; found = readRecord(data, offset)) {
    if (found.item) {
      seen.events += found.item.count;
      seen.bytes += found.next - offset;
    } else seen.broken++;
    offset = found.next;
  }
  if (offset < data.length) {
    if (last) truncateSync(file, offset);
    else seen.broken++;
  }
  return seen;
}

/** Events of whole segments that were counted already, by file and size. */
const counted = new Map<string, { readonly size: number; readonly events: number }>();
const COUNTED_MAX = 1_000;

/** Events that wait in the spool of a folder, whoever writes it. Reads heads of records only, and a segment nobody is in only once. */
export function eventsWaiting(folder: string): number {
  const { segment, offset } = readPosition(folder);
  let events = 0;
  for (const file of readdirSync(folder)) {
    const number = /^\d{8}\.seg$/.test(file) ? Number(file.slice(0, 8)) : 0;
    if (number < segment || number === 0) continue;
    const path = join(folder, file);
    const from = number === segment ? offset : 0;
    const known = from === 0 ? counted.get(path) : undefined;
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    if (known?.size === size) {
      events += known.events;
      continue;
    }
    const found = size > 0 ? countHeads(readFileSync(path), from) : 0;
    events += found;
    if (from > 0) continue;
    if (counted.size >= COUNTED_MAX) counted.clear();
    counted.set(path, { size, events: found });
  }
  return events;
}

/** Events of the records from an offset on, up to the first that is none. */
function countHeads(data: Buffer, from: number): number {
  let events = 0;
  for (let at = from; at + HEAD + 5 <= data.length; ) {
    const length = data.readUInt32LE(at);
    if (length < 5 || at + HEAD + length > data.length) break;
    events += data.readUInt16LE(at + HEAD + 2);
    at += HEAD + length;
  }
  return events;
}

function readPosition(folder: string): { segment: number; offset: number } {
  try {
    const { segment, offset } = JSON.parse(readFileSync(join(folder, "position.json"), "utf8")) as {
      segment: number;
      offset: number;
    };
    if (Number.isSafeInteger(segment) && Number.isSafeInteger(offset)) return { segment, offset };
  } catch {
    // none yet, or unreadable: what was sent already is sent again, and dropped by its ids
  }
  return { segment: 1, offset: 0 };
}

/** Not synced: after a power cut an older position sends some frames again, which their ids make harmless. */
function writePosition(folder: string, position: { segment: number; offset: number }): void {
  const file = join(folder, "position.json");
  writeFileSync(`${file}.tmp`, JSON.stringify(position), { mode: 0o600 });
  renameSync(`${file}.tmp`, file);
}

function syncFolder(folder: string): void {
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
