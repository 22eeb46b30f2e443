import { expect, test } from "vitest";
import { LIMITS } from "../../src/base/limits.ts";
import { noteLost } from "../../src/engine/lost.ts";

test("what is missing is named once, in order, and in as few ranges as it has", () => {
  const lost: [number, number][] = [];
  expect(noteLost(lost, 10, 12)).toBe(true);
  expect(noteLost(lost, 10, 12)).toBe(false);
  expect(noteLost(lost, 11, 11)).toBe(false);
  expect(noteLost(lost, 2, 3)).toBe(true);
  expect(noteLost(lost, 13, 15)).toBe(true);
  expect(lost).toEqual([
    [2, 3],
    [10, 15],
  ]);
  expect(noteLost(lost, 1, 20)).toBe(true);
  expect(lost).toEqual([[1, 20]]);
});

test("a log that lacks every second sequence does not make the list grow for ever", () => {
  const lost: [number, number][] = [];
  for (let k = 0; k < LIMITS.lost_ranges_max + 50; k++) noteLost(lost, 2 * k, 2 * k);
  expect(lost).toHaveLength(LIMITS.lost_ranges_max);
  expect(lost.at(-1)).toEqual([2 * LIMITS.lost_ranges_max + 98, 2 * LIMITS.lost_ranges_max + 98]);
});
