import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Connection } from "../wire/connect.ts";
import { publishFrame } from "../wire/publish.ts";
import { inSubject } from "../wire/subjects.ts";
import { eventsWaiting, openSpool } from "./spool.ts";

/** Folder of all producers' spools below a data folder. */
export const spoolsFolder = (dataDir: string): string => join(dataDir, "spool");

/** What waits in the spools of a data folder, and in how many. A spool that is taken away meanwhile is empty. */
export function spoolsWaiting(dataDir: string): { spools: number; events: number } {
  const folder = spoolsFolder(dataDir);
  let [spools, events] = [0, 0];
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    try {
      const waiting = eventsWaiting(join(folder, name));
      events += waiting;
      if (waiting > 0) spools++;
    } catch (error) {
      if (!["ENOENT", "ENOTDIR"].includes(String((error as NodeJS.ErrnoException).code))) throw error;
    }
  }
  return { spools, events };
}

/** Sends what producers that are gone left in their spools. Safe to call by several at once: a frame sent twice is recognised. */
export async function drainOrphans(folder: string, bus: Pick<Connection, "js">): Promise<number> {
  let events = 0;
  for (const entry of existsSync(folder) ? readdirSync(folder) : []) {
    const pid = Number(entry.split(".")[1]);
    if (!pid || isAlive(pid)) continue;
    const spool = openSpool(join(folder, entry));
    try {
      for (let item = spool.peek(); item; item = spool.peek()) {
        await publishFrame(bus, inSubject(item.partition), item.frame, { count: item.count, id: item.id });
        spool.taken();
        events += item.count;
      }
    } finally {
      spool.close();
    }
  }
  return events;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
