import type { Config } from "../base/config.ts";
import type { Log } from "../base/log.ts";
import { keepThread } from "../base/thread.ts";
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
  const thread = keepThread<readonly ProcessorStatus[]>(entry, {
    // young objects die young here: a small heap is enough for frames on their way
    options: () => ({ workerData: options, resourceLimits: { maxYoungGenerationSizeMb: 12 } }),
    name: "processors",
    onMessage: (told) => {
      status = told;
    },
    onEnd: () => {
      status = status.map((s) => ({ ...s, state: "starting" }));
    },
    log,
  });
  return { status: () => status, stop: thread.stop };
}
