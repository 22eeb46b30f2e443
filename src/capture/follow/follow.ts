import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { LIMITS } from "../../base/limits.ts";
import { remember } from "../../base/remember.ts";
import type { Sink } from "../../sdk/sink.ts";
import { type FoundFile, findTranscripts, isSearched, isTranscriptName, type TranscriptKind } from "../discover.ts";
import { forgetDeleted, isUnchanged } from "../import.ts";
import { openPositions, type Positions } from "../positions.ts";
import { type Reading, readTranscript } from "../read-transcript.ts";
import { emptyReport, noteUnreadable } from "../report.ts";
import { placeTitles } from "../titles.ts";
import { type Backlog, createBacklog } from "./backlog.ts";
import { type Folders, watchFolders } from "./folders.ts";
import { Rest } from "./rest.ts";

/** What is followed, and where what is found goes. */
export interface FollowOptions {
  readonly kind: TranscriptKind;
  /** The folders to look into now; asked again at each sweep, because an assistant may be installed later. */
  readonly dirs: () => Promise<readonly string[]>;
  readonly sink: Sink;
  /** File of positions, shared with imports. */
  readonly positionsFile: string;
  readonly sweep_ms?: number;
  readonly watches_max?: number;
  readonly log?: { warn(about: object, message: string): void };
}

/** How far following is. */
export interface FollowStatus {
  readonly assistant: TranscriptKind;
  readonly folders: readonly string[];
  /** looking: files are searched; reading: files from before wait; following: all is read, and what comes is read at once. */
  readonly state: "looking" | "reading" | "following";
  readonly files: number;
  readonly bytes: number;
  /** Files and bytes from before that wait. */
  readonly files_waiting: number;
  readonly bytes_waiting: number;
  readonly lines: number;
  readonly events: number;
  readonly bad_lines: number;
  readonly unreadable: number;
  readonly folders_watched: number;
  /** Folders that only the sweep looks at. */
  readonly folders_unwatched: number;
}

/**
 * Follows the transcripts below folders. Three ways lead to a file that changed: a watch on its folder; for files that grew lately, a look each
 * half second, or each five where the watch told of it; for all files, a sweep each minute, and ever more rarely while sweeps find nothing
 * that no watch told of. So a system that tells nothing, or forgets to, costs time and no lines.
 *
 * Files not read before wait in a backlog, newest first, and are read one by one; files known already are read at once, beside it. Both go
 * through the reader and the positions of `weir import`. Positions are saved after the events are durable; ids are derived from the records,
 * so reading something twice, here or in an import at the same time, changes nothing.
 */
export class Follower {
  private readonly options: FollowOptions;
  private readonly positions: Positions;
  private readonly files = new Map<string, FoundFile>();
  /** Files that grew lately, when that was noticed, and whether a watch told of it. */
  private readonly hot = new Map<string, { readonly since: number; readonly told: boolean }>();
  /** Files to look at, and whether a watch told of them. */
  private readonly changed = new Map<string, boolean>();
  private readonly changedFolders = new Set<string>();
  /** A file is read by one reader at a time; who comes meanwhile is told to come again. */
  private readonly busy = new Set<string>();
  private readonly again = new Set<string>();
  private readonly stopping = new AbortController();
  private readonly report = emptyReport();
  private readonly reading: Reading;
  private readonly backlog: Backlog;
  private readonly watches: Folders;
  private readonly timers: readonly NodeJS.Timeout[];
  private roots: readonly string[] = [];
  private looked = false;
  private readonly rest = new Rest();
  private hotLooks = 0;
  private unsaved = 0;
  private settling: NodeJS.Timeout | undefined;
  private serving: Promise<void> = Promise.resolve();
  private sweeping: Promise<void> = Promise.resolve();
  private catching: Promise<void> | undefined;

  private constructor(options: FollowOptions, positions: Positions) {
    this.options = options;
    this.positions = positions;
    const { kind, sink } = options;
    this.backlog = createBacklog(kind, () => this.roots);
    this.watches = watchFolders((folder, name) => this.noteChange(folder, name), {
      watches_max: options.watches_max ?? LIMITS.follow_watches_max,
    });
    this.reading = {
      kind,
      positions,
      report: this.report,
      signal: this.stopping.signal,
      emit: async (drafts) => {
        for (const draft of drafts) await sink.emit(draft);
        this.report.events += drafts.length;
      },
      advance: (bytes) => {
        this.unsaved += bytes;
        return this.unsaved >= LIMITS.import_checkpoint_bytes;
      },
      save: async () => {
        this.unsaved = 0;
        await positions.save(() => sink.flush());
      },
    };
    this.timers = [
      setInterval(() => void this.sweepOrRest(), options.sweep_ms ?? LIMITS.follow_sweep_ms).unref(),
      setInterval(() => void this.lookAtHot(), LIMITS.follow_look_ms).unref(),
    ];
  }

  /** Starts following; what is there already is read in the background. */
  static async start(options: FollowOptions): Promise<Follower> {
    const positions = await openPositions(options.positionsFile);
    if (positions.damaged)
      options.log?.warn(
        { file: options.positionsFile, damaged: positions.damaged },
        "positions not usable in full, transcripts are read again",
      );
    const follower = new Follower(options, positions);
    void follower.look();
    return follower;
  }

  /** How far it is. */
  status(): FollowStatus {
    const { report, backlog, watches } = this;
    return {
      assistant: this.options.kind,
      folders: this.roots,
      state: !this.looked ? "looking" : backlog.files > 0 || this.catching ? "reading" : "following",
      files: this.files.size,
      bytes: [...this.files.values()].reduce((sum, file) => sum + file.size, 0),
      files_waiting: backlog.files,
      bytes_waiting: backlog.bytes,
      lines: report.lines,
      events: report.events,
      bad_lines: report.bad_lines_total,
      unreadable: report.unreadable_total,
      folders_watched: watches.watched,
      folders_unwatched: watches.left_out,
    };
  }

  /** Looks at all files now, and resolves when what it found was read. */
  async sweep(): Promise<void> {
    await this.look();
    this.serving = this.serving.then(() => this.serve()).catch(this.failed);
    await this.serving;
    await this.catching;
  }

  /** Ends after the line at hand; resolves when events are durable and positions saved. */
  async stop(): Promise<void> {
    this.stopping.abort();
    for (const timer of this.timers) clearInterval(timer);
    clearTimeout(this.settling);
    this.watches.close();
    await Promise.all([this.sweeping, this.serving, this.catching]);
    await this.reading.save();
  }

  private readonly failed = (error: unknown): void =>
    this.options.log?.warn({ err: error }, "transcripts could not be followed; it is tried again");

  private noteChange(folder: string, name: string | undefined): void {
    if (name !== undefined && isTranscriptName(name)) this.changed.set(join(folder, name), true);
    // a missing name means anything in here; one that is no transcript may be a new folder
    else if (name === undefined) this.changedFolders.add(folder);
    else if (!name.includes(".") && isSearched(name)) this.changedFolders.add(join(folder, name));
    else return;
    this.settle();
  }

  private noteFile(path: string): void {
    if (!this.changed.has(path)) this.changed.set(path, false);
    this.settle();
  }

  /** Serves what changed in a moment, together with what changes until then. */
  private settle(): void {
    if (this.stopping.signal.aborted || this.settling) return;
    this.settling = setTimeout(() => {
      this.settling = undefined;
      this.serving = this.serving.then(() => this.serve()).catch(this.failed);
    }, LIMITS.follow_settle_ms).unref();
  }

  private async serve(): Promise<void> {
    const folders = [...this.changedFolders];
    this.changedFolders.clear();
    for (const folder of folders) await this.lookInto(folder);
    const changed = new Map(this.changed);
    this.changed.clear();
    const files: FoundFile[] = [];
    let some = false;
    for (const path of changed.keys()) {
      const file = await this.seen(path);
      if (!file) some = true;
      else if (!isUnchanged(this.positions, this.options.kind, file)) files.push(file);
    }
    // of files that were never read the order matters: it is the backlog's business
    const unknown = files.filter(({ path }) => this.positions.get(path) === undefined);
    for (const file of files) {
      if (this.stopping.signal.aborted) return;
      const { path } = file;
      remember(this.hot, path, { since: performance.now(), told: changed.get(path)! }, LIMITS.follow_hot_files_max);
      if (unknown.includes(file) && (unknown.length > 1 || this.backlog.waitsFor(path))) {
        this.backlog.add(file);
        this.backlog.prefer(path);
        continue;
      }
      this.backlog.delete(path);
      await this.read(file);
      some = true;
    }
    if (some) await this.reading.save();
    this.startCatchingUp();
  }

  /** The file as it is now; where it is gone, what was read of it stays in the log and the rest is forgotten. */
  private async seen(path: string): Promise<FoundFile | undefined> {
    const found = await stat(path).catch(() => undefined);
    if (found?.isFile()) {
      const file = { path, size: found.size, mtime_ms: Math.floor(found.mtimeMs) };
      this.files.set(path, file);
      return file;
    }
    this.files.delete(path);
    this.hot.delete(path);
    this.backlog.delete(path);
    this.positions.delete(path);
    return undefined;
  }

  private async read(file: FoundFile): Promise<void> {
    const { path } = file;
    if (this.busy.has(path)) return void this.again.add(path);
    this.busy.add(path);
    try {
      await readTranscript(this.reading, file);
    } finally {
      this.busy.delete(path);
      if (this.again.delete(path)) this.noteFile(path);
    }
  }

  private async lookAtHot(): Promise<void> {
    const all = this.hotLooks++ % LIMITS.follow_told_looks === 0;
    for (const [path, { since, told }] of [...this.hot]) {
      if (told && !all) continue;
      if (performance.now() - since > LIMITS.follow_hot_ms) this.hot.delete(path);
      const found = await stat(path).catch(() => undefined);
      const known = this.positions.get(path);
      if (found && known?.size === found.size && known.mtime_ms === Math.floor(found.mtimeMs)) continue;
      if (!this.busy.has(path) && this.hot.has(path)) this.noteFile(path);
    }
  }

  /** Finds what is new in a folder and below. Looks again where a folder came under watch: something may have come just before. */
  private async lookInto(folder: string): Promise<void> {
    const found = await stat(folder).catch(() => undefined);
    if (!found?.isDirectory()) return;
    for (let passes = 0; passes < 3; passes++) {
      const inside = await findTranscripts(this.options.kind, [folder]);
      for (const file of inside.files)
        if (!isUnchanged(this.positions, this.options.kind, file)) this.changed.set(file.path, true);
      if (this.watches.add(inside.folders) === 0) return;
    }
  }

  /** Whether a watch told of a file, so that it is no news to whoever looks. */
  private isTold(path: string): boolean {
    return (this.changed.get(path) ?? this.hot.get(path)?.told ?? false) || this.backlog.waitsFor(path);
  }

  private async sweepOrRest(): Promise<void> {
    const roots = await this.options.dirs().catch(() => this.roots);
    const asBefore = roots.length === this.roots.length && roots.every((root) => this.roots.includes(root));
    if (!(asBefore && this.rest.goesOn())) await this.look();
  }

  private look(): Promise<void> {
    this.sweeping = this.sweeping
      .then(async () => {
        if ((await this.lookAtAll()) > 0) await this.lookAtAll();
      })
      .catch(this.failed);
    return this.sweeping;
  }

  /** Looks at every file, and tells how many folders came under watch. */
  private async lookAtAll(): Promise<number> {
    if (this.stopping.signal.aborted) return 0;
    const { kind, log } = this.options;
    this.roots = await this.options.dirs();
    await this.positions.refresh();
    const found = await findTranscripts(kind, this.roots);
    if (!found.complete) log?.warn({ files: found.files.length }, "too many files, the rest is left out");
    this.report.unreadable_total = 0;
    for (const { path, reason } of found.unreadable) noteUnreadable(this.report, path, reason);
    this.files.clear();
    let missed = 0;
    const newest = new Map<string, number>(this.roots.map((root) => [root, Number.POSITIVE_INFINITY]));
    for (const file of found.files) {
      this.files.set(file.path, file);
      const folder = dirname(file.path);
      newest.set(folder, Math.max(newest.get(folder) ?? 0, file.mtime_ms));
      if (this.busy.has(file.path) || isUnchanged(this.positions, kind, file)) continue;
      if (!this.isTold(file.path)) missed++;
      if (this.looked && this.positions.get(file.path) !== undefined) this.noteFile(file.path);
      else this.backlog.add(file);
    }
    if (found.complete && found.unreadable.length === 0) forgetDeleted(this.positions, this.roots, kind, found.files);
    this.looked = true;
    this.startCatchingUp();
    // the roots first, new projects appear there; then the folders where something happened last
    const rank = (folder: string): number => newest.get(folder) ?? 0;
    if (this.stopping.signal.aborted) return 0;
    const added = this.watches.use(found.folders.sort((a, b) => rank(b) - rank(a)));
    this.rest.after(missed === 0 && added === 0 && this.watches.left_out === 0);
    return added;
  }

  private startCatchingUp(): void {
    if (this.backlog.files === 0 || this.stopping.signal.aborted) return;
    this.catching ??= this.catchUp()
      .catch(this.failed)
      .finally(() => {
        this.catching = undefined;
      });
  }

  private async catchUp(): Promise<void> {
    for (let files = 1; ; files++) {
      const file = this.stopping.signal.aborted ? undefined : await this.backlog.next();
      if (!file) break;
      if (!isUnchanged(this.positions, this.options.kind, file)) await this.read(file);
      if (files % LIMITS.import_checkpoint_files !== 0) continue;
      await this.reading.save();
      await this.positions.refresh(); // an import may run beside
    }
    await placeTitles(this.reading);
    await this.reading.save();
  }
}
