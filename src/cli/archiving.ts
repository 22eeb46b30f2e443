import { join } from "node:path";
import type { Config } from "../base/config.ts";
import type { Log } from "../base/log.ts";
import { Archive } from "../engine/archive/archive.ts";
import { type Archiver, startArchiver } from "../engine/archive/archiver.ts";
import type { Projecting } from "../engine/engine.ts";
import type { Definitions } from "../engine/load.ts";
import type { ProcessorStatus } from "../engine/processor-run.ts";
import type { Connection } from "../wire/connect.ts";
import type { Credential } from "../wire/credentials.ts";
import { definitionsRoot, entry } from "./root.ts";

/** The archive of a data folder, whether there is one yet or not. */
export const openArchive = ({ dataDir }: Pick<Config, "dataDir">): Archive =>
  new Archive({ folder: join(dataDir, "archive"), entry: entry("src/engine/archive/worker") });

/** Archives the log of the running weir as far as its tables, and the processors of this process that read it, have passed it. */
export function startArchiving(parts: {
  readonly archive: Archive;
  readonly bus: Connection;
  readonly url: string;
  readonly credentials: Credential | undefined;
  readonly config: Config;
  readonly definitions: Definitions;
  readonly projecting: Projecting;
  readonly processors: () => readonly ProcessorStatus[];
  readonly log: Log;
}): Archiver & { stop(): Promise<void> } {
  const { archive, bus, url, credentials, config, definitions, projecting, processors, log } = parts;
  const ending = new AbortController();
  const ofLog = ({ name, state }: ProcessorStatus): boolean =>
    state === "running" && !definitions.processors.get(name)?.passes;
  const archiver = startArchiver({
    ...{ archive, bus, url, credentials, log },
    root: definitionsRoot(),
    logBytes: config.logBytes,
    until: (full) => {
      const behind = full ? [] : processors().filter(ofLog);
      return Math.min(projecting.status.seq, ...behind.map(({ input }) => input));
    },
    signal: ending.signal,
  });
  return Object.assign(archiver, {
    async stop() {
      ending.abort();
      await archiver.done;
    },
  });
}
