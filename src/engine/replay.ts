import { rmSync } from "node:fs";
import type { Config } from "../base/config.ts";
import { LIMITS } from "../base/limits.ts";
import type { Projections } from "../store/tables.ts";
import type { Connection } from "../wire/connect.ts";
import { lastStored } from "../wire/publish.ts";
import { streamIdentity } from "../wire/streams.ts";
import type { Archive } from "./archive/archive.ts";
import { LOG, openLog } from "./archive/read-log.ts";
import { openTables } from "./engine.ts";
import { noteLost } from "./lost.ts";
import { takeFrames } from "./take-frames.ts";

/** How far a replay is. */
export interface ReplayProgress {
  readonly seq: number;
  readonly head: number;
  readonly events: number;
  /** Ranges of sequences that the log lacks, or whose frames cannot be read. */
  readonly lost: readonly (readonly [number, number])[];
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
  const place = { seq: 0 };
  const lost: [number, number][] = [];
  let durable: Promise<void> = Promise.resolve();
  let tail: number | undefined;
  // a target behind the last frame that is really there wakes nobody: look now and then
  const look = async (): Promise<void> => {
    const target = until();
    if (signal?.aborted || (target !== undefined && place.seq >= target)) return reader.close();
    if (target === undefined || reader.waiting > 0 || (await lastStored(bus, "WEIR_EVENTS")) > place.seq) return;
    tail = target;
    await reader.close();
  };
  const timer = setInterval(() => void look().catch(() => {}), LIMITS.replay_look_ms); // a broker that is away comes back
  try {
    const reached = (): boolean => {
      const target = until();
      head = Math.max(head, target ?? 0);
      return target !== undefined && place.seq >= target;
    };
    while (!reached() && (await reader.ready())) {
      const bounds = { events: LIMITS.replay_events_max, bytes: LIMITS.replay_bytes_max, until: until() };
      const batch = takeFrames(reader, place, bounds, { lost: (first, last) => void noteLost(lost, first, last) });
      if (batch.length === 0) {
        if (reader.waiting > 0) break; // what waits lies behind the target
        continue;
      }
      const count = batch.reduce((sum, { frame }) => sum + frame.count, 0);
      ({ durable } = await tables.submit(batch, { stream: identity.stream, created: identity.created }));
      await tables.checkpoint();
      events += count;
      head = Math.max(head, tables.position.seq);
      onProgress?.({ seq: tables.position.seq, head, events, lost });
    }
    await durable;
    if (tail !== undefined && place.seq < tail) noteLost(lost, place.seq + 1, tail);
    return { seq: tables.position.seq, head, events, lost };
  } finally {
    clearInterval(timer);
    await reader.close();
    await tables.close();
  }
}
