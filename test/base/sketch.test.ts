import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addTo, mergeInto, packSketch, quantiles, type Sketch, unpackSketch } from "../../src/base/sketch.ts";

const AT = [0, 0.25, 0.5, 0.95, 0.99, 1];
const sketchOf = (values: readonly number[]): Sketch => {
  const sketch: Sketch = new Map();
  for (const value of values) addTo(sketch, value);
  return sketch;
};
/** Values a metric may take: from nanoseconds to exabytes, of both signs, and zero. */
const value = fc.oneof(
  { weight: 4, arbitrary: fc.double({ min: 1e-8, max: 1e24, noNaN: true }) },
  { weight: 2, arbitrary: fc.double({ min: -1e24, max: -1e-8, noNaN: true }) },
  { weight: 2, arbitrary: fc.integer({ min: -1_000, max: 1_000 }) },
  { weight: 1, arbitrary: fc.constant(0) },
);
const values = fc.array(value, { minLength: 1, maxLength: 200 });
const same = (a: Sketch, b: Sketch): void =>
  expect([...a].sort(([x], [y]) => x - y)).toEqual([...b].sort(([x], [y]) => x - y));

describe("a sketch", () => {
  test("tells every quantile within one percent", () => {
    fc.assert(
      fc.property(values, (list) => {
        const sorted = [...list].sort((a, b) => a - b);
        const told = quantiles(sketchOf(list), AT);
        AT.forEach((q, k) => {
          const exact = sorted[Math.floor(q * (list.length - 1))]!;
          expect(Math.abs(told[k]! - exact)).toBeLessThanOrEqual(Math.abs(exact) * 0.0100001 + 1e-9);
        });
      }),
      { numRuns: 300 },
    );
  });

  test("merged is the same as added one by one, in any order", () => {
    fc.assert(
      fc.property(fc.array(values, { maxLength: 6 }), (minutes) => {
        const hour: Sketch = new Map();
        for (const minute of minutes.toReversed()) mergeInto(hour, sketchOf(minute));
        same(hour, sketchOf(minutes.flat()));
      }),
    );
  });

  test("a value can be taken out again", () => {
    fc.assert(
      fc.property(values, values, (kept, gone) => {
        const sketch = sketchOf([...kept, ...gone]);
        for (const v of gone) addTo(sketch, v, -1);
        same(sketch, sketchOf(kept));
      }),
    );
  });

  test("packs and unpacks, also large counts", () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 2 ** 40 }), (list, times) => {
        const sketch = sketchOf(list);
        addTo(sketch, list[0]!, times);
        same(unpackSketch(packSketch(sketch)), sketch);
      }),
    );
  });

  test("equal sketches have equal bytes", () => {
    fc.assert(
      fc.property(values, (list) => {
        expect(packSketch(sketchOf(list.toReversed()))).toEqual(packSketch(sketchOf(list)));
      }),
    );
  });

  test("an empty one knows nothing, extremes stay finite", () => {
    expect(quantiles(new Map(), [0.5])).toEqual([undefined]);
    expect(packSketch(new Map())).toHaveLength(0);
    for (const q of quantiles(sketchOf([Number.MAX_VALUE, -Number.MAX_VALUE, Number.MIN_VALUE]), AT))
      expect(Number.isFinite(q)).toBe(true);
  });
});
