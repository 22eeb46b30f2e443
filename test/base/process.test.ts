import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { begunMs, isAlive, markOf } from "../../src/base/process.ts";

test("a process is told from another one, and from one that is gone", async () => {
  const before = Date.now();
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)"]);
  await once(child, "spawn");
  const after = Date.now();
  const pid = child.pid!;
  expect(isAlive(pid)).toBe(true);
  const mark = markOf(pid);
  expect(markOf(pid)).toBe(mark);
  if (process.platform === "linux") expect(mark).toMatch(/^[0-9a-f]{12}$/);
  if (mark) expect(mark).not.toBe(markOf(process.pid));
  // the system counts in hundredths of a second
  if (process.platform === "linux") {
    expect(begunMs(pid)).toBeGreaterThan(before - 50);
    expect(begunMs(pid)).toBeLessThan(after + 50);
  }
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(isAlive(pid)).toBe(false);
  expect(markOf(pid)).toBeUndefined();
});

test("a process knows when it began itself", () => {
  expect(Math.abs(begunMs(process.pid) - (Date.now() - process.uptime() * 1_000))).toBeLessThan(100);
});
