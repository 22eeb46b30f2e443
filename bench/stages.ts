import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Event } from "../src/define/event.ts";
import { openTables } from "../src/engine/engine.ts";
import { loadDefinitions } from "../src/engine/load.ts";
import { stepFrame } from "../src/engine/step.ts";
import { currentGuard } from "../src/events/guard.ts";
import { eventOf, frameOf, sizeOf } from "../src/sdk/frames.ts";
import { encodePassed } from "../src/wire/encode.ts";
import { readFrame } from "../src/wire/frame.ts";
import { toolCall } from "./events.ts";
import { remove, table } from "./instance.ts";

const FRAME = 1_000;
const BATCH = 8;
/** Parts of the run that only warm up. */
const WARM = 40;

/**
 * Processor time of each stage by itself, in one process without a broker: where an event's time goes, and a quick answer to whether a change
 * helped. `--frames` (300) of 1,000 tool-call events.
 */
export default async function stages(options: ReadonlyMap<string, string>): Promise<Record<string, unknown>> {
  const count = Number(options.get("frames") ?? 300);
  const { projections, processors } = await loadDefinitions(new URL("..", import.meta.url).pathname);
  const spent = new Map<string, number>();
  const timed = <T>(stage: string, work: () => T): T => {
    const started = performance.now();
    const made = work();
    spent.set(stage, (spent.get(stage) ?? 0) + performance.now() - started);
    return made;
  };
  const states = new Map([...processors].map(([name, processor]) => [name, processor.start()]));
  const step = (name: string, bytes: Uint8Array, now: number) => {
    const frame = timed("read frame (four times)", () => readFrame(bytes));
    return timed(name, () => stepFrame(name, processors.get(name)!, states.get(name), frame, now));
  };
  const frames: Uint8Array[] = [];
  for (let f = 0; f < count; f++) {
    if (f === WARM) spent.clear();
    const now = 1_795_000_000_000_000 + f * 1_000_000;
    const events = timed("make events", () => Array.from({ length: FRAME }, (_, i) => eventAt(f * FRAME + i, now + i)));
    let bytes = timed("encode and look for secrets", () => frameOf(events, currentGuard()));
    for (const name of ["validate", "enrich"]) {
      const { passed } = step(name, bytes, now);
      bytes = timed("encode again (twice)", () => encodePassed([passed!], [])!);
    }
    for (const name of ["detect", "alert"]) step(name, bytes, now);
    frames.push(bytes);
  }
  const measured = (count - WARM) * FRAME;
  const rows = [...spent].map(([stage, ms]) => ({ stage, "µs/event": (ms * 1_000) / measured }));
  const dir = mkdtempSync(join(tmpdir(), "weir-stages-"));
  const tables = await openTables(join(dir, "weir.duckdb"), projections, { memoryMb: 128, threads: 1 });
  const cpu = (): number => process.cpuUsage().user + process.cpuUsage().system;
  let [wallStart, cpuStart] = [performance.now(), cpu()];
  for (let f = 0; f < count; f += BATCH) {
    if (f === WARM) [wallStart, cpuStart] = [performance.now(), cpu()];
    const batch = frames.slice(f, f + BATCH).map((bytes, k) => ({ seq: f + k + 1, frame: readFrame(bytes) }));
    await tables.submit(batch, { stream: "WEIR_EVENTS", created: "bench" });
    await tables.checkpoint();
  }
  await tables.quiet(async () => {});
  rows.push({ stage: "tables, time", "µs/event": ((performance.now() - wallStart) * 1_000) / measured });
  rows.push({ stage: "tables, processors of all threads", "µs/event": (cpu() - cpuStart) / measured });
  await tables.close();
  remove(dir);
  table(rows);
  const bytes = frames.reduce((sum, frame) => sum + frame.length, 0) / (count * FRAME);
  return { frames: count, frame_bytes_per_event: bytes, rows };
}

function eventAt(i: number, time: number): Event {
  const event = eventOf({ ...toolCall(i, "a1e2"), time }, { source: "claude-code://host", via: "sdk" }, false);
  sizeOf(event);
  event.producer = "bench-1";
  event.epoch = 1_795_000_000_000;
  event.n = i + 1;
  return event;
}
