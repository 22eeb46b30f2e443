import { createInterface } from "node:readline";
import { WeirError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Reader, Stored } from "../../wire/read.ts";
import type { StreamIdentity } from "../../wire/streams.ts";
import { Manifest } from "./manifest.ts";
import { type Fault, Records } from "./records.ts";
import { type Reply, startWork } from "./work.ts";

/** An archive as who reads it is given it. */
export interface ArchivePlace {
  /** The archive's folder; it may be missing. */
  readonly folder: string;
  /** The program that reads and writes it, worker.ts or its bundle. */
  readonly entry: string;
}

/** A part of the archive that is read, and what could not be. */
export interface ArchiveReader extends Reader {
  /** Segments left out, where the reader is tolerant. */
  readonly faults: readonly Fault[];
}

/** What was archived of the log. It holds no file open; each look tells what has come since. */
export class Archive {
  readonly place: ArchivePlace;
  private readonly manifest: Manifest;

  constructor(place: ArchivePlace) {
    this.place = place;
    this.manifest = new Manifest(place.folder);
  }

  /** What the manifest says now. Throws `archive_broken`. */
  look(): Pick<Manifest, "origin" | "segments" | "end" | "totals"> {
    return this.manifest.refresh();
  }

  /**
   * Checks that what was trimmed from a log is here. Throws `stream_changed` where the archive is that of another log, `archive_broken` where
   * the log was archived into another one.
   */
  belongsTo(log: StreamIdentity): void {
    const { origin, end, segments } = this.look();
    const { folder } = this.place;
    if (segments.length === 0 && !log.archive) return; // nothing was archived: it can become the archive of any log
    if (origin && (origin.stream !== log.stream || origin.created !== log.created))
      throw new WeirError(
        "stream_changed",
        `${folder} is the archive of the log ${origin.stream} of ${origin.created}, the broker holds one of ${log.created}`,
        { hint: `move ${folder} away to begin a new one, or give back the log it belongs to` },
      );
    if (log.archive && log.archive.id !== origin?.id)
      throw new WeirError(
        "archive_broken",
        `sequences up to ${log.archive.end} of the log are in the archive ${log.archive.id}, ${origin ? `${folder} is another one` : `${folder} holds none`}`,
        {
          hint: "put that archive's folder there. Another weir that archives this log is left to it; where the folder is lost for good: weir archive --new",
        },
      );
    if (log.archive && log.archive.end > end)
      throw new WeirError(
        "archive_broken",
        `the log was archived up to sequence ${log.archive.end}, ${folder} ends at ${end}`,
        { hint: "its manifest is an old copy: put the newest one back" },
      );
  }

  /** Reads what is archived behind `after` up to `until`, in order; ready() answers false at the end. Throws `archive_broken` at the first fault. */
  read(options: {
    readonly after: number;
    readonly until?: number;
    readonly subjects?: readonly string[] | undefined;
    readonly tolerant?: boolean;
  }): ArchiveReader {
    const { segments, end } = this.look();
    const { after, until = end, subjects, tolerant = false } = options;
    const wanted = segments.filter(({ first, last }) => last > after && first <= until);
    const { folder, entry } = this.place;
    const child = startWork(entry, { do: "read", folder, segments: wanted, after, until, subjects, tolerant });
    return readerOf(child.stdout!, () => void child.kill("SIGKILL"), folder);
  }

  /** Looks at every file of the archive. */
  async check(onProgress?: (seq: number, end: number) => void): Promise<Fault[]> {
    const { segments, end } = this.look();
    if (segments.length === 0) return [];
    const { folder, entry } = this.place;
    const child = startWork(entry, { do: "check", folder, segments });
    const faults: Fault[] = [];
    let checked = 0;
    try {
      for await (const line of createInterface({ input: child.stdout! })) {
        const reply = JSON.parse(line) as Reply;
        if ("error" in reply) throw new WeirError(reply.error.code, reply.error.message, reply.error);
        if (!("checked" in reply)) continue;
        faults.push(...reply.faults);
        checked = reply.checked;
        onProgress?.(checked, end);
      }
    } finally {
      child.kill("SIGKILL");
    }
    if (checked !== end)
      throw new WeirError("store_failed", "the process that reads the archive ended before its work");
    return faults;
  }
}

/** The error that a fault is. */
export const faultError = (folder: string, { file, first, last, why }: Fault): WeirError =>
  new WeirError("archive_broken", `${folder}/${file}, sequences ${first} to ${last} of the log: ${why}`);

/** Messages from the process that reads, with a bounded number of bytes waiting. */
function readerOf(from: NodeJS.ReadableStream, kill: () => void, folder: string): ArchiveReader {
  const records = new Records();
  const faults: Fault[] = [];
  const queue: Stored[] = [];
  let bytes = 0;
  let ended = false;
  let failure: unknown;
  let closed = false;
  let wake: (() => void) | undefined;
  const signal = (): void => {
    wake?.();
    wake = undefined;
  };
  const fill = (): void => {
    while (bytes <= LIMITS.reader_bytes_max) {
      const record = records.next();
      if (!record) break;
      if ("seq" in record) {
        queue.push(record);
        bytes += record.data.length;
      } else if (record.end) ended = true;
      else if (record.fault) {
        faults.push(record.fault);
        failure = faultError(folder, record.fault);
      }
    }
    if (bytes > LIMITS.reader_bytes_max) from.pause();
    else from.resume();
    signal();
  };
  from.on("data", (part: Buffer) => {
    records.push(part);
    fill();
  });
  from.on("end", () => {
    over = true;
    signal();
  });
  let over = false;
  return {
    faults,
    async ready() {
      // nobody waits for a single message here: what is taken together is written together
      while (bytes <= LIMITS.reader_bytes_max && !closed && !ended && !over)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      if (closed) return false;
      if (queue.length > 0) return true;
      if (!ended)
        throw failure ?? new WeirError("store_failed", "the process that reads the archive ended before its work");
      return false;
    },
    peek: () => queue[0],
    shift() {
      const message = queue.shift();
      if (!message) return undefined;
      bytes -= message.data.length;
      if (bytes <= LIMITS.reader_bytes_max) fill();
      return message;
    },
    gather: async () => {}, // it is all there
    hurry: () => {},
    get waiting() {
      return queue.length;
    },
    get bytes() {
      return bytes;
    },
    async close() {
      closed = true;
      kill();
      signal();
    },
  };
}
