import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, sep } from "node:path";

/**
 * Makes a folder, and those above it, durably: what is written into it and synced would else be gone with it after a power cut. One that is there is
 * left as it is. Unlike `mkdirSync` with `recursive`, which goes round for ever where
 * nothing can be made although the folder above is there, as below /proc.
 */
export function makeFolder(path: string, mode?: number): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(path) !== path) makeFolder(dirname(path), mode);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    // somebody else may have made it meanwhile
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
  try {
    syncFolder(dirname(path));
  } catch (error) {
    // a folder above that may be entered and not be read is nobody's fault here
    if (!["EACCES", "EPERM"].includes(String((error as NodeJS.ErrnoException).code))) throw error;
  }
}

/** Makes what was made, renamed or removed in a folder durable. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** The same without holding up the thread. */
export async function syncFolderAside(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Whether a folder may be a project. The whole disk or everything of a user is none; nor is a folder at the root of the disk that has no repository: it is the system's. */
export const isProject = (path: string): boolean =>
  dirname(path) !== path &&
  !`${homedir()}${sep}`.startsWith(path + sep) &&
  (dirname(dirname(path)) !== dirname(path) || existsSync(join(path, ".git")));
