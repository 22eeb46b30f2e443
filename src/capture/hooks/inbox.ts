import { appendFile, mkdir, open, stat } from "node:fs/promises";
import { join } from "node:path";
import { LIMITS } from "../../base/limits.ts";
import { DROPPED, INBOX } from "./append.ts";

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

async function appendOnce(folder: string, lines: Buffer, bytesMax: number): Promise<"kept" | "moved" | "full"> {
  const file = join(folder, INBOX);
  const handle = await open(file, "a", 0o600).catch(async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return open(file, "a", 0o600);
  });
  try {
    const before = await handle.stat();
    if (before.size + lines.length > bytesMax) return "full";
    if ((await handle.write(lines)).bytesWritten !== lines.length) return "full";
    await handle.datasync();
    if (before.size === 0) await syncFolder(folder);
    const now = await stat(file).catch(() => undefined);
    return now?.ino === before.ino ? "kept" : "moved";
  } finally {
    await handle.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const countDropped = (folder: string, count: number): Promise<void> =>
  appendFile(join(folder, DROPPED), ".".repeat(count), { mode: 0o600 }).catch(() => {});
