import fc from "fast-check";
import { describe, expect, test } from "vitest";
import detect from "../../processors/detect.ts";
import sessionFacts from "../../projections/session_facts.ts";
import thresholds from "../../projections/thresholds.ts";
import type { Event } from "../../src/define/event.ts";
import type { FoldProjection } from "../../src/define/projection.ts";

const BASE_US = 1_790_000_000_000_000;
const some = (...values: string[]) => fc.constantFrom(undefined, ...values);
const at = fc.nat(3).map((k) => BASE_US + k);

const inSession: fc.Arbitrary<Event> = fc
  .record({
    time: at,
    type: fc.constantFrom("session.started", "session.ended", "prompt.submitted", "session.titled"),
    project: some("/a", "/b"),
    assistant: some("claude-code", "codex"),
    branch: some("main", "fix"),
    data: fc.record({ model: some("m1", "m2"), title: some("t1", "t2"), reason: some("r1", "r2") }),
  })
  .map((event) => ({ id: "x", v: 1, source: "test://x", session: "s", ...event }) as unknown as Event);
const setting: fc.Arbitrary<Event> = fc
  .record({
    time: at,
    actor: some("ada", "bob"),
    data: fc.record({
      name: fc.constant("slow"),
      metric: fc.constantFrom("load", "queue"),
      above: fc.constantFrom(undefined, 5, 50),
      severity: fc.constantFrom("info", "warning"),
      removed: some("true"),
    }),
  })
  .map((event) => ({ id: "x", type: "threshold.set", v: 1, source: "test://x", ...event }) as unknown as Event);

// biome-ignore lint/suspicious/noExplicitAny: any row will do
const folded = (projection: FoldProjection<any>, events: readonly Event[]): unknown =>
  events.reduce<object | undefined>((row, event) => projection.fold(row as never, event), undefined);
const shuffled = (event: fc.Arbitrary<Event>): fc.Arbitrary<readonly [Event[], Event[]]> =>
  fc
    .array(event, { minLength: 1, maxLength: 6 })
    .chain((events) =>
      fc.tuple(
        fc.constant(events),
        fc.shuffledSubarray(events, { minLength: events.length, maxLength: events.length }),
      ),
    );

describe("in whatever order events arrive", () => {
  test.each([
    ["session_facts", sessionFacts, inSession],
    ["thresholds", thresholds, setting],
  ] as const)("a row of %s is the same", (_, projection, event) => {
    fc.assert(
      fc.property(shuffled(event), ([one, other]) => {
        expect(folded(projection as never, other)).toEqual(folded(projection as never, one));
      }),
      { numRuns: 1_000 },
    );
  });

  test("values are held against the threshold that the table shows", () => {
    fc.assert(
      fc.property(shuffled(setting), ([, settings]) => {
        const state = detect.start();
        for (const event of settings) detect.step(state, event, { arrived_us: event.time });
        const row = folded(thresholds as never, settings) as { metric: string; above?: number; removed?: string };
        const held = state.thresholds.get("slow");
        if (row.removed === "true") expect(held).toBeUndefined();
        else expect([held?.metric, held?.above]).toEqual([row.metric, row.above]);
      }),
      { numRuns: 1_000 },
    );
  });
});
