import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { clock } from "../../src/base/clock.ts";
import { newId } from "../../src/base/id.ts";
import type { Event } from "../../src/define/event.ts";
import { runProcessor } from "../../src/engine/run-processor.ts";
import { encodeEvents } from "../../src/wire/encode.ts";
import { lastFrame, publishFrame } from "../../src/wire/publish.ts";
import { ensureStreams, eventsSubject, inSubject, purgeUpTo, validSubject } from "../../src/wire/streams.ts";
import { quiet } from "../support/nats.ts";
import { type Bench, eventsIn, processors, runProcessors, startBench } from "../support/pipeline.ts";
import { until } from "../support/until.ts";

const event = (n: number, over: Record<string, unknown> = {}): Event => {
  const time = clock.nowUs();
  return {
    id: newId(time),
    source: "test://x",
    time,
    session: "s",
    producer: "p",
    epoch: 1,
    n,
    type: "tool.called",
    v: 1,
    data: { tool: "Bash", call_id: `call_${n}` },
    ...over,
  } as unknown as Event;
};
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, k) => from + k);
const send = (bench: Bench, events: readonly Event[]) =>
  publishFrame(bench.bus, inSubject(0), encodeEvents(events), { count: events.length });
/** Each event in a frame of its own. */
const sendEach = async (bench: Bench, numbers: readonly number[]): Promise<void> => {
  for (const n of numbers) await send(bench, [event(n)]);
};
const numbersIn = async (
  bench: Bench,
  stream: "WEIR_VALID" | "WEIR_EVENTS",
  subject?: string,
): Promise<(number | undefined)[]> =>
  (await eventsIn(bench.bus, stream, subject)).filter((e) => e.type === "tool.called").map((e) => e.n);
const enriched = eventsSubject("enrich", 0);
/** Waits until what was sent to a stage has come out of it. */
const through = (
  bench: Bench,
  stream: "WEIR_VALID" | "WEIR_EVENTS",
  subject: string,
  input: number,
): Promise<unknown> =>
  until(
    `input ${input} passed ${subject}`,
    async () => ((await lastFrame(bench.bus, stream, subject))?.input ?? 0) >= input,
  );

describe("a processor on the log", () => {
  test("two runners of one partition write each output once", async () => {
    await using bench = await startBench();
    await using other = await bench.nats.connect("engine");
    // without leases: it is the log that lets one of two write
    const stop = new AbortController();
    const runs = ["validate", "enrich"].flatMap((name) =>
      [bench.bus, other].map((bus, k) =>
        runProcessor({
          name,
          processor: processors.get(name)!,
          partition: 0,
          bus,
          snapshots: `${bench.snapshots}-${k}`,
          version: "test",
          log: quiet,
          signal: stop.signal,
          status: { name, partition: 0, input: 0, events: 0, behind: 0, state: "starting" },
        }),
      ),
    );
    await sendEach(bench, range(1, 300));
    await through(bench, "WEIR_VALID", validSubject(0), 300);
    await until("all was enriched", async () => (await numbersIn(bench, "WEIR_EVENTS")).length >= 300);
    expect(await numbersIn(bench, "WEIR_EVENTS")).toEqual(range(1, 300));
    stop.abort();
    await Promise.all(runs);
  });

  test("stopped and started again, with and without its snapshot, it goes on where its last output says", async () => {
    await using bench = await startBench();
    for (const [from, to] of [
      [1, 50],
      [51, 120],
      [121, 121],
      [122, 200],
    ] as const) {
      await using _run = runProcessors(bench, ["validate", "enrich"]);
      await sendEach(bench, range(from, to));
      await through(bench, "WEIR_VALID", validSubject(0), to);
      await until("all was enriched", async () => (await numbersIn(bench, "WEIR_EVENTS", enriched)).length >= to);
      if (from === 51) rmSync(bench.snapshots, { recursive: true, force: true });
    }
    expect(await numbersIn(bench, "WEIR_EVENTS", enriched)).toEqual(range(1, 200));
    expect((await lastFrame(bench.bus, "WEIR_VALID", validSubject(0)))?.totals).toEqual({
      taken: 200,
      passed: 200,
      rejected: 0,
      repeated: 0,
    });
  });

  test("its state is made again from the log when snapshots are gone and its input was trimmed", async () => {
    await using bench = await startBench();
    {
      await using _run = runProcessors(bench, ["validate", "enrich"]);
      await send(
        bench,
        [
          event(1, {
            type: "tool.started",
            time: 1_800_000_000_000_000,
            data: { tool: "Bash", call_id: "long" },
            project: "/p",
          }),
        ].map((e) => ({ ...e, time: clock.nowUs() - 5_000_000 })),
      );
      await sendEach(bench, [2, 3, 6]);
      await through(bench, "WEIR_VALID", validSubject(0), 4);
      await until("all was enriched", async () => (await numbersIn(bench, "WEIR_EVENTS", enriched)).includes(6));
    }
    rmSync(bench.snapshots, { recursive: true, force: true });
    await purgeUpTo(bench.bus.jsm, "WEIR_IN", inSubject(0), 4);
    await purgeUpTo(bench.bus.jsm, "WEIR_VALID", validSubject(0), 10);
    {
      await using _run = runProcessors(bench, ["validate", "enrich"]);
      await sendEach(bench, [3, 6, 4, 7]); // repeated, repeated, late, new
      await send(bench, [event(8, { data: { tool: "Bash", call_id: "long" } })]);
      await until("the last one was enriched", async () =>
        (await numbersIn(bench, "WEIR_EVENTS", enriched)).includes(8),
      );
    }
    const events = await eventsIn(bench.bus, "WEIR_EVENTS", enriched);
    expect(events.filter((e) => e.type === "tool.called").map((e) => e.n)).toEqual([2, 3, 6, 4, 7, 8]);
    expect(events.filter((e) => e.type.startsWith("gap.")).map((e) => [e.type, e.data.first_n, e.data.last_n])).toEqual(
      [
        ["gap.found", 4, 5],
        ["gap.closed", 4, 4],
      ],
    );
    // what enrichment knew of the session and the call is there again
    const last = events.find((e) => e.n === 8)!;
    expect(last.project).toBe("/p");
    expect(last.data.duration_ms).toBeGreaterThanOrEqual(5_000);
  });

  test("bytes that are no frame become rejected input with these bytes, and stop nothing", async () => {
    await using bench = await startBench();
    const broken = Buffer.concat([Buffer.from([0xc1]), Buffer.alloc(700_000, "ab")]);
    await using _run = runProcessors(bench, ["validate", "enrich"]);
    await sendEach(bench, [1]);
    await publishFrame(bench.bus, inSubject(0), broken, { count: 3 });
    await bench.bus.js.publish(inSubject(0), "");
    await sendEach(bench, [2]);
    await until("what followed passed", async () => (await numbersIn(bench, "WEIR_EVENTS", enriched)).includes(2));
    const rejected = (await eventsIn(bench.bus, "WEIR_EVENTS", enriched)).filter((e) => e.type === "input.rejected");
    expect(rejected.map((e) => [e.data.reason, e.data.part, e.data.parts, e.data.events])).toEqual([
      ["undecodable", 0, 2, 3],
      ["undecodable", 1, 2, 0],
      ["undecodable", 0, 1, 0],
    ]);
    expect(Buffer.concat(rejected.map((e) => e.data.original as Uint8Array)).equals(broken)).toBe(true);
    expect(await numbersIn(bench, "WEIR_EVENTS", enriched)).toEqual([1, 2]);
  });

  test("wrong events are rejected with their reason; their neighbours pass; repeats are dropped; gaps are told", async () => {
    await using bench = await startBench();
    await using _run = runProcessors(bench, ["validate", "enrich"]);
    const good = event(1);
    await send(bench, [
      good,
      event(2, { type: "no.such_type" }),
      event(3, { data: { tool: 5 } }),
      event(4, { v: 99 }),
      event(5, { time: clock.nowUs() + 86_400_000_000 }),
      event(6),
    ]);
    await send(bench, [good, event(9), event(8), event(10)]);
    await until("the last one passed", async () => (await numbersIn(bench, "WEIR_EVENTS", enriched)).includes(10));
    const events = await eventsIn(bench.bus, "WEIR_EVENTS", enriched);
    expect(await numbersIn(bench, "WEIR_EVENTS", enriched)).toEqual([1, 6, 9, 8, 10]);
    expect(events.filter((e) => e.type === "input.rejected").map((e) => [e.n, e.data.reason])).toEqual([
      [2, "unknown_type"],
      [3, "invalid"],
      [4, "unknown_version"],
      [5, "clock"],
    ]);
    expect(events.filter((e) => e.type.startsWith("gap.")).map((e) => [e.type, e.data.first_n, e.data.last_n])).toEqual(
      [
        ["gap.found", 7, 8],
        ["gap.closed", 8, 8],
      ],
    );
    expect((await lastFrame(bench.bus, "WEIR_VALID", validSubject(0)))?.totals).toEqual({
      taken: 10,
      passed: 5,
      rejected: 4,
      repeated: 1,
    });
  });

  test("an input that was replaced is worked on from its beginning: nothing new is passed by, nothing old comes twice", async () => {
    await using bench = await startBench();
    const replace = async (name: "WEIR_IN" | "WEIR_VALID"): Promise<void> => {
      await bench.bus.jsm.streams.delete(name);
      await ensureStreams(bench.bus.jsm, bench.nats.config);
    };
    const written = async (): Promise<number> =>
      (await lastFrame(bench.bus, "WEIR_VALID", validSubject(0)))?.written ?? 0;
    const taken = async (): Promise<number> => (await lastFrame(bench.bus, "WEIR_EVENTS", enriched))?.totals.taken ?? 0;
    {
      await using _run = runProcessors(bench, ["validate", "enrich"]);
      await sendEach(bench, range(1, 20));
      await until("all was enriched", async () => (await numbersIn(bench, "WEIR_EVENTS")).length >= 20);
    }
    // as many messages as before, so that the numbers alone tell nothing
    await replace("WEIR_IN");
    await sendEach(bench, range(21, 45));
    {
      await using run = runProcessors(bench, ["validate", "enrich"]);
      await until("all was enriched", async () => (await numbersIn(bench, "WEIR_EVENTS")).length >= 45);
      expect(run.status("validate").notice).toMatch(/^WEIR_IN was made at .* it was replaced; /);
      expect(run.status("enrich").notice).toBeUndefined();
      // and while it runs
      await replace("WEIR_IN");
      await sendEach(bench, range(46, 60));
      await until("all was enriched", async () => (await numbersIn(bench, "WEIR_EVENTS")).length >= 60);
    }
    expect(await numbersIn(bench, "WEIR_EVENTS")).toEqual(range(1, 60));
    expect(await taken()).toBe(await written());

    await replace("WEIR_VALID");
    await using run = runProcessors(bench, ["validate", "enrich"]);
    await sendEach(bench, range(61, 70));
    await until("the new ones were enriched", async () => (await numbersIn(bench, "WEIR_EVENTS")).includes(70));
    expect(run.status("enrich").notice).toMatch(/^WEIR_VALID was made at .* it was replaced; /);
    expect([...new Set(await numbersIn(bench, "WEIR_EVENTS"))]).toEqual(range(1, 70));
    expect(await taken()).toBe(await written());
  });

  test("a state that has not seen what another instance worked through is made again", async () => {
    await using bench = await startBench();
    const elsewhere = { snapshots: join(bench.snapshots, "elsewhere") };
    for (const [from, place] of [
      [1, {}],
      [101, elsewhere], // on another machine, with another state; it trims what it has seen
      [201, {}],
    ] as const) {
      await using _run = runProcessors(bench, ["validate", "enrich"], place);
      await sendEach(bench, range(from, from + 99));
      await until(`${from + 99} was enriched`, async () =>
        (await numbersIn(bench, "WEIR_EVENTS", enriched)).includes(from + 99),
      );
    }
    const events = await eventsIn(bench.bus, "WEIR_EVENTS", enriched);
    expect(events.filter((e) => e.type.startsWith("gap."))).toEqual([]);
    expect(await numbersIn(bench, "WEIR_EVENTS", enriched)).toEqual(range(1, 300));
  });

  test("a processor that stops saves its state, and its input is trimmed", async () => {
    await using bench = await startBench();
    {
      await using _run = runProcessors(bench, ["validate", "enrich"]);
      await sendEach(bench, range(1, 30));
      await until("all was enriched", async () => (await numbersIn(bench, "WEIR_EVENTS", enriched)).length >= 30);
    }
    // of what producers sent nothing stays, of what was validated the newest frame
    const held = async (stream: string): Promise<number> => (await bench.bus.jsm.streams.info(stream)).state.messages;
    await until("the input was trimmed", async () => (await held("WEIR_IN")) === 0 && (await held("WEIR_VALID")) === 1);
    expect(existsSync(join(bench.snapshots, "validate.0.snapshot"))).toBe(true);
  });
});
