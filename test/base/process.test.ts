import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { begunMs, isAlive, markOf } from "../../src/base/process.ts";
import { tempDir } from "../support/temp.ts";

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

const THREADS = `
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { isMainThread, Worker } from "node:worker_threads";
import { goFirst } from "./process.mjs";
const nice = (thread) => Number(readFileSync("/proc/self/task/" + thread + "/stat", "latin1").split(") ").at(-1).split(" ")[16]);
if (isMainThread) new Worker(new URL(import.meta.url));
else {
  goFirst(7);
  const own = readlinkSync("/proc/thread-self").split("/").at(-1);
  const others = readdirSync("/proc/self/task").filter((thread) => thread !== own && thread !== String(process.pid));
  console.log(JSON.stringify({ own: nice(own), main: nice(process.pid), others: [...new Set(others.map(nice))] }));
}
`;

test.runIf(process.platform === "linux")(
  "a thread goes first: all others but the main one have a lower priority",
  async () => {
    await using dir = await tempDir();
    const source = join(import.meta.dirname, "../../src/base/process.ts");
    await build({
      entryPoints: [source],
      bundle: true,
      platform: "node",
      format: "esm",
      outfile: join(dir.path, "process.mjs"),
    });
    writeFileSync(join(dir.path, "threads.mjs"), THREADS);
    const { stdout } = await promisify(execFile)(process.execPath, [join(dir.path, "threads.mjs")]);
    expect(JSON.parse(stdout)).toEqual({ own: 0, main: 0, others: [7] });
  },
);
