import { closeSync, fdatasync, fstatSync, fsync, openSync, statSync, writeSync } from "node:fs";
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { LIMITS } from "../../base/limits.ts";
import { DROPPED, INBOX, openForAppend } from "./append.ts";

const datasync = promisify(fdatasync);
const sync = promisify(fsync);

/** Appends to the hooks' spool from a process that goes on: what comes while one write is under way shares the next. */
export interface Inbox {
  /** Resolves when the line is on the disk; false where it found no room and was counted instead. Never rejects. */
  append(line: Buffer): Promise<boolean>;
}

interface Waiting {
  readonly line: Buffer;
  readonly done: (kept: boolean) => void;
}

/** Makes an inbox on a folder. The file is written as `appendLines` does, without holding the process up. */
export function createInbox(folder: string, bytesMax: number = LIMITS.hook_spool_bytes_max): Inbox {
  let waiting: Waiting[] = [];
  let bytes = 0;
  let writing = false;
  const write = async (): Promise<void> => {
    writing = true;
    while (waiting.length > 0) {
      const now = waiting;
      waiting = [];
      bytes = 0;
      const kept = await appendDurably(folder, Buffer.concat(now.map((w) => w.line)), now.length, bytesMax);
      for (const { done } of now) done(kept);
    }
    writing = false;
  };
  return {
    append: (line) =>
      new Promise((done) => {
        // a disk that hangs must not fill the memory
        if (bytes + line.length > LIMITS.buffer_bytes_max) {
          void countDropped(folder, 1).then(() => done(false));
          return;
        }
        bytes += line.length;
        waiting.push({ line, done });
        if (!writing) void write();
      }),
  };
}

async function appendDurably(folder: string, lines: Buffer, count: number, bytesMax: number): Promise<boolean> {
  try {
    for (let k = 0; k < LIMITS.hook_write_tries_max; k++) {
      const written = await appendOnce(folder, lines, bytesMax);
      if (written === "full") break;
      if (written === "kept") return true;
    }
  } catch {
    // no disk, no room: counted as far as it goes
  }
  await countDropped(folder, count);
  return false;
}

/** Only the disk is waited for beside the process: each step that is, waits for a thread that the tables use too, and the others are quick. */
async function appendOnce(folder: string, lines: Buffer, bytesMax: number): Promise<"kept" | "moved" | "full"> {
  const file = join(folder, INBOX);
  const fd = openForAppend(folder, file);
  try {
    const before = fstatSync(fd);
    if (before.size + lines.length > bytesMax) return "full";
    if (writeSync(fd, lines) !== lines.length) return "full";
    await Promise.all([datasync(fd), ...(before.size === 0 ? [syncFolder(folder)] : [])]);
    return statSync(file, { throwIfNoEntry: false })?.ino === before.ino ? "kept" : "moved";
  } finally {
    closeSync(fd);
  }
}

async function syncFolder(folder: string): Promise<void> {
  const fd = openSync(folder, "r");
  try {
    await sync(fd);
  } finally {
    closeSync(fd);
  }
}

const countDropped = (folder: string, count: number): Promise<void> =>
  appendFile(join(folder, DROPPED), ".".repeat(count), { mode: 0o600 }).catch(() => {});
