import type { Log } from "../base/log.ts";
import type { Draft } from "../define/event.ts";
import type { Guard } from "../events/guard.ts";
import type { Connection } from "../wire/connect.ts";
import type { Sink } from "./sink.ts";

/** How a sink is made. */
export interface EmitterOptions {
  /** Name that numbers belong to; unique among the producers that run at once. */
  readonly producer: string;
  readonly source: string;
  readonly via: string;
  /** The connection, or undefined while the broker is away. */
  readonly bus: () => Connection | undefined;
  /** True while it is not known yet whether the broker is there: events wait in the buffer instead of going to the spool. */
  readonly undecided?: () => boolean;
  /** Folder of the spool. What waits in one that is there already goes first; `wake` sends it. */
  readonly spoolFolder: string;
  /** Profile fast: keep in the spool what the broker has acknowledged and may not have synced. Default: no. */
  readonly keep?: () => boolean;
  readonly partitions: number;
  /** At the limit of the buffer: wait (default), or drop and count. */
  readonly whenFull: "wait" | "drop";
  /** Check each event against its definition before it is taken. */
  readonly check: boolean;
  readonly spoolBytesMax?: number;
  /** Events of one frame at most. */
  readonly frameEventsMax?: number;
  /** Decides what of an event is kept. */
  readonly guard: Guard;
  readonly log: Log;
}

/** What a producer has done so far, in events. */
export interface EmitterStats {
  readonly emitted: number;
  readonly published: number;
  readonly buffered: number;
  readonly spooled: number;
  readonly dropped: number;
}

/** The sink of a producer, see {@link createEmitter}. */
export interface Emitter extends Sink {
  /** As `emit`, for events whose faults the log itself shall judge and record. */
  emitUnchecked(draft: Draft): Promise<void>;
  /**
   * Takes events as `emitUnchecked` does, all or none of them. Resolves when each one is acknowledged by the broker or on disk in the spool;
   * throws `spool_full` when one was given up, or would have to wait behind a full spool, and `limit_reached` when too many wait for room.
   */
  emitDurably(drafts: readonly Draft[]): Promise<void>;
  stats(): EmitterStats;
  /** The connection came. */
  wake(): void;
  /** The connection went: what is on its way counts as not sent, and goes to the spool in its order. */
  cut(): void;
  close(): Promise<void>;
}
