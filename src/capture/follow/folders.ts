import { type FSWatcher, watch } from "node:fs";

/** Folders of the file system under watch, see {@link watchFolders}. */
export interface Folders {
  /** Watches these folders and no others, the first ones where there are more than may be watched. Tells how many are new. */
  use(folders: readonly string[]): number;
  /** Watches these folders too, as far as there is room. Tells how many are new. */
  add(folders: readonly string[]): number;
  /** Ends the watches of folders that are gone. */
  remove(which: (folder: string) => boolean): void;
  readonly watched: number;
  /** Folders that are not watched: beyond the limit, or refused by the system. */
  readonly left_out: number;
  close(): void;
}

/**
 * One watch a folder, none a file, so that thousands of files cost nothing while they lie still. `onChange` is called with the folder and the
 * name of what changed in it; the name is missing where the system does not tell it. A system may forget to tell: whoever watches looks
 * for itself once in a while.
 */
export function watchFolders(
  onChange: (folder: string, name: string | undefined) => void,
  options: { readonly watches_max: number },
): Folders {
  const watchers = new Map<string, FSWatcher>();
  let left_out = 0;
  const drop = (folder: string): void => {
    watchers.get(folder)?.close();
    watchers.delete(folder);
  };
  const start = (folder: string): boolean => {
    if (watchers.size >= options.watches_max) return false;
    try {
      const watcher = watch(folder, { persistent: false }, (_, name) => onChange(folder, name ?? undefined));
      watcher.on("error", () => drop(folder)); // it was removed, or its disk went away
      watchers.set(folder, watcher);
      return true;
    } catch {
      return false; // gone meanwhile, or the system has no watches left: the sweep finds what changes there
    }
  };
  const addAll = (folders: readonly string[]): number =>
    folders.filter((folder) => !watchers.has(folder) && start(folder)).length;
  return {
    use(folders) {
      const wanted = new Set(folders.slice(0, options.watches_max));
      for (const folder of [...watchers.keys()]) if (!wanted.has(folder)) drop(folder);
      const added = addAll([...wanted]);
      left_out = folders.filter((folder) => !watchers.has(folder)).length;
      return added;
    },
    add: (folders) => addAll(folders),
    remove(which) {
      for (const folder of [...watchers.keys()]) if (which(folder)) drop(folder);
    },
    get watched() {
      return watchers.size;
    },
    get left_out() {
      return left_out;
    },
    close() {
      for (const folder of [...watchers.keys()]) drop(folder);
    },
  };
}
