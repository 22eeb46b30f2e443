import { WeirError } from "../base/errors.ts";
import { derivedId } from "../base/id.ts";
import { LIMITS } from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import { type Processing, processSpan, telemetryOn } from "../base/telemetry.ts";
import type { Draft } from "../define/event.ts";
import { logLost } from "../events/flow.ts";
import { isFatal } from "../store/open.ts";
import type { Connection } from "../wire/connect.ts";
import { readFrame } from "../wire/frame.ts";
import { HEADERS } from "../wire/publish.ts";
import type { Reader } from "../wire/read.ts";
import { type StreamIdentity, streamIdentity } from "../wire/streams.ts";
import type { Placed } from "./apply/portion.ts";
import type { Tables } from "./apply/tables.ts";
import type { Archive } from "./archive/archive.ts";
import { openLog } from "./archive/read-log.ts";
import { noteLost } from "./lost.ts";
import { Pace } from "./pace.ts";
import { takeFrames } from "./take-frames.ts";

/** The tables' runner seen from outside. */
export interface ProjectionStatus {
  seq: number;
  /** Events applied since the runner started. */
  events: number;
  commits: number;
  commit_ms: number;
  /** When the last commit was, on the clock of `performance.now()`. */
  committed_at: number;
  state: "starting" | "running" | "failed" | "stopped";
  /** Ranges of log sequences that are missing. */
  readonly lost: [number, number][];
  /** What the last `weir verify` said; undefined where nobody asked. */
  verified?: boolean;
}

export interface ProjectionOptions {
  readonly tables: Tables;
  readonly bus: Connection;
  /** Where the older part of the log is. */
  readonly archive?: Archive | undefined;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly status: ProjectionStatus;
  /** Told of each commit: the ids of its events, and the position after it. */
  readonly onCommit?: (ids: ReadonlySet<string>, seq: number) => void;
  /** Whether somebody waits for an event to be in the tables. */
  readonly awaited?: () => boolean;
  /** When the next batch begins; knows whether somebody reads. */
  readonly pace?: Pace;
  /** Is given what the run can be told and asked. */
  readonly onRun?: (run: Gathering) => void;
  /** Where findings of loss are published. */
  readonly emit?: (draft: Draft) => void;
}

/** What has come from the log and is not in the tables yet. */
export interface Gathering {
  /** Takes it at once. */
  hurry(): void;
  /** Whether there is any. */
  waits(): boolean;
}

/** Checks that the tables belong to the log there is. Throws `stream_changed` where it was replaced or wiped. */
export function checkMaking(position: { stream: string; created: string }, log: StreamIdentity): void {
  if (position.stream === "") return;
  if (position.stream !== log.stream || position.created !== log.created) {
    throw new WeirError(
      "stream_changed",
      `the tables were made from the log ${position.stream} of ${position.created}, the broker holds one of ${log.created}`,
    );
  }
}

/** {@link checkMaking}, and that the log was not cut behind the tables' back. */
function checkLog(position: { stream: string; created: string; seq: number }, log: StreamIdentity): void {
  checkMaking(position, log);
  if (log.last_seq < position.seq) {
    throw new WeirError(
      "stream_changed",
      `the log ends at ${log.last_seq}, the tables have seen ${position.seq}: the log was cut or restored`,
    );
  }
}

/**
 * Checks that the log still holds, where the tables stand, what they took from there: one that was cut and has grown again since is not told by its
 * length. Throws `stream_changed`.
 */
async function checkHead(tables: Tables, bus: Connection): Promise<void> {
  const { seq } = tables.position;
  const message = seq > 0 ? await bus.jsm.streams.getMessage("WEIR_EVENTS", { seq }) : null;
  if (!message) return; // lost, which is told when the log is walked
  let ids: Set<string>;
  try {
    ids = new Set(
      readFrame(message.data)
        .events()
        .map(({ id }) => id),
    );
  } catch {
    return; // told as lost as well
  }
  const held = await tables.idsAt(seq);
  if (held.every((id) => ids.has(id))) return;
  throw new WeirError(
    "stream_changed",
    `the log holds other events at ${seq} than the tables took from there: it was cut or restored`,
  );
}

/** Follows the log and applies it until the signal. Throws what stops it; the caller opens the store again and goes on. */
export async function runProjections(options: ProjectionOptions): Promise<void> {
  const { tables, bus, signal, status } = options;
  const identity = await streamIdentity(bus.jsm, "WEIR_EVENTS");
  checkLog(tables.position, identity);
  await checkHead(tables, bus);
  const reader = openLog(bus, options.archive, { after: tables.position.seq, created: identity.created });
  const stop = (): void => void reader.close();
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop(); // told while the log was asked
  status.state = "running";
  status.seq = tables.position.seq;
  let idle: NodeJS.Timeout | undefined;
  let dirty = false;
  /** What a quiet moment met, after which the tables must be opened again. */
  let broken: unknown;
  const place: Place = { seq: tables.position.seq, traces: [] };
  const { pace = new Pace() } = options;
  let committed: Promise<void> = Promise.resolve();
  /** Batches that were taken and are not on the disk yet. */
  let working = 0;
  options.onRun?.({ hurry: () => reader.hurry(), waits: () => working > 0 || reader.waiting > 0 });
  try {
    // what still waits after the signal stays in the log: whoever stopped the tables may close the store
    while ((await reader.ready()) && !signal.aborted) {
      clearTimeout(idle);
      if (!options.awaited?.()) await reader.gather(pace.pause(performance.now()), LIMITS.commit_gather_bytes_max);
      if (signal.aborted) break;
      const batch = takeBatch(reader, place, options);
      if (batch.length === 0) continue;
      const started = performance.now();
      pace.begin(started);
      working++;
      const span = tableSpan(place.traces, batch, started);
      const { ids, durable } = await tables
        .submit(batch, { stream: identity.stream, created: identity.created })
        .catch((error: unknown) => {
          span?.end(error);
          throw error;
        });
      const { seq } = tables.position;
      await committed; // one batch is on its way to the disk while the next is made ready
      committed = durable.then(() => {
        status.commit_ms = performance.now() - started;
        pace.took(status.commit_ms, ids.size);
        status.commits++;
        status.committed_at = performance.now();
        status.events += ids.size;
        status.seq = seq;
        working--;
        options.onCommit?.(ids, seq);
      });
      committed.then(
        () => span?.end(),
        (error: unknown) => span?.end(error), // awaited with the next batch, or below
      );
      dirty = true;
      if (reader.waiting === 0) await committed;
      await tables.checkpoint();
      idle = setTimeout(() => {
        if (dirty && reader.waiting === 0 && !signal.aborted) {
          dirty = false;
          tables.rest().catch((error: unknown) => {
            if (!isFatal(error)) return; // it is tried again after the next commit
            broken = error;
            stop();
          });
        }
      }, LIMITS.checkpoint_idle_ms).unref();
    }
    await committed;
    if (broken) throw broken;
    status.state = "stopped";
  } catch (error) {
    status.state = "failed";
    throw error;
  } finally {
    options.onRun?.(NOTHING_GATHERS);
    clearTimeout(idle);
    signal.removeEventListener("abort", stop);
    await reader.close();
  }
}

/** There is no run. */
export const NOTHING_GATHERS: Gathering = { hurry: () => {}, waits: () => false };

/** The last sequence looked at, which a frame that cannot be read moves on too, and the trace contexts of the batch's frames. */
interface Place {
  seq: number;
  traces: (string | undefined)[];
}

/** The span over a batch, from its frames to the commit; nothing where spans go nowhere. */
const tableSpan = (traces: Place["traces"], batch: readonly Placed[], started: number): Processing | undefined => {
  if (!telemetryOn()) return undefined;
  const events = batch.reduce((sum, { frame }) => sum + frame.count, 0);
  return processSpan("tables", { stream: "WEIR_EVENTS", traces, events, started });
};

/** What waits, up to one transaction. */
function takeBatch(reader: Reader, place: Place, { status, log, emit }: ProjectionOptions): Placed[] {
  place.traces = [];
  const bounds = { events: LIMITS.commit_events_max, bytes: LIMITS.commit_bytes_max };
  return takeFrames(reader, place, bounds, {
    lost(first, last, { stored_us }) {
      if (!noteLost(status.lost, first, last)) return; // told before the tables were opened again
      log.error({ first, last }, "sequences of the log are missing or cannot be read: stored events were lost");
      const key = { id: derivedId(stored_us, "log.lost", first, last), time: stored_us, source: "weir://log" };
      emit?.(logLost.of(key, { stream: "WEIR_EVENTS", first_seq: first, last_seq: last }));
    },
    took({ headers }) {
      if (telemetryOn()) place.traces.push(headers?.get(HEADERS.trace));
    },
  });
}
