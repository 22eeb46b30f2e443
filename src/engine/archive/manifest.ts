import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { open, readFile, truncate } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isoFromUs } from "../../base/clock.ts";
import { WeirError } from "../../base/errors.ts";
import { makeFolder, syncFolderAside } from "../../base/folder.ts";

/** A file of the archive, by its path inside the archive's folder. */
export interface FileNote {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** A run of the log that was archived: every sequence from `first` to `last` that the log held. */
export interface Segment {
  readonly first: number;
  readonly last: number;
  /** Day on which its messages were stored (UTC), and the folder it lies in. */
  readonly day: string;
  readonly messages: number;
  readonly events: number;
  /** Bytes of the frames, before they were packed. */
  readonly frame_bytes: number;
  /** SHA-256 over what the messages hold, whatever they are packed in. */
  readonly digest: string;
  /** The messages as they were, one a row: what is replayed. */
  readonly frames: FileNote;
  /** Their events, one a row: what people and other tools read. */
  readonly rows: FileNote;
}

/** The first line of a manifest: whose log this is. */
export interface Origin {
  readonly weir_archive: 1;
  readonly id: string;
  readonly stream: string;
  /** Creation time of the stream as the broker gives it. */
  readonly created: string;
  /** First sequence the archive is meant to hold. */
  readonly begins: number;
}

const MANIFEST = "manifest.jsonl";

/** The manifest of an archive's folder. */
export const manifestFile = (folder: string): string => join(folder, MANIFEST);

/** Day of a moment in microseconds, as the archive's folders are called. */
export const dayOf = (us: number): string => isoFromUs(us).slice(0, 10);

/** Where the files of a segment lie. Numbers are padded, so that names sort as the log runs. */
export function filesOf(day: string, first: number, last: number): { frames: string; rows: string } {
  const range = `${String(first).padStart(12, "0")}-${String(last).padStart(12, "0")}`;
  return { frames: `day=${day}/frames-${range}.parquet`, rows: `day=${day}/events-${range}.parquet` };
}

const broken = (folder: string, line: number, why: string): WeirError =>
  new WeirError("archive_broken", `${manifestFile(folder)}, line ${line}: ${why}`, {
    hint: "put the file back from a backup; nothing is archived or replayed until it is whole",
  });

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isNote = (note: FileNote | undefined): boolean =>
  typeof note?.file === "string" && isCount(note.bytes) && /^[0-9a-f]{64}$/.test(note.sha256 ?? "");

/** What is wrong with a segment behind the one before it, or nothing. */
export function faultOfSegment(segment: Segment, begins: number): string | undefined {
  const { first, last, day, messages, events, frame_bytes, frames, rows } = segment;
  if (![first, last, messages, events, frame_bytes].every(isCount) || typeof day !== "string")
    return "it is no segment";
  if (!isNote(frames) || !isNote(rows)) return "its files are not named";
  const names = filesOf(day, first, last);
  if (frames.file !== names.frames || rows.file !== names.rows) return "its files are called otherwise";
  if (first !== begins) return `it begins at sequence ${first}, the one before ends at ${begins - 1}`;
  if (last < first) return `it ends at ${last}, before it begins`;
  return messages > last - first + 1 ? `it holds ${messages} messages of ${last - first + 1}` : undefined;
}

/** What all segments hold together. */
export interface Totals {
  readonly messages: number;
  readonly events: number;
  /** Bytes of the files. */
  readonly bytes: number;
  readonly days: number;
}
const NOTHING: Totals = { messages: 0, events: 0, bytes: 0, days: 0 };

const withSegment = (t: Totals, segment: Segment, before: Segment | undefined): Totals => ({
  messages: t.messages + segment.messages,
  events: t.events + segment.events,
  bytes: t.bytes + segment.frames.bytes + segment.rows.bytes,
  days: t.days + (before?.day === segment.day ? 0 : 1),
});

/**
 * What an archive holds, as its manifest tells. The manifest only grows, so that looking again reads what came since. A last line without its
 * end is one that is being written, or was when its writer died: it counts for nothing.
 */
export class Manifest {
  readonly folder: string;
  origin: Origin | undefined;
  segments: Segment[] = [];
  totals = NOTHING;
  /** Which file was read: the number of one that is gone may be that of the next. */
  private file = "";
  private read = 0;
  private lines = 0;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Last sequence that is archived. */
  get end(): number {
    return this.segments.at(-1)?.last ?? (this.origin ? this.origin.begins - 1 : 0);
  }

  /** Looks whether there is more. Throws `archive_broken` naming the line that makes no sense. */
  refresh(): this {
    const path = manifestFile(this.folder);
    const found = statSync(path, { throwIfNoEntry: false });
    const file = found ? `${found.ino} ${found.birthtimeMs}` : "";
    const size = found?.size ?? 0;
    if (file !== this.file || size < this.read) this.forget(file);
    if (size === this.read) return this;
    const fd = openSync(path, "r");
    try {
      const bytes = Buffer.alloc(fstatSync(fd).size - this.read);
      const got = readSync(fd, bytes, 0, bytes.length, this.read);
      const whole = bytes.subarray(0, bytes.subarray(0, got).lastIndexOf(10) + 1);
      for (const line of whole.toString("utf8").split("\n").slice(0, -1)) this.take(line);
      this.read += whole.length;
    } catch (error) {
      this.forget(""); // the next look reads it from its beginning, and says the same
      throw error;
    } finally {
      closeSync(fd);
    }
    return this;
  }

  private forget(file: string): void {
    this.file = file;
    this.read = 0;
    this.lines = 0;
    this.origin = undefined;
    this.segments = [];
    this.totals = NOTHING;
  }

  private take(line: string): void {
    const number = this.lines + 1;
    let value: Segment | Origin;
    try {
      value = JSON.parse(line) as Segment | Origin;
    } catch {
      throw broken(this.folder, number, "it is not JSON");
    }
    if (number === 1) {
      const origin = value as Origin;
      if (origin.weir_archive !== 1) throw broken(this.folder, number, "it is no archive that this weir knows");
      if (!origin.id || !origin.stream || !origin.created || !isCount(origin.begins))
        throw broken(this.folder, number, "it does not say whose log this is");
      this.origin = origin;
    } else {
      const fault = faultOfSegment(value as Segment, this.end + 1);
      if (fault) throw broken(this.folder, number, fault);
      this.totals = withSegment(this.totals, value as Segment, this.segments.at(-1));
      this.segments.push(value as Segment);
    }
    this.lines = number;
  }
}

/** Adds a line that is on disk when this resolves, or not there at all. Only the owner of the archive writes. */
export async function appendLine(folder: string, value: Origin | Segment): Promise<void> {
  const path = manifestFile(folder);
  makeFolder(folder, 0o700);
  const handle = await open(path, "a", 0o600);
  try {
    const { size } = await handle.stat();
    try {
      await handle.appendFile(`${JSON.stringify(value)}\n`);
      await handle.sync();
    } catch (error) {
      await handle.truncate(size).catch(() => {}); // a half line is taken off at the next start
      throw error;
    }
  } finally {
    await handle.close();
  }
  await syncFolderAside(dirname(path));
}

/** Takes off a last line whose writer died. */
export async function mendManifest(folder: string): Promise<void> {
  const path = manifestFile(folder);
  const bytes = await readFile(path).catch(() => undefined);
  if (bytes && bytes.length > 0 && bytes.at(-1) !== 10) await truncate(path, bytes.lastIndexOf(10) + 1);
}
