import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { clock } from "../../src/base/clock.ts";
import { newId } from "../../src/base/id.ts";
import type { Event } from "../../src/define/event.ts";
import { ProcessorRun } from "../../src/engine/processor-run.ts";
import { waysOf } from "../../src/engine/resume.ts";
import { runProcessor } from "../../src/engine/run-processor.ts";
import { loadSnapshot } from "../../src/engine/snapshot.ts";
import { encodeEvents } from "../../src/wire/encode.ts";
import { lastFrame, publishFrame } from "../../src/wire/publish.ts";
import { inSubject, type StreamName, streamIdentity, validSubject } from "../../src/wire/streams.ts";
import { quiet } from "../support/nats.ts";
import { type Bench, eventsIn, processors, runProcessors, startBench } from "../support/pipeline.ts";
import { until } from "../support/until.ts";

const validate = processors.get("validate")!;
const send = async (bench: Bench, from: number, to: number): Promise<void> => {
  for (let n = from; n <= to; n++) {
    const time = clock.nowUs();
    const event = { id: newId(time), source: "test://x", time, session: "s", producer: "p", epoch: 1, n };
    const called = { ...event, type: "tool.called", v: 1, data: { tool: "Bash", call_id: `call_${n}` } } as Event;
    await publishFrame(bench.bus, inSubject(0), encodeEvents([called]), { count: 1 });
  }
};
const passed = (bench: Bench, input: number): Promise<unknown> =>
  until(
    `input ${input} passed`,
    async () => ((await lastFrame(bench.bus, "WEIR_VALID", validSubject(0)))?.input ?? 0) >= input,
  );
const seen = async (bench: Bench, stream: StreamName): Promise<readonly (string | number | undefined)[]> =>
  (await eventsIn(bench.bus, stream)).map((event) => (event.type === "tool.called" ? event.n : event.type));
const status = () => ({
  name: "validate",
  partition: 0,
  input: 0,
  events: 0,
  behind: 0,
  state: "starting" as const,
});

test("a state that has not seen all that was passed on is not saved, and what it still has to see is not trimmed", async () => {
  await using bench = await startBench();
  {
    await using _run = runProcessors(bench, ["validate"]);
    await send(bench, 1, 3);
    await passed(bench, 3);
  }
  // one that ends without saving, as if it were killed: its folder is a file
  mkdirSync(bench.snapshots, { recursive: true });
  const nowhere = join(bench.snapshots, "a file");
  writeFileSync(nowhere, "");
  {
    await using _run = runProcessors(bench, ["validate"], { snapshots: nowhere });
    await send(bench, 4, 10);
    await passed(bench, 10);
  }

  const ways = waysOf("validate", validate, 0);
  const { created } = await streamIdentity(bench.bus.jsm, "WEIR_IN");
  const of = `test ${created}`;
  const before = loadSnapshot(bench.snapshots, "validate", 0, of)!;
  expect(before.input).toBe(3);
  const { signal } = new AbortController();
  const run = new ProcessorRun(
    {
      name: "validate",
      processor: validate,
      partition: 0,
      bus: bench.bus,
      snapshots: bench.snapshots,
      version: "test",
      log: quiet,
      signal,
      status: status(),
    },
    ways,
    { of, created },
    await lastFrame(bench.bus, "WEIR_VALID", validSubject(0)),
  );
  run.takeState(before.state, before.input);
  run.save(); // it is told to stop before it has read anything
  expect(loadSnapshot(bench.snapshots, "validate", 0, of)).toEqual(before);

  await using _run = runProcessors(bench, ["validate"]);
  await send(bench, 11, 11);
  await passed(bench, 11);
  expect(await seen(bench, "WEIR_VALID")).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]); // no gap
});

test("a state is made again whole while the later stage goes on and trims what is read", async () => {
  await using bench = await startBench();
  const stop = new AbortController();
  {
    await using _run = runProcessors(bench, ["validate"]);
    await send(bench, 1, 5);
    await passed(bench, 5);
    await send(bench, 6, 10);
    await passed(bench, 10);
  }
  const valid = async (): Promise<{ messages: number; last_seq: number }> =>
    (await bench.bus.jsm.streams.info("WEIR_VALID")).state;
  const end = (await valid()).last_seq;

  // right after it asked how far enrichment is, that goes on to the end and is stopped
  let asked = 0;
  const streams = new Proxy(bench.bus.jsm.streams, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (typeof value !== "function") return value;
      return async (...args: unknown[]) => {
        const answer: unknown = await value.apply(target, args);
        if (name === "getMessage" && args[0] === "WEIR_EVENTS" && asked++ === 0) {
          {
            await using run = runProcessors(bench, ["enrich"]);
            await until("all was enriched", () => run.status("enrich").input >= end);
          }
          await until("its input was trimmed", async () => (await valid()).messages === 1);
        }
        return answer;
      };
    },
  });
  const jsm = new Proxy(bench.bus.jsm, {
    get: (target, name) => (name === "streams" ? streams : Reflect.get(target, name)),
  });
  const done = runProcessor({
    name: "validate",
    processor: validate,
    partition: 0,
    bus: { ...bench.bus, jsm },
    snapshots: join(bench.snapshots, "none yet"),
    version: "test",
    log: quiet,
    signal: stop.signal,
    status: status(),
  });
  await send(bench, 2, 2); // again
  await send(bench, 11, 11);
  await passed(bench, 12);
  stop.abort();
  await done;
  expect(asked).toBeGreaterThan(0);
  {
    await using _run = runProcessors(bench, ["enrich"]);
    await until("the new one was enriched", async () => (await seen(bench, "WEIR_EVENTS")).includes(11));
  }
  expect(await seen(bench, "WEIR_EVENTS")).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]); // 2 once, and no gap
});
