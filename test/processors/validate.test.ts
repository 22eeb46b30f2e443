import fc from "fast-check";
import { describe, expect, test } from "vitest";
import validate from "../../processors/validate.ts";
import { LIMITS } from "../../src/base/limits.ts";
import { ENVELOPE_FIELDS, type Event } from "../../src/define/event.ts";
import { stepFrame } from "../../src/engine/step.ts";
import { checkEvent } from "../../src/events/check.ts";
import { plain } from "../../src/events/plain.ts";
import { encodeEvents, encodePassed } from "../../src/wire/encode.ts";
import { readFrame } from "../../src/wire/frame.ts";
import { ARRIVED_US, BASE_US, streams } from "../support/generate.ts";

type State = ReturnType<typeof validate.start>;

function run(events: readonly Event[], state: State = validate.start(), arrived_us = ARRIVED_US) {
  const stepped = stepFrame("validate", validate, state, readFrame(encodeEvents(events)), arrived_us);
  const bytes = encodePassed([stepped.passed!], []);
  return {
    passed: bytes ? readFrame(bytes).events().map(plain) : [],
    emitted: stepped.emitted.map(plain),
    rejected: stepped.rejected,
    repeated: stepped.repeated,
  };
}

let made = 0;
const event = (over: Record<string, unknown> = {}): Event => {
  made++;
  const id = `01a0c450-6c00-7000-8000-${String(made).padStart(12, "0")}`;
  return { id, source: "test://x", time: BASE_US, type: "session.ended", v: 1, data: {}, ...over } as unknown as Event;
};
const numbered = (n: number, over: Record<string, unknown> = {}): Event =>
  event({ producer: "p", epoch: 5, n, ...over });
const data = (e: Event | undefined) => e?.data as Record<string, unknown>;
const text = (bytes: unknown): string => Buffer.from(bytes as Uint8Array).toString("utf8");

/** What a producer in another language, or a hostile one, may put where a value belongs. */
const garbage: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(
    null,
    true,
    -1,
    1.5,
    "",
    "x",
    "X".repeat(3_000),
    Number.NaN,
    Number.POSITIVE_INFINITY,
    -5e300,
    2 ** 53,
    1_790_000_000_000_000_000n,
    2n ** 64n - 1n,
    -(2n ** 63n),
  ),
  fc.constantFrom<unknown>([], [1, [2]], {}, { a: 1n << 60n }, new Uint8Array([1, 2, 255])),
  fc.integer(),
  fc.string({ unit: "binary" }),
);

describe("validate", () => {
  test("whatever stands in an envelope or in data: nothing throws, nothing is lost, and what comes out is valid", () => {
    const names = [...ENVELOPE_FIELDS.map(([name]) => name), "data.reason", "data.unknown"];
    const spoiled = fc.tuple(
      streams({ max: 6, stamped: false }),
      fc.array(fc.tuple(fc.constantFrom(...names), garbage), { maxLength: 5 }),
      fc.constantFrom(undefined, "no.such_type", "a.b"),
    );
    fc.assert(
      fc.property(spoiled, ([events, changes, type]) => {
        const wrong: Record<string, unknown> = {
          ...events[0],
          ...(type ? { type } : {}),
          data: { ...events[0]!.data },
        };
        for (const [name, value] of changes) {
          if (name.startsWith("data.")) (wrong.data as Record<string, unknown>)[name.slice(5)] = value;
          else wrong[name] = value;
        }
        const distinct = [wrong as unknown as Event, ...new Map(events.slice(1).map((e) => [e.id, e])).values()];
        const out = run(distinct);
        for (const e of [...out.passed, ...out.emitted])
          expect({ e, fault: checkEvent(e) }).toEqual({ e, fault: undefined });
        expect(out.passed.length + out.rejected + out.repeated).toBe(distinct.length);
        expect(out.emitted.filter((e) => e.type === "input.rejected")).toHaveLength(out.rejected);
      }),
      { numRuns: 400 },
    );
  });

  test("a time in nanoseconds, past what a number holds, is rejected with its value", () => {
    const { emitted } = run([event({ time: 1_790_000_000_000_000_000n })]);
    expect(data(emitted[0])).toMatchObject({
      reason: "invalid",
      detail: "time is not a whole number",
      input_type: "session.ended",
    });
    expect(text(data(emitted[0]).original)).toContain("1790000000000000000");
  });

  test("bytes in rejected input are kept as base64, as they travel in JSON everywhere", () => {
    const { emitted } = run([event({ data: { nonsense: Buffer.from("abc") } })]);
    expect(JSON.parse(text(data(emitted[0]).original))).toMatchObject({ data: { nonsense: "YWJj" } });
  });

  test("a rejection stands at the time the input arrived, wherever the input's clock was", () => {
    const future = event({ time: ARRIVED_US + 86_400_000_000 });
    const { emitted, passed } = run([future]);
    expect(passed).toEqual([]);
    expect(emitted[0]).toMatchObject({ time: ARRIVED_US, cause: future.id, data: { reason: "clock" } });
    expect(Number.parseInt(emitted[0]!.id.slice(0, 8) + emitted[0]!.id.slice(9, 13), 16) * 1_000).toBeLessThanOrEqual(
      ARRIVED_US,
    );
  });

  test("inputs without an id are rejected one by one", () => {
    const { emitted } = run([
      event({ id: undefined }),
      event({ id: undefined }),
      event({ id: "x" }),
      event({ id: "x" }),
    ]);
    expect(emitted).toHaveLength(4);
    expect(new Set(emitted.map((e) => e.id)).size).toBe(4);
  });

  test("an input that is rejected keeps its number, and is no gap", () => {
    const { emitted } = run([numbered(1), numbered(2, { data: { nonsense: 1 } }), numbered(3)]);
    expect(emitted).toMatchObject([{ type: "input.rejected", producer: "p", epoch: 5, n: 2 }]);
  });

  test("secrets of rejected input do not reach the log", () => {
    const { emitted } = run([event({ data: { nonsense: "AKIAIOSFODNN7EXAMPLE" } })]);
    expect(text(data(emitted[0]).original)).toContain("nonsense");
    expect(text(data(emitted[0]).original)).not.toContain("AKIAIOSFODNN7EXAMPLE");
  });

  test("numbers that are missing are told, and told again when they arrive", () => {
    const state = validate.start();
    expect(run([numbered(1), numbered(5)], state).emitted).toMatchObject([
      { type: "gap.found", data: { of_producer: "p", of_epoch: 5, first_n: 2, last_n: 4 } },
    ]);
    const late = run([numbered(3), numbered(3), numbered(5), numbered(2), numbered(4)], state);
    expect(late.emitted.map((e) => [e.type, data(e).first_n])).toEqual([
      ["gap.closed", 3],
      ["gap.closed", 2],
      ["gap.closed", 4],
    ]);
    expect(late.passed.map((e) => e.n)).toEqual([3, 2, 4]);
    expect(late.repeated).toBe(2);
  });

  test("an event that comes late under two numbers closes both gaps", () => {
    const state = validate.start();
    run([numbered(1), numbered(9)], state);
    const twice = numbered(3);
    const closed = run([twice, { ...twice, n: 5 }], state).emitted;
    expect(closed.map((e) => [e.type, data(e).first_n])).toEqual([
      ["gap.closed", 3],
      ["gap.closed", 5],
    ]);
    expect(closed[0]!.id).not.toBe(closed[1]!.id);
  });

  test("a producer in use keeps its numbering, however many others come", () => {
    const state = validate.start();
    run([numbered(1)], state);
    let n = 1;
    for (let from = 0; from < LIMITS.state_entries_max + 2_000; from += 1_000) {
      run(
        Array.from({ length: 999 }, (_, k) => numbered(1, { producer: `other${from + k}` })),
        state,
      );
      expect(run([numbered(++n)], state).emitted).toEqual([]);
    }
    expect(state.numberings.size).toBe(LIMITS.state_entries_max);
  });

  test("with more gaps than can be remembered, late events still pass", () => {
    const state = validate.start();
    const gaps = LIMITS.gaps_open_max + 50;
    for (let from = 0; from < gaps; from += 500)
      run(
        Array.from({ length: Math.min(500, gaps - from) }, (_, k) => numbered((from + k + 1) * 2)),
        state,
      );
    const late = run([numbered(1), numbered(3), numbered(gaps * 2 - 1)], state);
    expect(late.passed.map((e) => e.n)).toEqual([1, 3, gaps * 2 - 1]);
    const numbering = [...state.numberings.values()][0]!;
    expect(numbering.gaps.length).toBeLessThanOrEqual(LIMITS.gaps_open_max);
  });

  test("late numbers inside a wide gap do not make the list of gaps grow without end", () => {
    const state = validate.start();
    run([numbered(1), numbered(1_000_000)], state);
    for (let from = 0; from < 2_000; from += 500)
      run(
        Array.from({ length: 500 }, (_, k) => numbered((from + k) * 3 + 10)),
        state,
      );
    expect([...state.numberings.values()][0]!.gaps.length).toBeLessThanOrEqual(LIMITS.gaps_open_max);
  });
});
