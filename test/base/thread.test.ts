import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createLog } from "../../src/base/log.ts";
import { keepThread } from "../../src/base/thread.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

/** Tells what it was started with and what it is told; fails when told to. */
const PROGRAM = `
import { parentPort, workerData } from "node:worker_threads";
parentPort.postMessage(["began", workerData]);
parentPort.on("message", (message) => {
  if (message === "fail") throw new Error("told to");
  if (message === "stop") return parentPort.close();
  parentPort.postMessage(["told", message]);
});
`;

test("a thread that fails is started again with what it is then given, until it is stopped", async () => {
  await using dir = await tempDir();
  const entry = join(dir.path, "thread.mjs");
  writeFileSync(entry, PROGRAM);
  const said: unknown[] = [];
  let [times, ends] = [0, 0];
  const thread = keepThread<unknown>(entry, {
    options: () => ({ workerData: ++times }),
    name: "test",
    onMessage: (message) => said.push(message),
    onEnd: () => void ends++,
    log: createLog("test", "silent"),
  });
  thread.tell("a");
  await until("it answers", () => said.length === 2);
  thread.tell("fail");
  await until("it is there again", () => said.length === 3);
  thread.tell("b");
  await until("it answers again", () => said.length === 4);
  await thread.stop();
  expect(said).toEqual([
    ["began", 1],
    ["told", "a"],
    ["began", 2],
    ["told", "b"],
  ]);
  expect([times, ends]).toEqual([2, 1]);
});

test("a thread that does not listen can be ended at once", async () => {
  await using dir = await tempDir();
  const entry = join(dir.path, "thread.mjs");
  writeFileSync(entry, "for (;;);");
  let ends = 0;
  const options = () => ({});
  const log = createLog("test", "silent");
  const thread = keepThread(entry, { options, name: "test", onMessage: () => {}, onEnd: () => void ends++, log });
  await thread.stop({ atOnce: true });
  expect(ends).toBe(0);
});
