import { readFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import ignore, { type Ignore } from "ignore";

/** Folders that are never looked into, whatever .gitignore says. */
const NEVER = new Set([".git", ".hg", ".svn", "node_modules"]);

/** What a project's .gitignore files leave out. */
export interface Ignored {
  /** Reads a folder's own .gitignore again. */
  read(folder: string): Promise<void>;
  has(path: string, isFolder: boolean): boolean;
}

/** Rules of all folders of a project; those of an inner folder go before those of an outer one, as in git. */
export function ignoredIn(root: string): Ignored {
  const rules = new Map<string, Ignore>();
  const ownRule = (path: string, isFolder: boolean): boolean => {
    for (let folder = dirname(path); folder.length >= root.length; folder = dirname(folder)) {
      const rule = rules.get(folder);
      const name = relative(folder, path).split(sep).join("/");
      const told = rule?.test(isFolder ? `${name}/` : name);
      if (told?.ignored) return true;
      if (told?.unignored) return false;
      if (folder === dirname(folder)) break;
    }
    return false;
  };
  return {
    async read(folder) {
      const text = await readFile(join(folder, ".gitignore"), "utf8").catch(() => "");
      const more = folder === root ? await readFile(join(root, ".git", "info", "exclude"), "utf8").catch(() => "") : "";
      if (text === "" && more === "") rules.delete(folder);
      else rules.set(folder, ignore().add(more).add(text));
    },
    has(path, isFolder) {
      const names = relative(root, path).split(sep);
      if (names.some((name, k) => NEVER.has(name) && (isFolder || k < names.length - 1))) return true;
      return ownRule(path, isFolder);
    },
  };
}
