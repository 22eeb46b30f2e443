import { randomBytes } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { clock } from "../base/clock.ts";
import { WeirError } from "../base/errors.ts";
import { derivedId } from "../base/id.ts";
import { LIMITS } from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import { begunMs, isAlive, markOf } from "../base/process.ts";
import { remember } from "../base/remember.ts";
import { eventsDropped } from "../events/flow.ts";
import type { Connection } from "../wire/connect.ts";
import { encodeEvents } from "../wire/encode.ts";
import { publishFrame } from "../wire/publish.ts";
import { isAway } from "../wire/publish-error.ts";
import { inSubject } from "../wire/subjects.ts";
import { isTooLarge, sendRun } from "./send-run.ts";
import { eventsWaiting, openSpool, type Spool, type Spooled } from "./spool.ts";

/** Folder of all producers' spools below a data folder. */
export const spoolsFolder = (dataDir: string): string => join(dataDir, "spool");

/**
 * Folder for the spool of a new producer of this process: its name, the process, when it began, something that makes it the only one, and the mark of the
 * process, where the system gives one: its number alone belongs to another program after a restart of the machine, or to the next weir in a container.
 */
export const newSpoolFolder = (dataDir: string, name: string): string => {
  const mark = markOf(process.pid);
  const one = `${clock.nowMs()}-${randomBytes(3).toString("hex")}`;
  return join(spoolsFolder(dataDir), [name, process.pid, one, ...(mark ? [mark] : [])].join("."));
};

/** What the name of a spool's folder tells; older versions wrote none with a mark. */
function told(entry: string): { readonly pid: number; readonly begun: number; readonly mark: string | undefined } {
  const [, pid, one = "", mark] = entry.split(".");
  return { pid: Number(pid), begun: Number(/^(\d+)-[0-9a-f]+$/.exec(one)?.[1] ?? 0), mark };
}

/** How far a process's beginning, as it is worked out, may lie behind what that process said itself. */
const SLACK_MS = 2_000;

/** Whether the process that made a spool is still there, and not just another one with its number. */
function isOwned({ pid, begun, mark }: ReturnType<typeof told>): boolean {
  if (!isAlive(pid)) return false;
  const now = mark && markOf(pid);
  if (now) return now === mark;
  return begun === 0 || begun + SLACK_MS >= begunMs(pid);
}

/** Spools in a folder in the order their producers began, with whether the process of each is there; the folder of the hooks is none of them. */
const spoolsIn = (folder: string): { path: string; owned: boolean }[] =>
  (existsSync(folder) ? readdirSync(folder) : [])
    .map((entry) => ({ path: join(folder, entry), ...told(entry) }))
    .filter(({ pid }) => pid > 0)
    .sort((a, b) => a.begun - b.begun)
    .map((spool) => ({ path: spool.path, owned: isOwned(spool) }));

/** What waits in the spools of a data folder, and in how many. A spool that is taken away meanwhile is empty. */
export function spoolsWaiting(dataDir: string): { spools: number; events: number } {
  let [spools, events] = [0, 0];
  for (const { path, owned } of spoolsIn(spoolsFolder(dataDir))) {
    try {
      const waiting = eventsWaiting(path, { owned });
      events += waiting;
      if (waiting > 0) spools++;
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
  return { spools, events };
}

const isGone = (error: unknown): boolean =>
  ["ENOENT", "ENOTDIR"].includes(String((error as NodeJS.ErrnoException)?.code));

/** Whether producers that are gone left something. */
export const orphansIn = (folder: string): boolean => spoolsIn(folder).some(({ owned }) => !owned);

/** Records of spools that this process found unreadable, by folder. */
const unreadable = new Map<string, number>();
/** Spools whose trouble was told, each once. */
const complained = new Map<string, true>();
const REMEMBERED_MAX = 1_000;

/** How many records of spools that producers left could not be read since this process began. */
export const unreadableRecords = (): number => [...unreadable.values()].reduce((sum, n) => sum + n, 0);

export interface OrphanOptions {
  /** Profile fast: what was sent stays on disk until the broker still has it after a moment in which it syncs. */
  readonly keep?: boolean;
  readonly log: Log;
}

/** Whether an error passes by itself, so that everything waits in its order. */
export const waits = (error: unknown): boolean =>
  isAway(error) || (error instanceof WeirError && error.code === "broker_full");

/** What stands in the place of a frame that was given up: its first number, with how many events are missing from there on. */
function lossOf({ partition, id, count }: Spooled): Spooled {
  const [, producer = id, epoch = 0, n = 0] = /^(.*)\.(\d+)\.(\d+)$/.exec(id) ?? [];
  const time = clock.nowUs();
  const first = Number(n);
  const data = { where: "frame_too_large", count, first_n: first, last_n: first + count - 1 };
  const { type, v } = eventsDropped;
  const own = { id: derivedId(time, type, id), source: "weir://spool", time, via: "weir" };
  const event = { ...own, type, v, producer, epoch: Number(epoch), n: first, data };
  return { partition, id, count: 1, frame: encodeEvents([event]) };
}

/**
 * Sends what producers that are gone left in their spools, those that began first first: who was killed and started again goes on where it
 * stood. Safe to call by several at once: a frame sent twice is recognised, and all send in the same order. Answers how many events were sent.
 */
export async function drainOrphans(
  folder: string,
  bus: Pick<Connection, "js">,
  options: OrphanOptions,
): Promise<number> {
  const { events, released } = await sendOrphans(folder, bus, options);
  await released;
  return events;
}

/**
 * Sends what {@link drainOrphans} does. With `keep`, `released` resolves when it is let go, and whoever waits only for the order need not wait for it. A
 * spool that cannot be read, or that the broker refuses for good, is told in the log and does not hold up those after it.
 */
export async function sendOrphans(
  folder: string,
  bus: Pick<Connection, "js">,
  { keep = false, log }: OrphanOptions,
): Promise<{ readonly events: number; readonly released: Promise<void> }> {
  const publish = ({ partition, frame, count, id }: Spooled): Promise<{ duplicate: boolean }> =>
    publishFrame(bus, inSubject(partition), frame, { count, id });
  const send = (item: Spooled): Promise<{ duplicate: boolean }> =>
    publish(item).catch((error: unknown) => {
      if (!isTooLarge(error)) throw error;
      log.error({ id: item.id, count: item.count }, "events were given up: no message has room for their frame");
      return publish(lossOf(item));
    });
  let events = 0;
  const opened: { spool: Spool; last: Spooled | undefined }[] = [];
  const close = (): void => {
    for (const { spool } of opened) spool.close();
  };
  const drain = async (path: string): Promise<void> => {
    const one: (typeof opened)[number] = { spool: openSpool(path), last: undefined };
    opened.push(one);
    const { broken } = one.spool;
    if (broken > 0 && !unreadable.has(path))
      log.warn({ spool: path, records: broken }, "records of a spool cannot be read; what stood in them is lost");
    if (broken > 0) remember(unreadable, path, broken, REMEMBERED_MAX);
    const next = (): ReturnType<typeof sendRun> => sendRun(one.spool, send, () => keep);
    for (let run = await next(); run; run = await next()) {
      const last = run.sent.at(-1);
      if (last) one.last = { ...last, frame: Uint8Array.from(last.frame) };
      events += run.sent.reduce((sum, { count }) => sum + count, 0);
      if (run.error !== undefined) throw run.error;
    }
  };
  try {
    for (const { path } of spoolsIn(folder).filter(({ owned }) => !owned)) {
      try {
        await drain(path);
      } catch (error) {
        if (waits(error)) throw error;
        const again = complained.has(path) || isGone(error); // who sends the same spools may have taken it away
        log[again ? "debug" : "error"]({ spool: path, err: error }, "a spool that a producer left cannot be sent");
        remember(complained, path, true, REMEMBERED_MAX);
      }
    }
  } catch (error) {
    close();
    throw error;
  }
  const release = async (): Promise<void> => {
    await pause(LIMITS.keep_ms, undefined, { ref: false });
    // where the broker has lost it meanwhile, all of the spool waits for the next time
    for (const { spool, last } of opened) if (last && (await send(last)).duplicate) spool.release(spool.mark());
  };
  return { events, released: (keep && events > 0 ? release() : Promise.resolve()).finally(close) };
}
