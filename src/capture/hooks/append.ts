import { closeSync, fdatasyncSync, fstatSync, ftruncateSync, openSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, syncFolder } from "../../base/folder.ts";
import { LIMITS } from "../../base/limits.ts";

/** Folder of the hooks' spool below a data folder. */
export const hooksFolder = (dataDir: string): string => join(dataDir, "spool", "hooks");
/** File that payloads are appended to; whoever takes them renames it first. */
export const INBOX = "inbox.log";
/** One byte a payload that found no room. */
export const DROPPED = "dropped";

/**
 * Appends lines to the hooks' spool; they are on the disk when it returns true. Several processes may append at once: each writes with one
 * call, at the end of the file. Where the file was renamed between opening and writing, the reader may be past its end already, so the lines are
 * written once more into the new one; the same record twice is one event. False: there is no room; the drop is counted in a file beside it.
 */
export function appendLines(
  folder: string,
  lines: Buffer,
  count: number,
  bytesMax: number = LIMITS.hook_spool_bytes_max,
): boolean {
  try {
    for (let k = 0; k < LIMITS.hook_write_tries_max; k++) {
      const written = appendOnce(folder, lines, bytesMax);
      if (written === "full") break;
      if (written === "kept") return true;
    }
  } catch {
    // no disk, no room, no permission: counted below as far as it goes
  }
  countDropped(folder, count);
  return false;
}

/** Counts payloads that found no room. A full disk has no room for a byte either: there the file is made longer without one. */
export function countDropped(folder: string, count: number): void {
  try {
    const fd = openSync(join(folder, DROPPED), "a", 0o600);
    try {
      writeSync(fd, Buffer.alloc(count, "."));
    } catch {
      ftruncateSync(fd, fstatSync(fd).size + count);
    } finally {
      closeSync(fd);
    }
  } catch {
    // a recorder that cannot write at all has nobody to tell
  }
}

function appendOnce(folder: string, lines: Buffer, bytesMax: number): "kept" | "moved" | "full" {
  const file = join(folder, INBOX);
  const fd = openForAppend(folder, file);
  try {
    const before = fstatSync(fd);
    if (before.size + lines.length > bytesMax) return "full";
    // a disk without room takes a part; the rest would stand behind another process's line, so all is written again or not at all
    if (writeSync(fd, lines) !== lines.length)
      return writeSync(fd, lines) === lines.length ? keep(fd, file, before) : "full";
    return keep(fd, file, before);
  } finally {
    closeSync(fd);
  }
}

function keep(fd: number, file: string, before: { ino: number; size: number }): "kept" | "moved" {
  fdatasyncSync(fd);
  if (before.size === 0) syncFolder(join(file, ".."));
  return statSync(file, { throwIfNoEntry: false })?.ino === before.ino ? "kept" : "moved";
}

function openForAppend(folder: string, file: string): number {
  try {
    return openSync(file, "a", 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    makeFolder(folder, 0o700);
    return openSync(file, "a", 0o600);
  }
}
