import type { Worker } from "node:worker_threads";
import { LIMITS } from "../../base/limits.ts";
import { openThread } from "../../base/thread.ts";
import { appendLines, countDropped } from "./append.ts";

/** Appends to the hooks' spool from a process that goes on: what comes while one write is under way shares the next. */
export interface Inbox {
  /** Resolves when the line is on the disk; false where it found no room and was counted instead. Never rejects. */
  append(line: Buffer): Promise<boolean>;
  /** Ends the thread when what was given to it is written. */
  close(): Promise<void>;
}

interface Waiting {
  readonly line: Buffer;
  readonly done: (kept: boolean) => void;
}

/**
 * Makes an inbox on a folder. A thread of its own writes, begun with the first line: one of Node's shared threads would be waited for behind the
 * tables, which keep them busy, and the writing itself would hold up the process while the disk works.
 */
export function createInbox({
  folder,
  entry,
  bytesMax = LIMITS.hook_spool_bytes_max,
}: {
  readonly folder: string;
  /** The thread's program, `.ts` in development. */
  readonly entry: string;
  readonly bytesMax?: number;
}): Inbox {
  let waiting: Waiting[] = [];
  let bytes = 0;
  let writing: readonly Waiting[] = [];
  let worker: Worker | undefined;
  const idle: (() => void)[] = [];
  const linesOf = (list: readonly Waiting[]): Buffer => Buffer.concat(list.map(({ line }) => line));
  const written = (kept: boolean): void => {
    const now = writing;
    writing = [];
    for (const { done } of now) done(kept);
    write();
  };
  const write = (): void => {
    if (writing.length > 0) return;
    if (waiting.length === 0) {
      for (const resolve of idle.splice(0)) resolve();
      return;
    }
    writing = waiting;
    waiting = [];
    bytes = 0;
    worker ??= begin();
    worker.postMessage({ lines: linesOf(writing), count: writing.length });
  };
  const begin = (): Worker => {
    const begun = openThread(entry, {
      workerData: { folder, bytesMax },
      resourceLimits: { maxYoungGenerationSizeMb: 2 },
    });
    begun.unref();
    begun.on("message", written);
    begun.once("error", () => {}); // its end is what counts
    begun.once("exit", () => {
      if (worker !== begun) return;
      worker = undefined;
      // what it was given may be written or not; twice is once
      if (writing.length > 0) written(appendLines(folder, linesOf(writing), writing.length, bytesMax));
    });
    return begun;
  };
  return {
    append: (line) =>
      new Promise((done) => {
        // a disk that hangs must not fill the memory
        if (bytes + line.length > LIMITS.buffer_bytes_max) {
          countDropped(folder, 1);
          done(false);
          return;
        }
        bytes += line.length;
        waiting.push({ line, done });
        write();
      }),
    async close() {
      if (writing.length > 0) await new Promise<void>((resolve) => idle.push(resolve));
      const ended = worker;
      worker = undefined;
      await ended?.terminate();
    },
  };
}
