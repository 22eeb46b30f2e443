import { dirname } from "node:path";

/** What is known of a file. */
export interface Seen {
  /** Which file it is, see {@link identityOf}. */
  readonly identity: string;
  readonly size: number;
  readonly mtime_ms: number;
}

/** Which file or folder it is, under whatever name: the number of its inode, and when that was made, for numbers are given out again at once. */
export const identityOf = ({ ino, birthtimeMs }: { readonly ino: number; readonly birthtimeMs: number }): string =>
  `${ino}.${birthtimeMs}`;

/** What happened to a file, or to many files of a folder at once. */
export interface Change {
  readonly action: "created" | "changed" | "removed" | "renamed";
  readonly path: string;
  readonly from_path?: string;
  /** Files it stands for, where path is their folder. */
  readonly files?: number;
  readonly mtime_ms?: number;
}

/** Files before and after, by path: what was made, changed or removed. A file that is gone and there under another name was renamed. */
export function compare(before: ReadonlyMap<string, Seen>, after: ReadonlyMap<string, Seen>): Change[] {
  const gone = new Map<string, string>();
  for (const [path, { identity }] of before) if (!after.has(path)) gone.set(identity, path);
  const changes: Change[] = [];
  for (const [path, seen] of after) {
    const { mtime_ms } = seen;
    const known = before.get(path);
    if (known) {
      // a new inode with the same content and time is a copy put in its place: nobody changed it
      if (known.mtime_ms !== mtime_ms || known.size !== seen.size) changes.push({ action: "changed", path, mtime_ms });
      continue;
    }
    const from_path = gone.get(seen.identity);
    if (from_path !== undefined) gone.delete(seen.identity);
    if (from_path === undefined) changes.push({ action: "created", path, mtime_ms });
    else changes.push({ action: "renamed", path, from_path });
  }
  for (const path of gone.values()) changes.push({ action: "removed", path });
  return changes;
}

/** More changes at once than `max` are told as one a folder; still more, as one for all. */
export function collapse(changes: readonly Change[], max: number, root: string): Change[] {
  if (changes.length <= max) return [...changes];
  const folders = new Map<string, Change[]>();
  for (const change of changes) {
    const folder = dirname(change.path);
    folders.set(folder, [...(folders.get(folder) ?? []), change]);
  }
  if (folders.size > max) return [{ action: "changed", path: root, files: changes.length }];
  return [...folders].flatMap(([path, inside]) =>
    inside.length < 2 ? inside : [{ action: "changed" as const, path, files: inside.length }],
  );
}
