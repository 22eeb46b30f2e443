import { readFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import ignore, { type Ignore } from "ignore";
import { gitFolder } from "./repository.ts";

/** Folders that are never looked into, whatever .gitignore says. */
const NEVER = new Set([".git", ".hg", ".svn", "node_modules"]);

/** What a project's .gitignore files leave out, and folders in it that were taken out of watch. */
export interface Ignored {
  /** Names the folders that were taken out. */
  leave(folders: ReadonlySet<string>): void;
  /** Reads a folder's own .gitignore again; of the root, also those of the folders around it. Tells whether the rules are others now. */
  read(folder: string): Promise<boolean>;
  has(path: string, isFolder: boolean): boolean;
  /** Whether a file is left out, by itself or with a folder it is in. */
  leavesOut(path: string): boolean;
  /** The same by the rules before those that `read` found changed; undefined where it found none. */
  formerly(): ((path: string) => boolean) | undefined;
  /** What was read holds from now on. */
  settle(): void;
}

interface Rules {
  readonly text: string;
  readonly rule: Ignore;
}
interface Known {
  readonly rules: ReadonlyMap<string, Rules>;
  readonly taken: ReadonlySet<string>;
}

/** Systems whose file names are the same in capitals, where git compares them so. */
const ignorecase = ["darwin", "win32"].includes(process.platform);

/**
 * Rules of all folders of a project, and of those around it that belong to its repository; those of an inner folder go before those of an outer one, as in
 * git. A project that a folder around it leaves out as a whole is watched all the same: somebody named it.
 */
export function ignoredIn(root: string): Ignored {
  const rules = new Map<string, Rules>();
  const former = new Map<string, Rules | undefined>();
  let taken: ReadonlySet<string> = new Set();
  let formerlyTaken: ReadonlySet<string> | undefined;
  let outermost = root;
  const ownRule = (known: Known, path: string, isFolder: boolean, top: string): boolean => {
    for (let folder = dirname(path); folder.length >= top.length; folder = dirname(folder)) {
      const name = relative(folder, path).split(sep).join("/");
      const told = known.rules.get(folder)?.rule.test(isFolder ? `${name}/` : name);
      if (told?.ignored) return true;
      if (told?.unignored) return false;
      if (folder === dirname(folder)) break;
    }
    return false;
  };
  const readOne = async (folder: string): Promise<boolean> => {
    const own = await textOf(join(folder, ".gitignore"));
    const text = `${await excluded(folder)}${own}`;
    const held = rules.get(folder);
    if (text === (held?.text ?? "")) return false;
    if (!former.has(folder)) former.set(folder, held);
    if (text === "") rules.delete(folder);
    else rules.set(folder, { text, rule: ignore({ ignorecase }).add(text) });
    return true;
  };
  const has = (known: Known, path: string, isFolder: boolean): boolean => {
    const names = relative(root, path).split(sep);
    if (names.some((name, k) => NEVER.has(name) && (isFolder || k < names.length - 1))) return true;
    return (isFolder && known.taken.has(path)) || ownRule(known, path, isFolder, outermost);
  };
  const within = (known: Known, path: string): boolean => {
    for (let folder = dirname(path); folder.length > root.length; folder = dirname(folder))
      if (has(known, folder, true)) return true;
    return has(known, path, false);
  };
  return {
    async read(folder) {
      if (folder !== root) return readOne(folder);
      const around = await repositoryAround(root);
      let changed = false;
      for (const each of around) changed = (await readOne(each)) || changed;
      const top = around.at(-1) ?? root;
      outermost = top !== root && ownRule({ rules, taken }, root, true, top) ? root : top;
      return changed;
    },
    leave(folders) {
      formerlyTaken ??= taken;
      taken = folders;
    },
    has: (path, isFolder) => has({ rules, taken }, path, isFolder),
    leavesOut: (path) => within({ rules, taken }, path),
    formerly() {
      if (former.size === 0 && formerlyTaken === undefined) return undefined;
      const before = new Map(rules);
      for (const [folder, held] of former) {
        if (held) before.set(folder, held);
        else before.delete(folder);
      }
      const known = { rules: before, taken: formerlyTaken ?? taken };
      return (path) => within(known, path);
    },
    settle() {
      former.clear();
      formerlyTaken = undefined;
    },
  };
}

const textOf = (path: string): Promise<string> => readFile(path, "utf8").catch(() => "");

/** What git leaves out of the repository whose working tree this is, without a file in it that says so. */
async function excluded(folder: string): Promise<string> {
  const git = await gitFolder(join(folder, ".git"));
  const text = git === undefined ? "" : await textOf(join(git.common, "info", "exclude"));
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

/** The folder and those around it, up to the top of the repository they are in; itself alone where they are in none. */
async function repositoryAround(root: string): Promise<string[]> {
  const out: string[] = [];
  for (let folder = root; ; folder = dirname(folder)) {
    out.push(folder);
    if (await gitFolder(join(folder, ".git"))) return out;
    if (dirname(folder) === folder) return [root];
  }
}
