import { dirname, sep } from "node:path";
import type { FoundFile, TranscriptKind } from "../discover.ts";
import { newestGroupsFirst } from "../order.ts";

/** Files that wait to be read, see {@link createBacklog}. */
export interface Backlog {
  readonly files: number;
  readonly bytes: number;
  add(file: FoundFile): void;
  /** Drops a file that is gone or was read otherwise. */
  delete(path: string): void;
  /** Whether files wait that can hold what a file repeats. */
  waitsFor(path: string): boolean;
  /** Puts the project of a file first. */
  prefer(path: string): void;
  /** The next file, or undefined where none waits. */
  next(): Promise<FoundFile | undefined>;
}

/**
 * Files by project, the project with the newest file first. Within a project files go by groups, see {@link newestGroupsFirst}: a resumed
 * session repeats the history of another of the same project, and whichever is read first owns it.
 */
export function createBacklog(kind: TranscriptKind, roots: () => readonly string[]): Backlog {
  const waiting = new Map<string, Map<string, FoundFile>>();
  let ordered: { project: string; files: FoundFile[] } | undefined;
  let preferred: string | undefined;
  let [count, bytes] = [0, 0];
  const projectOf = (path: string): string => {
    if (kind !== "claude-code") return dirname(path);
    const root = roots().find((dir) => path.startsWith(dir + sep)) ?? dirname(path);
    const below = path.slice(root.length + 1).split(sep);
    return below.length > 1 ? root + sep + below[0] : root;
  };
  const remove = (path: string): boolean => {
    const project = projectOf(path);
    const files = waiting.get(project);
    const file = files?.get(path);
    if (!files || !file) return false;
    files.delete(path);
    if (files.size === 0) waiting.delete(project);
    count -= 1;
    bytes -= file.size;
    return true;
  };
  const newest = (): string | undefined => {
    let best: string | undefined;
    let time = Number.NEGATIVE_INFINITY;
    for (const [project, files] of waiting) {
      for (const { mtime_ms } of files.values()) if (mtime_ms > time) [best, time] = [project, mtime_ms];
    }
    return best;
  };
  return {
    get files() {
      return count;
    },
    get bytes() {
      return bytes;
    },
    add(file) {
      remove(file.path);
      const project = projectOf(file.path);
      const files = waiting.get(project) ?? new Map<string, FoundFile>();
      files.set(file.path, file);
      waiting.set(project, files);
      count += 1;
      bytes += file.size;
      if (ordered?.project === project) ordered = undefined; // it has its place among those that are ordered already
    },
    delete(path) {
      remove(path);
    },
    waitsFor: (path) => waiting.has(projectOf(path)),
    prefer(path) {
      preferred = projectOf(path);
    },
    async next() {
      for (;;) {
        const wanted = preferred !== undefined && waiting.has(preferred) ? preferred : undefined;
        preferred = undefined;
        if (!ordered || ordered.files.length === 0 || (wanted !== undefined && wanted !== ordered.project)) {
          const project = wanted ?? newest();
          if (project === undefined) return undefined;
          ordered = { project, files: [] };
          const own = ordered;
          own.files = (await newestGroupsFirst([...waiting.get(project)!.values()])).reverse();
          if (ordered !== own) continue; // more of the project came meanwhile
        }
        const file = ordered.files.pop();
        if (file && remove(file.path)) return file;
      }
    },
  };
}
