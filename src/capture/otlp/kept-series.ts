import { readFileSync } from "node:fs";
import { type FileHandle, mkdir, open, rename } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder } from "../../base/folder.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Log } from "../../base/log.ts";
import { type Moved, SeriesMarks } from "./series.ts";

/**
 * The marks of cumulative series on disk: `series.json` with all of them, and `series.log` with a line for each that moved since.
 *
 * Marks are kept when the events they stand for are durable, and before the sender is told so. After a crash in between the sender sends its
 * request again, which gives the same steps and the same ids from the old marks. Requests that become durable together share one write.
 * Marks of requests that are still on their way are not written, whoever else's are.
 */
export class KeptSeries {
  /** Where the series stand, requests on their way included. */
  readonly series = new SeriesMarks();
  /** Where they stand on disk, or will with the write that runs. */
  private readonly durable = new SeriesMarks();
  private readonly folder: string;
  private readonly log: Log;
  private journal: FileHandle | undefined;
  private bytes = 0;
  private waiting: Moved[] = [];
  private writing: Promise<void> = Promise.resolve();
  private next: Promise<void> | undefined;

  constructor(folder: string, log: Log) {
    this.folder = folder;
    this.log = log;
    for (const marks of [this.series, this.durable]) this.load(marks);
  }

  /** Keeps the marks of a request whose events are durable. Never fails: what cannot be written is said in the log, and written with the next. */
  keep(moved: Moved): Promise<void> {
    if (moved.size === 0) return Promise.resolve();
    this.waiting.push(moved);
    this.next ??= this.writing.then(() => this.write());
    return this.next;
  }

  async close(): Promise<void> {
    await this.next;
    await this.writing;
    await this.journal?.close();
    this.journal = undefined;
  }

  private async write(): Promise<void> {
    const done = this.next!;
    this.next = undefined;
    this.writing = done;
    const lines: string[] = [];
    for (const moved of this.waiting.splice(0)) {
      this.durable.take(moved);
      for (const entry of moved) lines.push(`${JSON.stringify(SeriesMarks.entryOf(entry))}\n`);
    }
    try {
      if (!this.journal || this.bytes > LIMITS.otlp_series_log_bytes_max) await this.writeAll();
      else {
        const text = lines.join("");
        await this.journal.appendFile(text);
        await this.journal.datasync();
        this.bytes += text.length;
      }
    } catch (error) {
      // the next write begins anew with all of them
      await this.journal?.close().catch(() => {});
      this.journal = undefined;
      this.log.error({ err: error }, "the marks of cumulative series cannot be saved");
    }
  }

  /** Writes all marks and begins the journal anew. A journal that a crash leaves beside newer marks changes nothing: marks only move on. */
  private async writeAll(): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const whole = await open(join(this.folder, "series.json.new"), "w", 0o600);
    try {
      await whole.writeFile(JSON.stringify(this.durable));
      await whole.sync();
    } finally {
      await whole.close();
    }
    await rename(join(this.folder, "series.json.new"), join(this.folder, "series.json"));
    await this.journal?.close();
    this.journal = undefined;
    const journal = await open(join(this.folder, "series.log"), "w", 0o600);
    this.bytes = 0;
    this.journal = journal;
    syncFolder(this.folder);
  }

  private load(marks: SeriesMarks): void {
    try {
      marks.load(JSON.parse(readFileSync(join(this.folder, "series.json"), "utf8")));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT")
        this.log.warn({ err: error }, "the marks of cumulative series cannot be read: their next totals count as new");
    }
    let text = "";
    try {
      text = readFileSync(join(this.folder, "series.log"), "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT")
        this.log.warn({ err: error }, "the journal of cumulative series cannot be read: what it added counts as new");
    }
    for (const line of text.split("\n")) {
      try {
        marks.loadEntry(JSON.parse(line));
      } catch {
        // the end of a write that a crash cut short: its sender was told nothing yet
      }
    }
  }
}
