import { errors } from "@nats-io/transport-node";
import { expect, test } from "vitest";
import { clock } from "../../src/base/clock.ts";
import { newId } from "../../src/base/id.ts";
import type { Event } from "../../src/define/event.ts";
import type { Processor } from "../../src/define/processor.ts";
import type { ProcessorStatus } from "../../src/engine/processor-run.ts";
import { fits, waysOf } from "../../src/engine/resume.ts";
import { runProcessor } from "../../src/engine/run-processor.ts";
import type { Connection } from "../../src/wire/connect.ts";
import { encodeEvents } from "../../src/wire/encode.ts";
import { publishFrame } from "../../src/wire/publish.ts";
import { inSubject, purgeUpTo } from "../../src/wire/streams.ts";
import { quiet } from "../support/nats.ts";
import { type Bench, eventsIn, processors, startBench } from "../support/pipeline.ts";
import { until } from "../support/until.ts";

const validate = processors.get("validate")!;
const call = (tool: string): Event => {
  const time = clock.nowUs();
  return {
    id: newId(time),
    source: "test://x",
    time,
    session: "s",
    type: "tool.called",
    v: 1,
    data: { tool, call_id: tool },
  } as unknown as Event;
};
const send = (bench: Bench, tools: readonly string[]) =>
  publishFrame(bench.bus, inSubject(0), encodeEvents(tools.map(call)), { count: tools.length });

/** Runs validate until it is disposed of. */
function running(bench: Bench, { processor = validate, bus = bench.bus as Connection } = {}) {
  const stop = new AbortController();
  const status: ProcessorStatus = {
    name: "validate",
    partition: 0,
    input: 0,
    events: 0,
    behind: 0,
    state: "starting",
  };
  const { snapshots } = bench;
  const common = { name: "validate", partition: 0, snapshots, version: "test", log: quiet, signal: stop.signal };
  const done = runProcessor({ ...common, processor, bus, status });
  return {
    status,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await done;
    },
  };
}
const toolsIn = async (bench: Bench): Promise<unknown[]> =>
  (await eventsIn(bench.bus, "WEIR_VALID")).filter((e) => e.type === "tool.called").map((e) => e.data.tool);

test("a frame that a processor cannot work on becomes rejected input, is told, and stops nothing", async () => {
  await using bench = await startBench();
  const processor: Processor = {
    ...validate,
    step(state, event, arrival) {
      if ((event.data as { tool?: string }).tool === "poison") throw new TypeError("no such thing");
      return validate.step(state, event, arrival);
    },
  };
  await using run = running(bench, { processor });
  await send(bench, ["a"]);
  await send(bench, ["b", "poison"]);
  await send(bench, ["c"]);
  await until("what followed passed", async () => (await toolsIn(bench)).includes("c"));
  expect(await toolsIn(bench)).toEqual(["a", "c"]);
  const rejected = (await eventsIn(bench.bus, "WEIR_VALID")).filter((e) => e.type === "input.rejected");
  expect(rejected.map((e) => [e.data.reason, e.data.events])).toEqual([["undecodable", 2]]);
  expect(rejected[0]!.data.detail).toContain("no such thing");
  expect(run.status.notice).toContain("message 2 of WEIR_IN");
});

test("an output that was not acknowledged is sent again, though nothing else comes", async () => {
  await using bench = await startBench();
  let failures = 0;
  const js = new Proxy(bench.bus.js, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        if (name === "publish" && failures-- > 0) return Promise.reject(new errors.TimeoutError());
        return value.apply(target, args);
      };
    },
  });
  await using _run = running(bench, { bus: { ...bench.bus, js } });
  await send(bench, ["a"]);
  await until("the first one passed", async () => (await toolsIn(bench)).length === 1);
  failures = 1;
  await send(bench, ["b"]);
  await until("the second one passed", async () => (await toolsIn(bench)).length === 2);
});

test("a state is carried on after an end in the middle, as long as the input since is there", async () => {
  await using bench = await startBench();
  const ways = waysOf("validate", validate, 0);
  for (let n = 1; n <= 10; n++) await send(bench, [`${n}`]);
  const carriedOn = (saved: { input: number; output: number }, done: { input: number; output: number }) =>
    fits(saved, done, 10, { processor: validate, bus: bench.bus }, ways);
  await purgeUpTo(bench.bus.jsm, "WEIR_IN", inSubject(0), 5, "goes");
  expect(await carriedOn({ input: 5, output: 5 }, { input: 9, output: 9 })).toBe(true);
  expect(await carriedOn({ input: 9, output: 8 }, { input: 8, output: 8 })).toBe(true); // the last one gave no output
  expect(await carriedOn({ input: 9, output: 7 }, { input: 8, output: 8 })).toBe(false);
  expect(await carriedOn({ input: 11, output: 5 }, { input: 9, output: 9 })).toBe(false);
  await purgeUpTo(bench.bus.jsm, "WEIR_IN", inSubject(0), 6, "goes");
  expect(await carriedOn({ input: 5, output: 5 }, { input: 9, output: 9 })).toBe(false);
});
