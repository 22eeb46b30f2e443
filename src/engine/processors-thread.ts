import { Worker } from "node:worker_threads";
import type { Config } from "../base/config.ts";
import type { Log } from "../base/log.ts";
import type { Credential } from "../wire/credentials.ts";
import type { ArchivePlace } from "./archive/archive.ts";
import type { ProcessorStatus } from "./processor-run.ts";

/** What the thread is started with; plain data, because it crosses to another heap. */
export interface ThreadOptions {
  /** Folder of the definitions. */
  readonly root: string;
  readonly url: string;
  readonly credentials: Credential | undefined;
  /** Processors it runs. */
  readonly names: readonly string[];
  readonly partitions: number;
  readonly archive: ArchivePlace;
  /** Folder of the settings and keys that say what of an event is kept. */
  readonly dataDir: string;
  readonly snapshots: string;
  readonly version: string;
  readonly logLevel: Config["logLevel"];
  readonly pricesFile: string;
}

/** Processors on a thread beside the tables', see {@link startProcessorThread}. */
export interface ProcessorThread {
  status(): readonly ProcessorStatus[];
  stop(): Promise<void>;
}

/**
 * Runs processors on a thread of their own, so that stepping through events and writing tables use two cores. A thread that fails is started
 * again: the log is its checkpoint.
 */
export function startProcessorThread(entry: string, options: ThreadOptions, log: Log): ProcessorThread {
  let status: readonly ProcessorStatus[] = options.names.map((name) => ({
    name,
    partition: 0,
    input: 0,
    events: 0,
    behind: 0,
    state: "starting",
  }));
  let ending = false;
  let worker: Worker;
  let ended: Promise<void>;
  const start = (): void => {
    worker = new Worker(entry, {
      workerData: options,
      ...(entry.endsWith(".ts") ? { execArgv: ["--import", "tsx"] } : {}),
      // young objects die young here: a small heap is enough for frames on their way
      resourceLimits: { maxYoungGenerationSizeMb: 12 },
    });
    worker.on("message", (told: readonly ProcessorStatus[]) => {
      status = told;
    });
    worker.on("error", (error) => log.error({ err: error }, "the processors' thread failed"));
    ended = new Promise((resolve) => {
      worker.once("exit", () => {
        resolve();
        if (ending) return;
        status = status.map((s) => ({ ...s, state: "starting" }));
        setTimeout(() => !ending && start(), 500).unref();
      });
    });
  };
  start();
  return {
    status: () => status,
    async stop() {
      ending = true;
      worker.postMessage("stop");
      await ended;
    },
  };
}
