import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { LIMITS } from "../base/limits.ts";
import type { Connection } from "../wire/connect.ts";
import { publishFrame } from "../wire/publish.ts";
import { inSubject } from "../wire/subjects.ts";
import { eventsWaiting, openSpool, type Spooled } from "./spool.ts";

/** Folder of all producers' spools below a data folder. */
export const spoolsFolder = (dataDir: string): string => join(dataDir, "spool");

/** Spools in a folder, with the process that owns each; the folder of the hooks is none of them. */
const spoolsIn = (folder: string): { path: string; owned: boolean }[] =>
  (existsSync(folder) ? readdirSync(folder) : []).flatMap((entry) => {
    const pid = Number(entry.split(".")[1]);
    return pid ? [{ path: join(folder, entry), owned: isAlive(pid) }] : [];
  });

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

/**
 * Sends what producers that are gone left in their spools. Safe to call by several at once: a frame sent twice is recognised. With `keep`
 * (profile fast) what was sent goes only when the broker still has it after a moment in which it syncs.
 */
export async function drainOrphans(
  folder: string,
  bus: Pick<Connection, "js">,
  { keep = false }: { keep?: boolean } = {},
): Promise<number> {
  const send = ({ partition, frame, count, id }: Spooled): Promise<{ duplicate: boolean }> =>
    publishFrame(bus, inSubject(partition), frame, { count, id });
  let events = 0;
  const sent: { spool: ReturnType<typeof openSpool>; last: Spooled | undefined }[] = [];
  try {
    for (const { path } of spoolsIn(folder).filter(({ owned }) => !owned)) {
      const one: (typeof sent)[number] = { spool: openSpool(path), last: undefined };
      sent.push(one);
      for (let item = one.spool.peek(); item; item = one.spool.peek()) {
        await send(item);
        one.last = { ...item, frame: Uint8Array.from(item.frame) };
        one.spool.taken(1, keep);
        events += item.count;
      }
    }
    if (!keep || events === 0) return events;
    await pause(LIMITS.keep_ms, undefined, { ref: false });
    // where the broker has lost it meanwhile, all of the spool waits for the next time
    for (const { spool, last } of sent) if (last && (await send(last)).duplicate) spool.release(spool.mark());
    return events;
  } finally {
    for (const { spool } of sent) spool.close();
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
