import { join } from "node:path";
import type { Config } from "../../src/base/config.ts";
import type { Draft, Event } from "../../src/define/event.ts";
import type { Archive } from "../../src/engine/archive/archive.ts";
import { openTables, type Projecting, startProcessors, startProjections } from "../../src/engine/engine.ts";
import { loadProcessors, loadProjections } from "../../src/engine/load.ts";
import type { Pace } from "../../src/engine/pace.ts";
import type { ProcessorStatus } from "../../src/engine/processor-run.ts";
import { plain } from "../../src/events/plain.ts";
import type { Connection } from "../../src/wire/connect.ts";
import { readFrame } from "../../src/wire/frame.ts";
import { openReader } from "../../src/wire/read.ts";
import { ensureStreams, type StreamName } from "../../src/wire/streams.ts";
import { quiet, startTestBroker, type TestBroker } from "./nats.ts";

export const processors = await loadProcessors(".");
export const projections = await loadProjections(".");

/** Where the parts of an engine run. */
export interface Place {
  readonly bus: Connection;
  readonly snapshots: string;
  readonly store: string;
  readonly archive?: Archive;
}

/** A broker with weir's streams, and a connection of the engine. */
export interface Bench extends Place {
  readonly nats: TestBroker;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startBench(overrides: Partial<Config> = {}): Promise<Bench> {
  const nats = await startTestBroker(overrides);
  const bus = await nats.connect("engine");
  await ensureStreams(bus.jsm, nats.config);
  return {
    nats,
    bus,
    snapshots: join(nats.config.dataDir, "snapshots"),
    store: join(nats.config.dataDir, "weir.duckdb"),
    async [Symbol.asyncDispose]() {
      await bus.close();
      await nats[Symbol.asyncDispose]();
    },
  };
}

/** Runs the processors named until it is disposed of. */
export function runProcessors(
  bench: Place,
  names: readonly string[],
  { bus = bench.bus, snapshots = bench.snapshots } = {},
) {
  const stop = new AbortController();
  const wanted = new Map(names.map((name) => [name, processors.get(name)!]));
  const { status, done } = startProcessors({
    processors: wanted,
    partitions: 1,
    bus,
    archive: bench.archive,
    snapshots,
    version: "test",
    log: quiet,
    signal: stop.signal,
  });
  return {
    status: (name: string): ProcessorStatus => status.find((s) => s.name === name)!,
    done,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await done;
    },
  };
}

/** Carries the tables on until it is disposed of. */
export async function runTables(
  bench: Place,
  emit?: (draft: Draft) => void,
  pace?: Pace,
): Promise<Projecting & AsyncDisposable> {
  const stop = new AbortController();
  const open = () => openTables(bench.store, projections, { memoryMb: 256, threads: 1 });
  const running = startProjections({
    tables: await open(),
    open,
    bus: bench.bus,
    archive: bench.archive,
    log: quiet,
    signal: stop.signal,
    emit,
    pace,
  });
  return Object.assign(running, {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running.done;
    },
  });
}

/** Every event of a stream, in order. */
export async function eventsIn(bus: Connection, stream: StreamName, subject?: string): Promise<Event[]> {
  const { last_seq, messages } = (await bus.jsm.streams.info(stream)).state;
  const events: Event[] = [];
  const last = subject ? (await bus.jsm.streams.getMessage(stream, { last_by_subj: subject }))?.seq : last_seq;
  if (messages === 0 || !last) return events;
  const reader = openReader(bus, stream, { after: 0, subjects: subject ? [subject] : undefined });
  try {
    while (await reader.ready()) {
      const message = reader.shift()!;
      events.push(...readFrame(message.data).events().map(plain));
      if (message.seq >= last) break;
    }
  } finally {
    await reader.close();
  }
  return events;
}
