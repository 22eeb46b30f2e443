import { expect, test } from "vitest";
import { asObjects } from "../../src/cli/ask.ts";

const named = (...names: string[]) => names.map((name) => ({ name, type: "INTEGER" }));

test("rows become objects in which columns of the same name keep their values", () => {
  expect(asObjects({ columns: named("a", "b"), rows: [[1, 2]] })).toEqual([{ a: 1, b: 2 }]);
  expect(asObjects({ columns: named("a", "a", "a"), rows: [[1, 2, 3]] })).toEqual([{ a: 1, a_1: 2, a_2: 3 }]);
  expect(asObjects({ columns: named("a", "a", "a_1"), rows: [[1, 2, 3]] })).toEqual([{ a: 1, a_2: 2, a_1: 3 }]);
});
