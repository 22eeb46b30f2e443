import { Worker, type WorkerOptions } from "node:worker_threads";
import type { Log } from "./log.ts";

/** Starts a program of the source tree on a thread of its own; one that is not compiled goes through tsx, as in development. */
export const openThread = (entry: string, options: WorkerOptions): Worker =>
  new Worker(entry, { ...options, ...(entry.endsWith(".ts") ? { execArgv: ["--import", "tsx"] } : {}) });

/** A thread that is started again when it fails. */
export interface KeptThread {
  tell(message: unknown): void;
  /** Tells it "stop", or ends it at once; resolves when it has ended. */
  stop(how?: { readonly atOnce: boolean }): Promise<void>;
}

/** How long after its end a thread is started again. */
const AGAIN_MS = 500;

/** Keeps a thread running. `onEnd` is told when it ended without being asked to, before it is started again. */
export function keepThread<T>(
  entry: string,
  {
    options,
    name,
    onMessage,
    onEnd,
    log,
  }: {
    /** Asked for each time. */
    readonly options: () => WorkerOptions;
    readonly name: string;
    readonly onMessage: (message: T) => void;
    readonly onEnd: () => void;
    readonly log: Log;
  },
): KeptThread {
  let ending = false;
  let worker: Worker;
  let ended: Promise<void>;
  const start = (): void => {
    worker = openThread(entry, options());
    worker.on("message", onMessage);
    worker.on("error", (error) => log.error({ err: error }, `the thread ${name} failed`));
    ended = new Promise((resolve) => {
      worker.once("exit", () => {
        resolve();
        if (ending) return;
        onEnd();
        setTimeout(() => !ending && start(), AGAIN_MS).unref();
      });
    });
  };
  start();
  return {
    tell: (message) => worker.postMessage(message),
    async stop({ atOnce } = { atOnce: false }) {
      ending = true;
      if (atOnce) await worker.terminate();
      else worker.postMessage("stop");
      await ended;
    },
  };
}
