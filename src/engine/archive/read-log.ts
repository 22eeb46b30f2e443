import { WeirError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Connection } from "../../wire/connect.ts";
import { openReader, type Reader, type Stored } from "../../wire/read.ts";
import { streamIdentity } from "../../wire/streams.ts";
import type { Archive, ArchiveReader } from "./archive.ts";
import type { Fault } from "./records.ts";

/** The stream whose older part is in the archive. */
export const LOG = "WEIR_EVENTS";

/** A reader of the whole log, and the parts of it that could not be read where it is tolerant. */
export interface LogReader extends Reader {
  readonly faults: readonly Fault[];
}

/**
 * Reads the log in order behind sequence `after`: what is archived from the archive, the rest from the stream. Where the stream was trimmed while it
 * is read, so that a message is missing there, the archive is asked before the message behind it is given out: a slow reader misses nothing.
 * Sequences that neither holds are lost; that they are missing is seen by their numbers, as in a stream.
 */
export function openLog(
  bus: Connection,
  archive: Archive | undefined,
  options: {
    readonly after: number;
    readonly subjects?: readonly string[];
    readonly created?: string;
    readonly tolerant?: boolean;
  },
): LogReader {
  if (!archive) return Object.assign(openReader(bus, LOG, options), { faults: [] });
  return new Joined(bus, archive, options);
}

class Joined implements LogReader {
  /** Last sequence given out, or known to be in no part that is still to be read. */
  private last: number;
  private stream: Reader | undefined;
  private older: ArchiveReader | undefined;
  /** Where the open part of the archive ends. */
  private olderEnd = 0;
  private begun = false;
  private closed = false;
  private tries = 0;
  private readonly found: Fault[] = [];
  private readonly bus: Connection;
  private readonly archive: Archive;
  private readonly subjects: readonly string[] | undefined;
  private readonly created: string | undefined;
  private readonly tolerant: boolean;

  constructor(
    bus: Connection,
    archive: Archive,
    { after, subjects, created, tolerant = false }: Parameters<typeof openLog>[2],
  ) {
    this.bus = bus;
    this.archive = archive;
    this.last = after;
    this.subjects = subjects;
    this.created = created;
    this.tolerant = tolerant;
  }

  get faults(): readonly Fault[] {
    return [...this.found, ...(this.older?.faults ?? [])];
  }

  get waiting(): number {
    if (this.older) return this.older.waiting;
    return this.stream && !this.overtaken() ? this.stream.waiting : 0;
  }

  get bytes(): number {
    if (this.older) return this.older.bytes;
    return this.stream && !this.overtaken() ? this.stream.bytes : 0;
  }

  async ready(): Promise<boolean> {
    while (!this.closed) {
      if (!this.begun) await this.begin();
      if (this.older) {
        if (await this.olderReady()) return !this.closed;
        continue;
      }
      this.stream ??= openReader(this.bus, LOG, {
        after: this.last,
        ...(this.subjects && { subjects: this.subjects }),
        ...(this.created && { created: this.created }),
      });
      if (!(await this.stream.ready())) return false;
      if (!this.overtaken()) return !this.closed;
      await this.missing(this.stream.peek()!.seq);
    }
    return false;
  }

  /** Once, before anything is read: archive and log must belong together. */
  private async begin(): Promise<void> {
    const log = await streamIdentity(this.bus.jsm, LOG);
    // what lies behind the trimmed part needs no archive
    if (this.last < (log.archive?.end ?? 0) || this.archive.look().origin) this.archive.belongsTo(log);
    this.begun = true;
    if (this.archive.look().end > this.last) this.readOlder(this.archive.look().end);
  }

  private readOlder(until: number): void {
    this.olderEnd = until;
    this.older = this.archive.read({ after: this.last, until, subjects: this.subjects, tolerant: this.tolerant });
  }

  private async olderReady(): Promise<boolean> {
    const older = this.older!;
    try {
      if (await older.ready()) {
        this.tries = 0;
        return true;
      }
      if (this.closed) return false;
      this.last = Math.max(this.last, this.olderEnd);
    } catch (error) {
      if (this.closed) return false;
      // its process was killed: what it told is good, another one tells the rest
      if (!(error instanceof WeirError) || error.code !== "store_failed" || ++this.tries > LIMITS.archive_tries_max)
        throw error;
    }
    this.found.push(...older.faults);
    this.older = undefined;
    await older.close();
    if (this.last < this.olderEnd) this.readOlder(this.olderEnd);
    return false;
  }

  /** Whether messages between the last one and the next of the stream may have been trimmed into the archive. */
  private overtaken(): boolean {
    const next = this.stream!.peek();
    return next !== undefined && next.seq > this.last + 1 && this.unsure;
  }

  /** False where the archive is known to end before the place that is read. */
  private get unsure(): boolean {
    const { origin, end } = this.archive.look();
    return !origin || end > this.last;
  }

  /** Reads what the stream may not hold any more before its message `next`. */
  private async missing(next: number): Promise<void> {
    const { archive } = this;
    const { origin, end } = archive.look();
    if (!origin) {
      const log = await streamIdentity(this.bus.jsm, LOG);
      if (log.archive && log.archive.end > this.last) archive.belongsTo(log);
      this.last = next - 1; // nothing was trimmed here: the numbers between are others' messages, or lost
      return;
    }
    if (end <= this.last) return;
    // all of it, also what the stream may still hold or had sent already: one time instead of one for each number left out
    await this.stream?.close();
    this.stream = undefined;
    this.readOlder(end);
  }

  peek(): Stored | undefined {
    if (this.older) return this.older.peek();
    return this.stream && !this.overtaken() ? this.stream.peek() : undefined;
  }

  shift(): Stored | undefined {
    const message = this.older ? this.older.shift() : this.overtaken() ? undefined : this.stream?.shift();
    if (message) this.last = message.seq;
    return message;
  }

  async gather(ms: number, bytes: number): Promise<void> {
    if (!this.older) await this.stream?.gather(ms, bytes);
  }

  hurry(): void {
    this.stream?.hurry();
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([this.older?.close(), this.stream?.close()]);
  }
}
