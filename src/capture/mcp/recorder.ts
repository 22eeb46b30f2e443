import { readlinkSync } from "node:fs";
import { setPriority } from "node:os";
import { basename } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { LIMITS } from "../../base/limits.ts";
import type { Draft } from "../../define/event.ts";
import { createWeir } from "../../sdk/index.ts";
import type { CallOrigin } from "./called.ts";
import { createConnection, type Death, type Estate } from "./connection.ts";
import { createExchanges } from "./http/exchanges.ts";
import { samplerOf } from "./http/listener.ts";
import type { Reader } from "./reader.ts";

/** A part of what passed: its stream, when, and its length; a negative length -1 - n: bytes with the ends of n messages are missing. */
export type Passed<T = unknown> = readonly [tag: T, at: number, length: number];

/** What a recorder is started with. */
export interface RecorderOptions extends CallOrigin {
  readonly transport: "stdio" | "http";
  /** Where the server listens, over HTTP. */
  readonly to?: string;
  /** weir's folder, where it is not the one of the environment. */
  readonly dataDir?: string;
}

/** What the recorder is told. */
export type Told =
  | { readonly kind: "passed"; readonly parts: readonly Passed[]; readonly bytes: Uint8Array; readonly weight: number }
  | { readonly kind: "spawned"; readonly pid: number }
  | { readonly kind: "died"; readonly death: Death }
  | { readonly kind: "lost"; readonly at: number }
  | { readonly kind: "unanswered" }
  | { readonly kind: "end"; readonly at: number };

/** What the recorder says. */
export type Said =
  | { readonly kind: "done"; readonly bytes: number }
  | { readonly kind: "estate"; readonly estate: Estate }
  | { readonly kind: "answers"; readonly answers: Uint8Array }
  | { readonly kind: "unanswered"; readonly unanswered: number };

/**
 * The recorder of a proxy, on a thread of its own: nothing it does keeps a message from passing. It reads a copy of what passed and
 * publishes what it makes of it; where weir is away, the SDK keeps it on disk.
 */
yieldToOthers();
const port = parentPort!;
const origin = workerData as RecorderOptions;
const weir = createWeir({
  name: "proxy",
  via: "proxy",
  source: `mcp://${encodeURIComponent(origin.server).slice(0, 200)}`,
  whenFull: "drop",
  check: false,
  ...(origin.dataDir === undefined ? {} : { dataDir: origin.dataDir }),
});
const emit = (draft: Draft): void => void weir.emit(draft).catch(() => {});
const connection = origin.transport === "stdio" ? createConnection(origin, emit) : undefined;
const reader = (connection ?? createExchanges(origin, emit, samplerOf(origin.to!))) as Reader<unknown>;
const say = (said: Said): void => port.postMessage(said);

/** Resolves when what is told next finds room in the producer's buffer; where nothing leaves it for long, the rest is dropped and counted. */
async function room(): Promise<void> {
  const until = performance.now() + LIMITS.mcp_room_ms_max;
  while (weir.stats().buffered > LIMITS.buffer_events_max / 2 && performance.now() < until)
    await new Promise((resolve) => setTimeout(resolve, 1));
}

async function hear(told: Told): Promise<void> {
  switch (told.kind) {
    case "passed": {
      await room();
      let from = 0;
      for (const [tag, at, length] of told.parts) {
        if (length < 0) reader.missed(tag, -1 - length);
        else reader.take(tag, told.bytes.subarray(from, (from += length)), at);
      }
      return say({ kind: "done", bytes: told.weight });
    }
    case "spawned":
      return connection?.spawned(told.pid);
    case "died":
      return say({ kind: "estate", estate: connection!.died(told.death) });
    case "lost":
      return say({ kind: "answers", answers: connection!.lost(told.at) });
    case "unanswered":
      return say({ kind: "unanswered", unanswered: connection!.unanswered() });
    case "end":
      await reader.end(told.at);
      await weir.close();
      port.close();
  }
}

/** What was told is heard one after the other. */
let heard = Promise.resolve();
port.on("message", (told: Told) => {
  heard = heard.then(() => hear(told));
});

/** Lets the threads that pass messages, the server and the client go first. On Linux each thread has a priority of its own; elsewhere nothing changes. */
function yieldToOthers(): void {
  try {
    setPriority(Number(basename(readlinkSync("/proc/thread-self"))), LIMITS.mcp_recorder_nice);
  } catch {
    // no Linux, or not allowed
  }
}
