import { WeirError } from "../base/errors.ts";
import { derivedId } from "../base/id.ts";
import { LIMITS } from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import { type Processing, processSpan, telemetryOn } from "../base/telemetry.ts";
import type { Draft } from "../define/event.ts";
import { logLost } from "../events/flow.ts";
import type { Connection } from "../wire/connect.ts";
import { readFrame } from "../wire/frame.ts";
import { HEADERS } from "../wire/publish.ts";
import { openReader, type Reader } from "../wire/read.ts";
import { type StreamIdentity, streamIdentity } from "../wire/streams.ts";
import type { Placed, Tables } from "./apply/tables.ts";
import { Pace } from "./pace.ts";

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
}

export interface ProjectionOptions {
  readonly tables: Tables;
  readonly bus: Connection;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly status: ProjectionStatus;
  /** Told of each commit: the ids of its events, and the position after it. */
  readonly onCommit?: (ids: ReadonlySet<string>, seq: number) => void;
  /** Whether somebody waits for an event to be in the tables. */
  readonly awaited?: () => boolean;
  /** Where findings of loss are published. */
  readonly emit?: (draft: Draft) => void;
}

/** Checks that the tables belong to the log there is. Throws `stream_changed` where the log was replaced, wiped or cut behind the tables' back. */
export function checkLog(position: { stream: string; created: string; seq: number }, log: StreamIdentity): void {
  if (position.stream === "") return;
  if (position.stream !== log.stream || position.created !== log.created) {
    throw new WeirError(
      "stream_changed",
      `the tables were made from the log ${position.stream} of ${position.created}, the broker holds one of ${log.created}`,
    );
  }
  if (log.last_seq < position.seq) {
    throw new WeirError(
      "stream_changed",
      `the log ends at ${log.last_seq}, the tables have seen ${position.seq}: the log was cut or restored`,
    );
  }
}

/** Follows the log and applies it until the signal. Throws what stops it; the caller opens the store again and goes on. */
export async function runProjections(options: ProjectionOptions): Promise<void> {
  const { tables, bus, signal, status } = options;
  const identity = await streamIdentity(bus.jsm, "WEIR_EVENTS");
  checkLog(tables.position, identity);
  const reader = openReader(bus, "WEIR_EVENTS", { after: tables.position.seq });
  const stop = (): void => void reader.close();
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop(); // told while the log was asked
  status.state = "running";
  status.seq = tables.position.seq;
  let idle: NodeJS.Timeout | undefined;
  let dirty = false;
  const place: Place = { seq: tables.position.seq, traces: [] };
  const pace = new Pace();
  let committed: Promise<void> = Promise.resolve();
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
        pace.took(status.commit_ms);
        status.commits++;
        status.committed_at = performance.now();
        status.events += ids.size;
        status.seq = seq;
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
        // a quiet moment: fold the write-ahead log in, so that a restart is quick and memory small
        if (dirty && reader.waiting === 0 && !signal.aborted) {
          dirty = false;
          tables.checkpoint(LIMITS.wal_idle_bytes_max).catch(() => {}); // it is tried again after the next commit
        }
      }, LIMITS.checkpoint_idle_ms).unref();
    }
    await committed;
    status.state = "stopped";
  } catch (error) {
    status.state = "failed";
    throw error;
  } finally {
    clearTimeout(idle);
    signal.removeEventListener("abort", stop);
    await reader.close();
  }
}

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
  const batch: Placed[] = [];
  place.traces = [];
  let events = 0;
  let bytes = 0;
  for (
    let message = reader.peek();
    message && events < LIMITS.commit_events_max && bytes < LIMITS.commit_bytes_max;
    message = reader.peek()
  ) {
    if (message.seq !== place.seq + 1) {
      const [first, last] = [place.seq + 1, message.seq - 1];
      status.lost.push([first, last]);
      log.error({ first, last }, "sequences of the log are missing: stored events were lost");
      emit?.({
        ...logLost.of(
          { id: derivedId(message.stored_us, "log.lost", first, last), time: message.stored_us, source: "weir://log" },
          { stream: "WEIR_EVENTS", first_seq: first, last_seq: last },
        ),
      });
    }
    reader.shift();
    place.seq = message.seq;
    try {
      const frame = readFrame(message.data);
      batch.push({ seq: message.seq, frame });
      if (telemetryOn()) place.traces.push(message.headers?.get(HEADERS.trace));
      events += frame.count;
    } catch (error) {
      status.lost.push([message.seq, message.seq]);
      log.error({ seq: message.seq, err: error }, "a frame of the log cannot be read");
      emit?.({
        ...logLost.of(
          { id: derivedId(message.stored_us, "log.lost", message.seq), time: message.stored_us, source: "weir://log" },
          { stream: "WEIR_EVENTS", first_seq: message.seq, last_seq: message.seq },
        ),
      });
    }
    bytes += message.data.length;
  }
  return batch;
}
