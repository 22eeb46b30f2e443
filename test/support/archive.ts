import { join } from "node:path";
import { Archive } from "../../src/engine/archive/archive.ts";
import { type Archiver, startArchiver } from "../../src/engine/archive/archiver.ts";
import { quiet } from "./nats.ts";
import type { Bench } from "./pipeline.ts";
import { ROOT } from "./weir.ts";

/** The program that writes and reads archives, as they are built. */
export const WORKER = join(ROOT, "dist/src/engine/archive/worker.js");

/** The archive of a bench. */
export const archiveOf = (bench: Pick<Bench, "nats">): Archive =>
  new Archive({ folder: join(bench.nats.config.dataDir, "archive"), entry: WORKER });

/** Archives a bench's log until it is disposed of; by itself as the log fills, or when asked. */
export function runArchiver(
  bench: Bench,
  {
    archive = archiveOf(bench),
    until,
    logBytes = bench.nats.config.logBytes,
  }: {
    archive?: Archive;
    until: () => number;
    logBytes?: number;
  },
): Archiver & AsyncDisposable & { readonly archive: Archive } {
  const stop = new AbortController();
  const archiver = startArchiver({
    archive,
    bus: bench.bus,
    url: bench.nats.broker.url,
    credentials: bench.nats.broker.credentials.engine,
    root: join(ROOT, "dist"),
    logBytes,
    until,
    log: quiet,
    signal: stop.signal,
  });
  return Object.assign(archiver, {
    archive,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await archiver.done;
    },
  });
}
