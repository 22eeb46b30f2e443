import {
  closeSync,
  existsSync,
  fdatasyncSync,
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
import { WeirError } from "../base/errors.ts";
import { makeFolder, syncFolder } from "../base/folder.ts";
import { LIMITS } from "../base/limits.ts";
import { countHeads, readRecord, record, type Spooled } from "./spool-record.ts";

export type { Spooled } from "./spool-record.ts";

/**
 * Frames on disk in their order: append-only segments of records, each with length and CRC-32, and a position file that says what was sent.
 * An append is durable when it returns. A torn tail is cut, a broken record in the middle is skipped and counted.
 */
export interface Spool {
  /** Events waiting. */
  readonly events: number;
  /** Events that were sent and are kept. */
  readonly kept: number;
  /** What takes room on the disk: waiting and kept. */
  readonly bytes: number;
  /** Records that could not be read. */
  readonly broken: number;
  /** Writes frames and waits until they are on the disk. Throws `spool_full` at the limit; nothing is written then. */
  append(frames: readonly Spooled[]): void;
  /** The oldest frame not sent. */
  peek(): Spooled | undefined;
  /** The oldest frames not sent, at most `count` of one segment, in their order. */
  peekRun(count: number): Spooled[];
  /** The oldest `count` frames (1) were acknowledged. With `keep` they stay on the disk until they are released. */
  taken(count?: number, keep?: boolean): void;
  /** The place behind what was taken last. */
  mark(): Mark;
  /** What was taken before a mark is needed no more. */
  release(mark: Mark): void;
  /** What was taken and is kept waits again; marks of before are void. */
  rewind(): void;
  /** Closes the files; an empty spool leaves no folder behind. */
  close(): void;
}

/** A place in a spool, see {@link Spool.mark}. */
export interface Mark {
  readonly segment: number;
  readonly offset: number;
  /** Bytes and events taken since the spool was opened, and how often it was rewound. */
  readonly bytes: number;
  readonly events: number;
  readonly turn: number;
}

interface Place {
  readonly segment: number;
  readonly offset: number;
}

const name = (segment: number): string => `${String(segment).padStart(8, "0")}.seg`;

/** Opens the spool in `folder`, mending what a crash left. */
export function openSpool(folder: string, bytesMax: number = LIMITS.spool_bytes_max): Spool {
  makeFolder(folder, 0o700);
  const segments = segmentsIn(folder);
  const start = readPosition(folder);
  for (const old of segments.filter((s) => s < start.segment)) rmSync(join(folder, name(old)));
  // a position that could not be written may name a segment that is gone: its number is not given to another one
  const gone = start.offset > 0 && !segments.includes(start.segment);
  const from = Math.max(start.segment + (gone ? 1 : 0), segments[0] ?? 1);
  let reading = { segment: from, offset: from === start.segment ? start.offset : 0 };
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
  /** Frames just appended that are the next to send: they need not be read again. */
  let ahead: { item: Spooled; next: number }[] = [];
  /** Behind what is released; what lies between it and `reading` is kept. */
  let base = { ...reading };
  let takenSum = { bytes: 0, events: 0 };
  let releasedSum = { bytes: 0, events: 0 };
  let turn = 0;
  if (start.sent.segment !== start.segment || start.sent.offset !== start.offset) writePosition(folder, base, reading);
  const kept = (): number => takenSum.events - releasedSum.events;

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
  /** Everything is sent: the file goes, so that whoever looks sees at once that nothing waits. */
  const startAnew = (): void => {
    if (events > 0 || kept() > 0 || reading.segment !== writing || outSize === 0) return;
    if (out !== undefined) closeSync(out);
    out = undefined;
    loaded = undefined;
    const from = base.segment;
    const done = writing++;
    outSize = 0;
    reading = { segment: writing, offset: 0 };
    base = { ...reading };
    writePosition(folder, base, reading);
    for (let s = from; s <= done; s++) rmSync(join(folder, name(s)), { force: true });
  };
  const release = (mark: Mark): void => {
    if (mark.turn !== turn || mark.events < releasedSum.events) return;
    for (let s = base.segment; s < mark.segment; s++) rmSync(join(folder, name(s)), { force: true });
    base = { segment: mark.segment, offset: mark.offset };
    bytes -= mark.bytes - releasedSum.bytes;
    releasedSum = { bytes: mark.bytes, events: mark.events };
    writePosition(folder, base, reading);
    startAnew();
  };

  return {
    get events() {
      return events;
    },
    get kept() {
      return kept();
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
      const atEnd = events === 0 && reading.segment === writing && reading.offset === outSize;
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
      if (atEnd) {
        let next = outSize;
        ahead = frames.map((item, k) => ({ item, next: (next += records[k]!.length) }));
      }
      outSize += size;
      bytes += size;
      events += frames.reduce((sum, f) => sum + f.count, 0);
    },
    peek() {
      current ??= ahead[0];
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
        reading = { segment: reading.segment + 1, offset: 0 };
        if (kept() === 0) release(this.mark());
      }
    },
    peekRun(count) {
      const first = this.peek();
      if (!first) return [];
      if (ahead.length > 0) return ahead.slice(0, count).map(({ item }) => item);
      const run = [first];
      const data = load();
      let offset = current!.next;
      for (let found = readRecord(data, offset); found?.item && run.length < count; found = readRecord(data, offset)) {
        run.push(found.item);
        offset = found.next;
      }
      return run;
    },
    taken(count = 1, keep = false) {
      for (let k = 0; k < count && this.peek(); k++) {
        takenSum.bytes += current!.next - reading.offset;
        takenSum.events += current!.item.count;
        events -= current!.item.count;
        reading.offset = current!.next;
        current = undefined;
        ahead.shift();
      }
      if (keep) writePosition(folder, base, reading);
      else release(this.mark());
    },
    mark: () => ({ ...reading, ...takenSum, turn }),
    release,
    rewind() {
      events += kept();
      takenSum = { ...releasedSum };
      reading = { ...base };
      current = undefined;
      ahead = [];
      turn++;
      writePosition(folder, base, reading);
    },
    close() {
      if (out !== undefined) closeSync(out);
      out = undefined;
      if (events === 0 && kept() === 0) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A full disk may take a part only, and tell so at the next attempt. */
function writeAll(fd: number, data: Buffer): void {
  for (let at = 0; at < data.length; ) at += writeSync(fd, data, at);
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

/**
 * Events that wait in the spool of a folder. Reads heads of records only, and a segment nobody is in only once. What is sent and kept counts where
 * nobody owns the spool any more, who knows that it was sent.
 */
export function eventsWaiting(folder: string, { owned }: { owned: boolean }): number {
  const position = readPosition(folder);
  const { segment, offset } = owned ? position.sent : position;
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

function readPosition(folder: string): Place & { readonly sent: Place } {
  const isPlace = (place: Partial<Place> | undefined): place is Place =>
    Number.isSafeInteger(place?.segment) && Number.isSafeInteger(place?.offset);
  try {
    const { segment, offset, sent } = JSON.parse(readFileSync(join(folder, "position.json"), "utf8"));
    const base = { segment, offset };
    if (isPlace(base)) return { ...base, sent: isPlace(sent) ? sent : base };
  } catch {
    // none yet, or unreadable: what was sent already is sent again, and dropped by its ids
  }
  const start = { segment: 1, offset: 0 };
  return { ...start, sent: start };
}

const segmentsIn = (folder: string): number[] =>
  readdirSync(folder)
    .filter((file) => /^\d{8}\.seg$/.test(file))
    .map((file) => Number(file.slice(0, 8)))
    .sort((a, b) => a - b);

/**
 * Neither synced nor required: an older position sends some frames again, which their ids make harmless. So a full disk does not stop what makes room
 * on it. `sent` is for whoever wants to know whether something waits; where the spool is opened again, all that is kept waits.
 */
function writePosition(folder: string, base: Place, sent: Place): void {
  const file = join(folder, "position.json");
  try {
    writeFileSync(`${file}.tmp`, JSON.stringify({ ...base, sent }), { mode: 0o600 });
    renameSync(`${file}.tmp`, file);
  } catch {
    // the next one is tried anew
  }
}
