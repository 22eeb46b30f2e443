import { resolve, sep } from "node:path";
import { LIMITS } from "../base/limits.ts";
import type { Sink } from "../sdk/sink.ts";
import { type FoundFile, findTranscripts, type TranscriptKind } from "./discover.ts";
import { byAge } from "./order.ts";
import { openPositions, type Positions } from "./positions.ts";
import { type Reading, readTranscript } from "./read-transcript.ts";
import { emptyReport, type ImportReport, noteEvent, noteUnreadable } from "./report.ts";
import { placeTitles } from "./titles.ts";

export type { ImportReport } from "./report.ts";

/** How far an import is. */
export interface ImportProgress {
  readonly files_done: number;
  readonly files_total: number;
  readonly bytes_done: number;
  readonly bytes_total: number;
}

/** What an import reads, and where it puts what it finds. */
export interface ImportOptions {
  readonly kind: TranscriptKind;
  /** Folders or single files; see `defaultDirs` for where an assistant keeps them. */
  readonly dirs: readonly string[];
  readonly sink: Sink;
  /** File that keeps how far each transcript was read. */
  readonly positionsFile: string;
  /** Machine the sessions ran on, where it is not this one. */
  readonly host?: string;
  readonly onProgress?: (progress: ImportProgress) => void;
  /** Stops the import after the line at hand; what was read until then is kept. */
  readonly signal?: AbortSignal;
  readonly log?: { warn(about: object, message: string): void };
}

/**
 * Reads transcripts into events, older files first, each from where the last import stopped. Positions are saved only after the sink
 * made everything durable, so a crash makes the next import read something twice and never leaves something out; ids make the second
 * time harmless. A file that shrank or whose start changed is read from the beginning. Unreadable files and lines are reported, not fatal.
 *
 * @example
 * const dirs = defaultDirs("claude-code", { env });
 * const report = await importTranscripts({ kind: "claude-code", dirs, sink, positionsFile });
 */
export async function importTranscripts(options: ImportOptions): Promise<ImportReport> {
  const { kind, positionsFile, log, signal } = options;
  const positions = await openPositions(positionsFile);
  if (positions.damaged)
    log?.warn(
      { file: positionsFile, damaged: positions.damaged },
      "positions not usable in full, transcripts are read again",
    );
  const found = await findTranscripts(kind, options.dirs);
  if (!found.complete) log?.warn({ files: found.files.length }, "too many files, the rest is left out");
  const report = emptyReport();
  for (const { path, reason } of found.unreadable) noteUnreadable(report, path, reason);

  const progress = startProgress(options, found.files);
  const reading = startReading(options, positions, report, progress);
  const changed: FoundFile[] = [];
  for (const file of found.files) {
    if (!isUnchanged(positions, kind, file)) changed.push(file);
    else {
      report.files_skipped_unchanged += 1;
      progress.done(file.size);
    }
  }
  progress.tell();
  let unsaved_files = 0;
  for (const file of await byAge(changed)) {
    if (signal?.aborted) break;
    await readTranscript(reading, file);
    progress.done(file.size);
    progress.tell();
    unsaved_files = (unsaved_files + 1) % LIMITS.import_checkpoint_files;
    if (unsaved_files === 0) await reading.save();
  }
  await placeTitles(reading);
  report.complete = found.complete && !signal?.aborted;
  if (report.complete && found.unreadable.length === 0) forgetDeleted(positions, options.dirs, kind, found.files);
  await reading.save();
  return report;
}

/** Whether a file looks as it did when it was read last. */
export const isUnchanged = (positions: Positions, kind: TranscriptKind, file: FoundFile): boolean => {
  const known = positions.get(file.path);
  return known?.kind === kind && known.size === file.size && known.mtime_ms === file.mtime_ms;
};

interface Progress {
  /** Bytes read in the file at hand. */
  add(bytes: number): void;
  /** A file of that size is done, whatever of it was read now. */
  done(size: number): void;
  tell(): void;
}

function startProgress(options: ImportOptions, files: readonly FoundFile[]): Progress {
  const bytes_total = files.reduce((sum, file) => sum + file.size, 0);
  let files_done = 0;
  let before = 0;
  let within = 0;
  return {
    add(bytes) {
      within += bytes;
    },
    done(size) {
      files_done += 1;
      before += size;
      within = 0;
    },
    tell() {
      // files grow while they are read
      const bytes_done = Math.min(before + within, bytes_total);
      options.onProgress?.({ files_done, files_total: files.length, bytes_done, bytes_total });
    },
  };
}

function startReading(options: ImportOptions, positions: Positions, report: ImportReport, progress: Progress): Reading {
  const { kind, host, signal, sink } = options;
  const seen = new Set<string>();
  let untold = 0;
  let unsaved = 0;
  return {
    kind,
    host,
    signal,
    positions,
    report,
    async emit(drafts) {
      for (const draft of drafts) {
        await sink.emit(draft);
        noteEvent(report, seen, draft);
      }
    },
    advance(bytes) {
      progress.add(bytes);
      untold += bytes;
      unsaved += bytes;
      if (untold >= LIMITS.import_progress_bytes) {
        untold = 0;
        progress.tell();
      }
      return unsaved >= LIMITS.import_checkpoint_bytes;
    },
    async save() {
      unsaved = 0;
      await positions.save(() => sink.flush());
    },
  };
}

/** Assistants delete old sessions: what is known of a file that is no longer there is dropped. */
export function forgetDeleted(
  positions: Positions,
  folders: readonly string[],
  kind: TranscriptKind,
  files: readonly FoundFile[],
): void {
  const there = new Set(files.map((file) => file.path));
  const dirs = folders.map((dir) => resolve(dir) + sep);
  for (const [path, position] of [...positions]) {
    if (position.kind === kind && !there.has(path) && dirs.some((dir) => path.startsWith(dir))) positions.delete(path);
  }
}
