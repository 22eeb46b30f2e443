import { randomBytes } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { clock } from "../base/clock.ts";
import { LIMITS } from "../base/limits.ts";
import type { Connection } from "../wire/connect.ts";
import { publishFrame } from "../wire/publish.ts";
import { inSubject } from "../wire/subjects.ts";
import { openSpool } from "./spool.ts";

/** Folder of all producers' spools below a data folder. */
export const spoolsFolder = (dataDir: string): string => join(dataDir, "spool");

/** Folder for the spool of a new producer of this process: its name, the process, when it began, and something that makes it the only one. */
export const newSpoolFolder = (dataDir: string, name: string): string =>
  join(spoolsFolder(dataDir), `${name}.${process.pid}.${clock.nowMs()}-${randomBytes(3).toString("hex")}`);

/** When the producer of a spool began; 0 where its folder does not tell. */
const begunAt = (entry: string): number => Number(/\.(\d+)-[0-9a-f]+$/.exec(entry)?.[1] ?? 0);

/** What waits in the spools of a data folder, and in how many; segments are counted, not read. */
export function spoolsWaiting(dataDir: string): { spools: number; events: number } {
  const folder = spoolsFolder(dataDir);
  const spools = existsSync(folder)
    ? readdirSync(folder).filter(
        (name) =>
          existsSync(join(folder, name)) && readdirSync(join(folder, name)).some((file) => file.endsWith(".seg")),
      )
    : [];
  return {
    spools: spools.length,
    events: spools.reduce(
      (sum, name) => sum + readdirSync(join(folder, name)).filter((file) => file.endsWith(".seg")).length,
      0,
    ),
  };
}

/**
 * Sends what producers that are gone left in their spools, those that began first first: who was killed and started again goes on where it
 * stood. Safe to call by several at once: a frame sent twice is recognised, and all send in the same order.
 */
export async function drainOrphans(folder: string, bus: Pick<Connection, "js">): Promise<number> {
  let events = 0;
  for (const entry of orphans(folder)) {
    const spool = openSpool(join(folder, entry));
    try {
      for (let run = spool.peekRun(LIMITS.spool_run_frames); run.length > 0; ) {
        // one after the other on the wire, without waiting for each acknowledgement: the broker stores them in this order
        const sent = await Promise.allSettled(
          run.map(({ partition, frame, count, id }) => publishFrame(bus, inSubject(partition), frame, { count, id })),
        );
        const bad = sent.findIndex((result) => result.status === "rejected");
        const good = bad < 0 ? run.length : bad;
        if (good > 0) spool.taken(good);
        events += run.slice(0, good).reduce((sum, { count }) => sum + count, 0);
        if (bad >= 0) throw (sent[bad] as PromiseRejectedResult).reason;
        run = spool.peekRun(LIMITS.spool_run_frames);
      }
    } finally {
      spool.close();
    }
  }
  return events;
}

/** Spools of producers that are gone, in the order these began. */
function orphans(folder: string): string[] {
  const gone = (entry: string): boolean => {
    const pid = Number(entry.split(".")[1]);
    return pid > 0 && !isAlive(pid);
  };
  return existsSync(folder)
    ? readdirSync(folder)
        .filter(gone)
        .sort((a, b) => begunAt(a) - begunAt(b))
    : [];
}

/** Whether producers that are gone left something. */
export const orphansIn = (folder: string): boolean => orphans(folder).length > 0;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
