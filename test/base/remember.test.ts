import { expect, test } from "vitest";
import { recall, remember } from "../../src/base/remember.ts";

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, k) => from + k);

test("what is asked for stays, what is unused for longest goes and is given back", () => {
  const map = new Map<number, string>();
  for (const k of range(0, 100)) {
    expect(remember(map, k, `${k}`, 10)).toBe(k <= 9 ? undefined : `${k - 9}`);
    expect(recall(map, 0, 10)).toBe("0");
  }
  expect([...map.keys()].sort((a, b) => a - b)).toEqual([0, ...range(91, 100)]);
});

test("setting an entry again uses it, and takes nobody's place", () => {
  const map = new Map(range(0, 3).map((k) => [k, k]));
  expect(remember(map, 0, 7, 3)).toBeUndefined();
  expect(remember(map, 5, 5, 3)).toBe(1);
  expect([...map]).toEqual([
    [2, 2],
    [0, 7],
    [5, 5],
  ]);
});

test("a map that is not half full keeps its order", () => {
  const map = new Map(range(0, 5).map((k) => [k, k]));
  recall(map, 0, 10);
  expect([...map.keys()]).toEqual(range(0, 5));
  recall(map, 0, 9);
  expect([...map.keys()]).toEqual([1, 2, 3, 4, 0]);
  expect(recall(map, 9, 9)).toBeUndefined();
});
