import { parentPort, workerData } from "node:worker_threads";
import { createWeir } from "../../sdk/index.ts";
import type { CallOrigin } from "./called.ts";
import { createConnection, type Death, type Estate } from "./connection.ts";
import type { Side } from "./pairing.ts";

/** A part of what passed: who sent it, when, and its length; a negative length -1 - n: bytes with the ends of n messages are missing. */
export type Passed = readonly [side: Side, at: number, length: number];

/** What the recorder is told. */
export type Told =
  | { readonly kind: "passed"; readonly parts: readonly Passed[]; readonly bytes: Uint8Array }
  | { readonly kind: "spawned"; readonly pid: number }
  | { readonly kind: "died"; readonly death: Death }
  | { readonly kind: "lost"; readonly at: number }
  | { readonly kind: "end"; readonly at: number };

/** What the recorder says. */
export type Said =
  | { readonly kind: "done"; readonly bytes: number }
  | { readonly kind: "estate"; readonly estate: Estate }
  | { readonly kind: "answers"; readonly answers: Uint8Array };

/**
 * The recorder of a proxy, on a thread of its own: nothing it does keeps a message from passing. It reads a copy of what passed and
 * publishes what it makes of it; where weir is away, the SDK keeps it on disk.
 */
const port = parentPort!;
const origin = workerData as CallOrigin;
const weir = createWeir({
  name: "proxy",
  via: "proxy",
  source: `mcp://${encodeURIComponent(origin.server).slice(0, 200)}`,
  whenFull: "drop",
  check: false,
});
const connection = createConnection(origin, (draft) => void weir.emit(draft).catch(() => {}));
const say = (said: Said): void => port.postMessage(said);

port.on("message", async (told: Told) => {
  switch (told.kind) {
    case "passed": {
      let from = 0;
      for (const [side, at, length] of told.parts) {
        if (length < 0) connection.missed(side, -1 - length);
        else connection.take(side, told.bytes.subarray(from, (from += length)), at);
      }
      return say({ kind: "done", bytes: told.bytes.length });
    }
    case "spawned":
      return connection.spawned(told.pid);
    case "died":
      return say({ kind: "estate", estate: connection.died(told.death) });
    case "lost":
      return say({ kind: "answers", answers: connection.lost(told.at) });
    case "end":
      connection.end(told.at);
      await weir.close();
      port.close();
  }
});
