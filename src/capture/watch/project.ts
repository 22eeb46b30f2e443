import { opendir, stat } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { clock } from "../../base/clock.ts";
import { isProject } from "../../base/folder.ts";
import { newId } from "../../base/id.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Draft } from "../../define/event.ts";
import { fileChanged } from "../../events/work.ts";
import type { Sink } from "../../sdk/sink.ts";
import { boundKey } from "../bound.ts";
import { type Folders, watchFolders } from "../follow/folders.ts";
import { type Change, collapse, compare, identityOf, type Seen } from "./changes.ts";
import { type Ignored, ignoredIn } from "./ignored.ts";
import { openRepository, type Repository } from "./repository.ts";

/**
 * One folder under watch: its files, and the git repository it is in. What is there at first is the state to compare with, and no event. Folders
 * are watched, not files; a change makes its folder be listed again.
 */
export class ProjectWatch {
  readonly root: string;
  private readonly sink: Sink;
  private readonly log: { warn(about: object, message: string): void } | undefined;
  private readonly files = new Map<string, Map<string, Seen>>();
  /** Which folders these are: another one in the place of one is watched anew. */
  private readonly folders = new Map<string, string>();
  private readonly dirty = new Set<string>();
  private readonly ignored: Ignored;
  private readonly watches: Folders;
  private repository: Repository | undefined;
  private gitWatches: Folders | undefined;
  private gitDirty = false;
  /** Folders in it that were taken out of watch. */
  private taken: ReadonlySet<string> = new Set();
  private known = 0;
  private closed = false;
  private settling: NodeJS.Timeout | undefined;
  private work: Promise<void> = Promise.resolve();

  private constructor(root: string, sink: Sink, log?: { warn(about: object, message: string): void }) {
    this.root = root;
    this.sink = sink;
    this.log = log;
    this.ignored = ignoredIn(root);
    this.watches = watchFolders(
      (folder, name) => {
        if (name !== undefined && name !== ".gitignore" && this.ignored.has(join(folder, name), false)) return;
        this.dirty.add(folder);
        this.settle();
      },
      { watches_max: LIMITS.watch_folders_max },
    );
  }

  /** Starts watching; resolves when the state of the files is known. */
  static async start(
    root: string,
    sink: Sink,
    log?: { warn(about: object, message: string): void },
    taken: readonly string[] = [],
  ): Promise<ProjectWatch> {
    const watch = new ProjectWatch(root, sink, log);
    watch.taken = watch.own(taken);
    watch.ignored.leave(watch.taken);
    await watch.walk(root, identityOf(await stat(root)), new Map());
    watch.ignored.settle();
    await watch.lookAtGit();
    return watch;
  }

  /** Folders and files under watch. */
  status(): { path: string; folders: number; files: number; repository: boolean } {
    return {
      path: this.root,
      folders: this.watches.watched,
      files: this.known,
      repository: this.repository !== undefined,
    };
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.settling);
    this.watches.close();
    this.gitWatches?.close();
    await this.work;
  }

  /** Looks whether another folder or repository stands in the place of the one under watch; the system may have told it too early, or nobody. */
  async recheck(): Promise<void> {
    const found = await stat(this.root).catch(() => undefined);
    if (found && identityOf(found) !== this.folders.get(this.root)) this.dirty.add(this.root);
    else if ((await openRepository(this.root))?.identity === this.repository?.identity) return;
    this.gitDirty = true;
    this.settle();
  }

  /** Folders that are taken out of watch from now on, those of other projects among them. */
  leave(folders: readonly string[]): void {
    this.work = this.work.then(() => {
      const [before, after] = [this.taken, this.own(folders)];
      const changed = [...before, ...after].filter((path) => before.has(path) !== after.has(path));
      if (changed.length === 0) return;
      this.taken = after;
      this.ignored.leave(after);
      for (const path of changed) if (this.files.has(dirname(path))) this.dirty.add(dirname(path));
      this.settle();
    });
  }

  private readonly own = (folders: readonly string[]): Set<string> =>
    new Set(folders.filter((path) => path.startsWith(this.root + sep)));

  /** Opens the repository the folder is in, if it is not the one that is open. */
  private async openGit(): Promise<void> {
    const repository = await openRepository(this.root);
    if (repository?.identity === this.repository?.identity || this.closed) return;
    this.repository = repository;
    this.gitWatches?.close();
    this.gitWatches = undefined;
    if (!repository) return;
    this.gitWatches = watchFolders(
      () => {
        this.gitDirty = true;
        this.settle();
      },
      { watches_max: LIMITS.watch_folders_max },
    );
    this.gitWatches.use(repository.folders);
    this.gitDirty = true;
  }

  /** Tells what happened in the repository. Folders of git are made as they are needed: where one is new, it looks again. */
  private async readGit(repository: Repository): Promise<void> {
    do await this.emit(await repository.read());
    while (!this.closed && (this.gitWatches?.use(repository.folders) ?? 0) > 0);
  }

  private async lookAtGit(): Promise<void> {
    await this.openGit();
    if (!this.gitDirty || !this.repository) return;
    this.gitDirty = false;
    await this.readGit(this.repository);
  }

  private settle(): void {
    if (this.closed || this.settling) return;
    this.settling = setTimeout(() => {
      this.settling = undefined;
      this.work = this.work
        .then(() => this.look())
        .catch((error: unknown) => this.log?.warn({ err: error, root: this.root }, "a project could not be looked at"));
    }, LIMITS.watch_settle_ms).unref();
  }

  private async look(): Promise<void> {
    const before = new Map<string, Seen>();
    const after = new Map<string, Seen>();
    const folders = await this.takeDirty();
    const hidden = this.ignored.formerly();
    for (const folder of folders) for (const [path, seen] of this.files.get(folder) ?? []) before.set(path, seen);
    for (const folder of folders) {
      const found = await stat(folder).catch(() => undefined);
      const isRoot = folder === this.root;
      if (!found?.isDirectory() || (!isRoot && this.ignored.has(folder, true))) this.forget(folder, before);
      else if (isRoot && this.folders.get(folder) !== identityOf(found)) {
        this.forget(folder, before);
        await this.walk(folder, identityOf(found), after);
      } else await this.list(folder, after, before);
    }
    if (hidden) {
      // what other rules hide was not removed, and what they show was not made
      for (const path of before.keys()) if (!after.has(path) && this.ignored.leavesOut(path)) before.delete(path);
      for (const path of after.keys()) if (!before.has(path) && hidden(path)) after.delete(path);
    }
    this.ignored.settle();
    const changes = collapse(compare(before, after), LIMITS.watch_burst_max, this.root);
    await this.emit(changes.map((change) => this.draftOf(change)));
    if (this.gitDirty || folders.includes(this.root)) await this.lookAtGit();
  }

  /** Folders to look at, an outer one first: what it says of folders inside is compared with what was known of them before. Other rules reach all below. */
  private async takeDirty(): Promise<string[]> {
    const folders = new Set(this.dirty);
    this.dirty.clear();
    for (const folder of [...folders]) {
      if (!(await this.ignored.read(folder))) continue;
      for (const known of this.files.keys()) if (known.startsWith(folder + sep)) folders.add(known);
    }
    return [...folders].sort((a, b) => a.length - b.length);
  }

  /** Lists one folder anew: its files, folders that are new, and folders that are gone or others now. */
  private async list(folder: string, after: Map<string, Seen>, before: Map<string, Seen>): Promise<void> {
    const { files, folders } = await this.entries(folder);
    for (const [path, seen] of files) after.set(path, seen);
    this.keep(folder, files);
    const inner = folder + sep;
    for (const known of [...this.files.keys()]) {
      if (
        known.startsWith(inner) &&
        !known.slice(inner.length).includes(sep) &&
        folders.get(known) !== this.folders.get(known)
      )
        this.forget(known, before);
    }
    for (const [path, identity] of folders) if (!this.files.has(path)) await this.walk(path, identity, after);
  }

  /** Takes in a folder and all below it. */
  private async walk(top: string, identity: string, found: Map<string, Seen>): Promise<void> {
    const waiting: (readonly [path: string, identity: string])[] = [[top, identity]];
    for (let next = waiting.pop(); next !== undefined && !this.closed; next = waiting.pop()) {
      const folder = next[0];
      if (this.known >= LIMITS.watch_files_max) return;
      this.watches.add([folder]); // before it is listed, so that nothing comes in between
      await this.ignored.read(folder);
      const { files, folders } = await this.entries(folder);
      this.keep(folder, files);
      this.folders.set(...next);
      for (const [path, seen] of files) found.set(path, seen);
      waiting.push(...folders);
    }
  }

  private async entries(folder: string): Promise<{ files: Map<string, Seen>; folders: Map<string, string> }> {
    const files = new Map<string, Seen>();
    const folders = new Map<string, string>();
    const dir = await opendir(folder).catch(() => undefined);
    if (!dir) return { files, folders };
    for await (const entry of dir) {
      const path = join(folder, entry.name);
      if (this.ignored.has(path, entry.isDirectory())) continue;
      if (!entry.isDirectory() && !entry.isFile()) continue;
      const found = await stat(path).catch(() => undefined);
      if (!found) continue;
      const identity = identityOf(found);
      if (entry.isDirectory()) folders.set(path, identity);
      else files.set(path, { identity, size: found.size, mtime_ms: Math.floor(found.mtimeMs) });
    }
    return { files, folders };
  }

  private keep(folder: string, files: Map<string, Seen>): void {
    this.known += files.size - (this.files.get(folder)?.size ?? 0);
    this.files.set(folder, files);
  }

  /** A folder is gone, with all below it; `before` takes what was there. */
  private forget(folder: string, before: Map<string, Seen>): void {
    for (const [known, files] of [...this.files]) {
      if (known !== folder && !known.startsWith(folder + sep)) continue;
      for (const [path, seen] of files) before.set(path, seen);
      this.known -= files.size;
      this.files.delete(known);
      this.folders.delete(known);
    }
    this.watches.remove((path) => path === folder || path.startsWith(folder + sep));
  }

  private draftOf(change: Change): Draft {
    const { action, path, from_path, files, mtime_ms } = change;
    const now = clock.nowUs();
    const time = mtime_ms === undefined ? now : Math.min(now, mtime_ms * 1_000);
    return fileChanged.of(
      {
        id: newId(time),
        time,
        source: "files://local",
        via: "watch",
        project: this.repository?.root ?? this.root,
        subject: boundKey(path, 512),
      },
      { path: boundKey(path, 1024), action, from_path: from_path && boundKey(from_path, 1024), files },
    );
  }

  private async emit(drafts: readonly Draft[]): Promise<void> {
    for (const draft of drafts) await this.sink.emit(draft);
  }
}

/** What is to be watched. */
export interface Asked {
  readonly watch: readonly string[];
  /** Folders taken out of watch, also where they lie in one that is watched. */
  readonly taken: readonly string[];
}

/** Keeps the folders under watch that are named, and no others. */
export class ProjectWatches {
  private readonly sink: Sink;
  private readonly log: { warn(about: object, message: string): void } | undefined;
  private readonly watches = new Map<string, ProjectWatch>();
  private work: Promise<void> = Promise.resolve();

  constructor(sink: Sink, log?: { warn(about: object, message: string): void }) {
    this.sink = sink;
    this.log = log;
  }

  /** The first of the folders that exist; a folder inside another one is covered by it. */
  use(asked: Asked): Promise<void> {
    this.work = this.work
      .then(() => this.change(asked))
      .catch((error: unknown) => this.log?.warn({ err: error }, "folders could not be put under watch"));
    return this.work;
  }

  status(): ReturnType<ProjectWatch["status"]>[] {
    return [...this.watches.values()].map((watch) => watch.status());
  }

  async close(): Promise<void> {
    await this.use({ watch: [], taken: [] });
  }

  private async change({ watch, taken }: Asked): Promise<void> {
    const projects = watch.filter(isProject);
    const covers = (outer: string, path: string): boolean =>
      path.startsWith(outer + sep) &&
      !taken.some((out) => out.startsWith(outer + sep) && (path === out || path.startsWith(out + sep)));
    const wanted = new Set(projects.filter((path) => !projects.some((other) => covers(other, path))));
    const there: string[] = [];
    for (const path of wanted) {
      if (there.length >= LIMITS.watch_paths_max) break;
      if ((await stat(path).catch(() => undefined))?.isDirectory()) there.push(path);
    }
    for (const [path, watch] of [...this.watches]) {
      if (there.includes(path)) continue;
      this.watches.delete(path);
      await watch.close();
    }
    for (const path of there) {
      const watch = this.watches.get(path);
      if (!watch) this.watches.set(path, await ProjectWatch.start(path, this.sink, this.log, taken));
      else {
        watch.leave(taken);
        await watch.recheck();
      }
    }
  }
}
