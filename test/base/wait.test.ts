import { expect, test } from "vitest";
import { Turn } from "../../src/base/wait.ts";

/** Whether what waits on the thread comes before the work that may end its turn. */
async function waitersFirst(ms: number): Promise<boolean> {
  const turn = new Turn(ms);
  let came = false;
  setImmediate(() => {
    came = true;
  });
  await turn.mayEnd();
  return came;
}

test("a turn that is over lets what waits on the thread go first, one that is not goes on", async () => {
  expect(await waitersFirst(0)).toBe(true);
  expect(await waitersFirst(60_000)).toBe(false);
});
