import { rmSync } from "node:fs";
import type { Config } from "../base/config.ts";
import { LIMITS } from "../base/limits.ts";
import type { Projections } from "../store/tables.ts";
import type { Connection } from "../wire/connect.ts";
import { readFrame } from "../wire/frame.ts";
import { streamIdentity } from "../wire/streams.ts";
import type { Placed } from "./apply/tables.ts";
import type { Archive } from "./archive/archive.ts";
import { LOG, openLog } from "./archive/read-log.ts";
import { openTables } from "./engine.ts";

/** How far a replay is. */
export interface ReplayProgress {
  readonly seq: number;
  readonly head: number;
  readonly events: number;
}

/** Removes a store's files, the caches beside it included. */
export function removeStore(file: string): void {
  for (const suffix of ["", ".wal", ".tmp", ".keys"]) rmSync(`${file}${suffix}`, { recursive: true, force: true });
}

/**
 * Makes the tables from the beginning of the log into a fresh `file`, up to the sequence that `until` names; while it names none the replay
 * follows the log. The store is closed when it resolves.
 */
export async function replay(options: {
  readonly file: string;
  readonly projections: Projections;
  readonly config: Pick<Config, "memoryMb" | "threads">;
  readonly bus: Connection;
  /** Where the older part of the log is. */
  readonly archive?: Archive | undefined;
  readonly until: () => number | undefined;
  readonly onProgress?: (progress: ReplayProgress) => void;
  readonly signal?: AbortSignal;
}): Promise<ReplayProgress> {
  const { file, bus, until, onProgress, signal } = options;
  removeStore(file);
  const identity = await streamIdentity(bus.jsm, LOG);
  const tables = await openTables(file, options.projections, options.config);
  const reader = openLog(bus, options.archive, { after: 0 });
  let head = identity.last_seq;
  let events = 0;
  let durable: Promise<void> = Promise.resolve();
  // a target that lies behind the last frame wakes nobody: look at it now and then
  const timer = setInterval(() => {
    const target = until();
    if (signal?.aborted || (target !== undefined && tables.position.seq >= target)) void reader.close();
  }, 50);
  try {
    const reached = (): boolean => {
      const target = until();
      head = Math.max(head, target ?? 0);
      return target !== undefined && tables.position.seq >= target;
    };
    while (!reached() && (await reader.ready())) {
      const batch: Placed[] = [];
      let count = 0;
      for (let message = reader.peek(); message && count < LIMITS.replay_events_max; message = reader.peek()) {
        const target = until();
        if (target !== undefined && message.seq > target) break;
        reader.shift();
        const frame = readFrame(message.data);
        batch.push({ seq: message.seq, frame });
        count += frame.count;
      }
      if (batch.length === 0) break;
      ({ durable } = await tables.submit(batch, { stream: identity.stream, created: identity.created }));
      await tables.checkpoint();
      events += count;
      head = Math.max(head, tables.position.seq);
      onProgress?.({ seq: tables.position.seq, head, events });
    }
    await durable;
    return { seq: tables.position.seq, head, events };
  } finally {
    clearInterval(timer);
    await reader.close();
    await tables.close();
  }
}
