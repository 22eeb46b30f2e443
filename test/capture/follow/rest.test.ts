import { expect, test } from "vitest";
import { LIMITS } from "../../../src/base/limits.ts";
import { Rest } from "../../../src/capture/follow/rest.ts";

/** Sweeps left out before the next one. */
function leftOut(rest: Rest): number {
  let count = 0;
  while (rest.goesOn()) count++;
  return count;
}

test("sweeps come more and more rarely while they find nothing, and at once again when one does", () => {
  const rest = new Rest();
  const pauses: number[] = [];
  for (let sweep = 0; sweep < 5; sweep++) {
    pauses.push(leftOut(rest));
    rest.after(true);
  }
  expect(pauses).toEqual([0, 1, 3, 7, LIMITS.follow_rests_max]);
  rest.after(false);
  expect(leftOut(rest)).toBe(0);
  rest.after(true);
  expect(leftOut(rest)).toBe(1);
});
