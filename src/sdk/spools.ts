import { randomBytes } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { clock } from "../base/clock.ts";
import { LIMITS } from "../base/limits.ts";
import type { Connection } from "../wire/connect.ts";
import { publishFrame } from "../wire/publish.ts";
import { inSubject } from "../wire/subjects.ts";
import { eventsWaiting, openSpool, type Spooled } from "./spool.ts";

/** Folder of all producers' spools below a data folder. */
export const spoolsFolder = (dataDir: string): string => join(dataDir, "spool");

/** Folder for the spool of a new producer of this process: its name, the process, when it began, and something that makes it the only one. */
export const newSpoolFolder = (dataDir: string, name: string): string =>
  join(spoolsFolder(dataDir), `${name}.${process.pid}.${clock.nowMs()}-${randomBytes(3).toString("hex")}`);

/** When the producer of a spool began; 0 where its folder does not tell. */
const begunAt = (entry: string): number => Number(/\.(\d+)-[0-9a-f]+$/.exec(entry)?.[1] ?? 0);

/** Spools in a folder in the order their producers began, with whether the process of each is there; the folder of the hooks is none of them. */
const spoolsIn = (folder: string): { path: string; owned: boolean }[] =>
  (existsSync(folder) ? readdirSync(folder) : [])
    .map((entry) => ({ entry, pid: Number(entry.split(".")[1]) }))
    .filter(({ pid }) => pid > 0)
    .sort((a, b) => begunAt(a.entry) - begunAt(b.entry))
    .map(({ entry, pid }) => ({ path: join(folder, entry), owned: isAlive(pid) }));

/** What waits in the spools of a data folder, and in how many. A spool that is taken away meanwhile is empty. */
export function spoolsWaiting(dataDir: string): { spools: number; events: number } {
  let [spools, events] = [0, 0];
  for (const { path, owned } of spoolsIn(spoolsFolder(dataDir))) {
    try {
      const waiting = eventsWaiting(path, { owned });
      events += waiting;
      if (waiting > 0) spools++;
    } catch (error) {
      if (!["ENOENT", "ENOTDIR"].includes(String((error as NodeJS.ErrnoException).code))) throw error;
    }
  }
  return { spools, events };
}

/** Whether producers that are gone left something. */
export const orphansIn = (folder: string): boolean => spoolsIn(folder).some(({ owned }) => !owned);

/**
 * Sends what producers that are gone left in their spools, those that began first first: who was killed and started again goes on where it
 * stood. Safe to call by several at once: a frame sent twice is recognised, and all send in the same order. Answers how many events were sent.
 */
export async function drainOrphans(
  folder: string,
  bus: Pick<Connection, "js">,
  options: { keep?: boolean } = {},
): Promise<number> {
  const { events, released } = await sendOrphans(folder, bus, options);
  await released;
  return events;
}

/**
 * Sends what {@link drainOrphans} does. With `keep` (profile fast) what was sent stays on disk until the broker still has it after a moment in which it
 * syncs; `released` resolves then, and whoever waits only for the order need not wait for it.
 */
export async function sendOrphans(
  folder: string,
  bus: Pick<Connection, "js">,
  { keep = false }: { keep?: boolean } = {},
): Promise<{ readonly events: number; readonly released: Promise<void> }> {
  const send = ({ partition, frame, count, id }: Spooled): Promise<{ duplicate: boolean }> =>
    publishFrame(bus, inSubject(partition), frame, { count, id });
  let events = 0;
  const sent: { spool: ReturnType<typeof openSpool>; last: Spooled | undefined }[] = [];
  const close = (): void => {
    for (const { spool } of sent) spool.close();
  };
  try {
    for (const { path } of spoolsIn(folder).filter(({ owned }) => !owned)) {
      const one: (typeof sent)[number] = { spool: openSpool(path), last: undefined };
      sent.push(one);
      const next = (): Spooled[] => one.spool.peekRun(LIMITS.spool_run_frames);
      for (let run = next(); run.length > 0; run = next()) {
        // one after the other on the wire, without waiting for each acknowledgement: the broker stores them in this order
        const results = await Promise.allSettled(run.map(send));
        const bad = results.findIndex((result) => result.status === "rejected");
        const good = bad < 0 ? run.length : bad;
        if (good > 0) {
          one.last = { ...run[good - 1]!, frame: Uint8Array.from(run[good - 1]!.frame) };
          one.spool.taken(good, keep);
        }
        events += run.slice(0, good).reduce((sum, { count }) => sum + count, 0);
        if (bad >= 0) throw (results[bad] as PromiseRejectedResult).reason;
      }
    }
  } catch (error) {
    close();
    throw error;
  }
  const release = async (): Promise<void> => {
    await pause(LIMITS.keep_ms, undefined, { ref: false });
    // where the broker has lost it meanwhile, all of the spool waits for the next time
    for (const { spool, last } of sent) if (last && (await send(last)).duplicate) spool.release(spool.mark());
  };
  return { events, released: (keep && events > 0 ? release() : Promise.resolve()).finally(close) };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
