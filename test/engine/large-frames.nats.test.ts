import { expect, test } from "vitest";
import { clock } from "../../src/base/clock.ts";
import { newId } from "../../src/base/id.ts";
import { LIMITS } from "../../src/base/limits.ts";
import type { Event } from "../../src/define/event.ts";
import { encodeEvents } from "../../src/wire/encode.ts";
import { readFrame } from "../../src/wire/frame.ts";
import { pack } from "../../src/wire/msgpack.ts";
import { lastFrame, publishFrame } from "../../src/wire/publish.ts";
import { eventsSubject, inSubject, validSubject } from "../../src/wire/subjects.ts";
import { eventsIn, runProcessors, startBench } from "../support/pipeline.ts";
import { until } from "../support/until.ts";

const event = (n: number, data: Record<string, unknown>, type = "log.recorded"): Event => {
  const time = clock.nowUs();
  return {
    id: newId(time),
    source: "test://x",
    time,
    producer: "p",
    epoch: 1,
    n,
    type,
    v: 1,
    data,
  } as unknown as Event;
};
const range = (count: number): number[] => Array.from({ length: count }, (_, k) => k);
/** A frame whose texts are few: 100 of 9 kB for a thousand rows, one of which repeats a number. */
const expanding = (type: string): Uint8Array => {
  const rows = 1_000;
  const picks = Buffer.from(range(rows).map((k) => k % 100));
  const ids = range(rows).map(() => newId(clock.nowUs()));
  return pack({
    w: 1,
    n: rows,
    g: [
      {
        t: type,
        v: 1,
        n: rows,
        e: {
          id: ids,
          source: { "=": "test://foreign" },
          time: { "=": clock.nowUs() },
          producer: { "=": "foreign" },
          epoch: { "=": 1 },
          n: range(rows).map((k) => Math.max(1, k)),
        },
        d: { body: { d: range(100).map((k) => `${k} ${"x".repeat(9_000)}`), i: picks } },
      },
    ],
  });
};

test("frames and events that are too large for what they become stop nobody", async () => {
  await using bench = await startBench();
  const { bus } = bench;
  const send = (data: Uint8Array, count: number) => publishFrame(bus, inSubject(0), data, { count });
  const sendEvents = (events: readonly Event[]) => send(encodeEvents(events), events.length);
  await using running = runProcessors(bench, ["validate", "enrich"]);
  await send(expanding("log.recorded"), 1_000);
  await send(expanding("no.such_type"), 1_000);
  const span = (n: number, texts: readonly string[]): Event => {
    const [attributes, events, links] = texts.map((text) => JSON.stringify(text));
    const ids = { name: "s", trace_id: "a".repeat(32), span_id: "b".repeat(16), duration_ms: 1 };
    return event(n, { ...ids, attributes, events, links }, "span.ended");
  };
  // as large as the broker takes, in several events
  await sendEvents(
    range(8).map((k) =>
      span(
        k + 1,
        ["a", "b", "c"].map((letter) => `${k}${letter.repeat(80_000)}`),
      ),
    ),
  );
  // and in one: with what is added on the way no message would have room for it
  await sendEvents([span(9, ["☃".repeat(262_000), "☃".repeat(262_000), "é".repeat(240_000)])]);
  const last = await sendEvents([event(10, { body: "after" })]);
  await until("all passed both stages", async () => {
    const valid = await lastFrame(bus, "WEIR_VALID", validSubject(0));
    if ((valid?.input ?? 0) < last.seq) return false;
    return ((await lastFrame(bus, "WEIR_EVENTS", eventsSubject("enrich", 0)))?.input ?? 0) >= valid!.seq;
  });
  expect(running.status("validate").trouble).toBeUndefined();
  const events = await eventsIn(bus, "WEIR_EVENTS");
  expect(events.filter((e) => e.type === "log.recorded" || e.type === "span.ended").map((e) => e.n)).toEqual([
    1, 2, 3, 4, 5, 6, 7, 8, 10,
  ]);
  const rejected = events.filter((e) => e.type === "input.rejected" && e.data.events !== 0);
  expect(rejected.map(({ data }) => [data.reason, data.events])).toEqual([
    ["undecodable", 1_000],
    ["undecodable", 1_000],
    ["too_large", 1],
  ]);
  const totals = (await lastFrame(bus, "WEIR_VALID", validSubject(0)))!.totals;
  expect(totals).toEqual({ taken: 10, passed: 9, rejected: 1, repeated: 0 });
  const { messages } = (await bus.jsm.streams.info("WEIR_EVENTS")).state;
  for (const seq of range(messages))
    expect(
      readFrame((await bus.jsm.streams.getMessage("WEIR_EVENTS", { seq: seq + 1 }))!.data).unpacked,
    ).toBeLessThanOrEqual(LIMITS.frame_unpacked_bytes_max);
});
