import { describe, expect, test } from "vitest";
import { LIMITS } from "../../src/base/limits.ts";
import type { Event } from "../../src/define/event.ts";
import { outputs } from "../../src/engine/outputs.ts";
import { plain } from "../../src/events/plain.ts";
import { Changes, encodeEvents, type Passed } from "../../src/wire/encode.ts";
import { readFrame } from "../../src/wire/frame.ts";

const BASE_US = 1_790_000_000_000_000;
const event = (k: number, data: Record<string, unknown>, type = "log.recorded"): Event =>
  ({
    id: `01a0c450-6c00-7000-8000-${String(k).padStart(12, "0")}`,
    source: "test://x",
    time: BASE_US + k,
    producer: "p",
    epoch: 1,
    n: k + 1,
    type,
    v: 1,
    data,
  }) as unknown as Event;
const passed = (events: readonly Event[]): Passed => {
  const frame = readFrame(encodeEvents(events));
  return { frame, changes: frame.groups.map((g) => new Changes(g)) };
};
const eventsOf = (data: Uint8Array): Event[] => readFrame(data, LIMITS.frame_unpacked_bytes_max).events().map(plain);
const range = (count: number): number[] => Array.from({ length: count }, (_, k) => k);

describe("output frames", () => {
  test("are cut where a row left out makes few texts many", () => {
    const texts = range(60).map((k) => `${k} ${"x".repeat(3_900)}`);
    const events = range(1_000).map((k) => event(k, { body: texts[k % 60]! }));
    const input = passed(events);
    expect(encodeEvents(events).length).toBeLessThan(LIMITS.frame_bytes_max / 2);
    input.changes[0]!.drop(500);
    // values that the encoder does not gather any more
    for (const k of range(1_000)) input.changes[0]!.setField("body", k, `${k} ${"x".repeat(3_900)}`);
    const { frames, tooLarge } = outputs([input], []);
    expect(tooLarge).toBe(0);
    expect(frames.length).toBeGreaterThan(3);
    for (const { data, count } of frames) {
      expect(data.length).toBeLessThanOrEqual(LIMITS.frame_bytes_max);
      expect(eventsOf(data)).toHaveLength(count);
    }
    expect(frames.flatMap(({ data }) => eventsOf(data).map(({ n }) => n))).toEqual(
      range(1_000).flatMap((k) => (k === 500 ? [] : [k + 1])),
    );
  });

  test("unpack to no more than a reader takes, however small they are", () => {
    const attributes = JSON.stringify("x".repeat(9_900));
    const inputs = range(10).map((f) =>
      passed(range(40).map((k) => event(f * 40 + k, { attributes: `${f}${attributes}` }))),
    );
    inputs[0]!.changes[0]!.setField("severity", 0, "warn");
    const { frames } = outputs(inputs, [event(400, { body: "added" })]);
    // each is read at the limit, or the reader would throw
    expect(frames.flatMap(({ data }) => eventsOf(data).map(({ n }) => n))).toEqual(range(401).map((k) => k + 1));
  });

  test("that a column added to a large frame makes too large are cut as well", () => {
    const input = passed(range(900).map((k) => event(k, { body: `${k} ${"x".repeat(1_000)}` })));
    for (const k of range(900)) input.changes[0]!.setField("attributes", k, `{"k":"${k} ${"y".repeat(400)}"}`);
    const { frames } = outputs([input], []);
    expect(frames.length).toBeGreaterThan(1);
    for (const { data } of frames) expect(data.length).toBeLessThanOrEqual(LIMITS.frame_bytes_max);
    expect(frames.reduce((sum, { count }) => sum + count, 0)).toBe(900);
  });

  test("an event that no frame can carry is rejected in parts, the others are passed on", () => {
    const large = event(1, Object.fromEntries(range(9).map((k) => [`f${k}`, `${k}`.repeat(240_000)])));
    const { frames, tooLarge } = outputs([], [event(0, { body: "before" }), large, event(2, { body: "after" })]);
    expect(tooLarge).toBe(1);
    const out = frames.flatMap(({ data }) => eventsOf(data));
    const parts = out.filter(({ type }) => type === "input.rejected");
    expect(parts.map(({ data, n }) => [data.reason, data.part, data.parts, data.events, n])).toEqual(
      range(5).map((part) => ["too_large", part, 5, part === 0 ? 1 : 0, part === 0 ? 2 : undefined]),
    );
    const json = Buffer.concat(parts.map(({ data }) => data.original as Uint8Array)).toString();
    expect(JSON.parse(json)).toEqual(large);
    expect(out.filter(({ type }) => type !== "input.rejected").map(({ n }) => n)).toEqual([1, 3]);
    for (const { data } of frames) expect(data.length).toBeLessThanOrEqual(LIMITS.frame_bytes_max);
  });

  test("rejections with long details are counted by what they take", () => {
    const rejected = range(900).map((k) =>
      event(
        k,
        { reason: "invalid", detail: `${k} ${"d".repeat(1_900)}`, original: Buffer.from(`${k}${"o".repeat(900)}`) },
        "input.rejected",
      ),
    );
    const { frames } = outputs([], rejected);
    for (const { data } of frames) expect(data.length).toBeLessThanOrEqual(LIMITS.frame_bytes_max);
    expect(frames.reduce((sum, { count }) => sum + count, 0)).toBe(900);
  });

  test("of one frame that nobody changed are its bytes", () => {
    const events = range(100).map((k) => event(k, { body: `${k}` }));
    const { frames } = outputs([passed(events)], []);
    expect(frames).toHaveLength(1);
    expect(Buffer.from(frames[0]!.data).equals(encodeEvents(events))).toBe(true);
  });
});
