import { join } from "node:path";
import type { Config } from "../base/config.ts";
import { toWeirError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { Archive } from "../engine/archive/archive.ts";
import { type Archiver, type ArchiverStatus, startArchiver } from "../engine/archive/archiver.ts";
import type { Projecting } from "../engine/engine.ts";
import type { Definitions } from "../engine/load.ts";
import type { ProcessorStatus } from "../engine/run-processor.ts";
import { NO_ARCHIVE, type Status } from "../read/status.ts";
import type { Connection } from "../wire/connect.ts";
import type { Credential } from "../wire/credentials.ts";
import { definitionsRoot, entry } from "./root.ts";

/** The archive of a data folder, whether there is one yet or not. */
export const openArchive = ({ dataDir }: Pick<Config, "dataDir">): Archive =>
  new Archive({ folder: join(dataDir, "archive"), entry: entry("src/engine/archive/worker") });

/** How the archive is doing, as the status has it. What cannot be read is part of the answer. */
export function archiveStatus(archive: Archive, archiver: ArchiverStatus | undefined): Status["archive"] {
  let problem = archiver?.failed?.line() ?? null;
  let held: Partial<Status["archive"]> = {};
  try {
    const { segments, totals } = archive.look();
    const [first, last] = [segments[0], segments.at(-1)];
    const { events, bytes, days } = totals;
    held = { segments: segments.length, events, bytes, days };
    if (first && last)
      held = { ...held, first_seq: first.first, last_seq: last.last, first_day: first.day, last_day: last.day };
  } catch (error) {
    problem = toWeirError(error).line();
  }
  return { ...NO_ARCHIVE, ...held, state: problem === null ? (archiver?.state ?? "waiting") : "failed", problem };
}

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
    until: () =>
      Math.min(
        projecting.status.seq,
        ...processors()
          .filter(ofLog)
          .map(({ input }) => input),
      ),
    signal: ending.signal,
  });
  return Object.assign(archiver, {
    async stop() {
      ending.abort();
      await archiver.done;
    },
  });
}
