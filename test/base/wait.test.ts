import { expect, test } from "vitest";
import { Turn } from "../../src/base/wait.ts";

test("a turn that is over lets what waits on the thread have its own before it goes on", async () => {
  const turn = new Turn(0);
  expect(turn.over()).toBe(true);
  const order: string[] = [];
  setImmediate(() => order.push("what waited"));
  await turn.next();
  order.push("the work");
  expect(order).toEqual(["what waited", "the work"]);
  expect(new Turn(60_000).over()).toBe(false);
});
