import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { startBroker } from "../../src/wire/broker.ts";
import { brokerDir } from "../../src/wire/folder.ts";
import { findServer } from "../../src/wire/server-program.ts";
import { quiet, testConfig } from "../support/nats.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

const HOLDER = new URL("../support/hold-broker.ts", import.meta.url).pathname;

/** A process that holds a broker, as `weir up` does. */
async function holdBroker(dataDir: string) {
  const server = (await findServer(testConfig(dataDir).natsServer)).path;
  const child = spawn(process.execPath, ["--import", "tsx", HOLDER, dataDir, server], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await Promise.race([
    createInterface({ input: child.stdout })
      .on("error", () => {})
      [Symbol.asyncIterator]()
      .next()
      .then((r) => [r.value]),
    new Promise((resolve) => child.once("close", () => resolve([undefined]))),
  ])) as [string | undefined];
  if (!line) throw new Error("the holder did not start a broker");
  return { child, broker: JSON.parse(line) as { pid: number; port: number } };
}

async function killHard(child: ChildProcess) {
  const closed = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await closed;
}

/** Whether the process runs; a zombie does not. */
async function runs(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "State:\tX");
  return !/^State:\s+[ZX]/m.test(status);
}

test("the broker of a killed weir is taken down by the next start", async () => {
  await using dir = await tempDir();
  const { child, broker } = await holdBroker(dir.path);
  await killHard(child);
  expect(await runs(broker.pid)).toBe(true); // nothing ends it with its parent

  await using next = await startBroker({ config: testConfig(dir.path, { natsPort: broker.port }), log: quiet });
  expect(next.port).toBe(broker.port);
  expect(next.pid).not.toBe(broker.pid);
  await until("the end of the orphan", async () => !(await runs(broker.pid)));
});

test("the broker of a living weir is left alone", async () => {
  await using dir = await tempDir();
  const { child, broker } = await holdBroker(dir.path);
  try {
    await expect(startBroker({ config: testConfig(dir.path), log: quiet })).rejects.toMatchObject({
      code: "already_running",
      message: expect.stringContaining(String(child.pid)),
    });
    expect(await runs(broker.pid)).toBe(true);
  } finally {
    await killHard(child);
    process.kill(broker.pid, "SIGKILL");
  }
  await until("the end of the broker", async () => !(await runs(broker.pid)));
});

test("a process that only has the noted number is left alone", async () => {
  await using dir = await tempDir();
  await mkdir(brokerDir(dir.path), { recursive: true });
  const stranger = spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)"], { stdio: "ignore" });
  try {
    await writeFile(join(brokerDir(dir.path), "broker.json"), JSON.stringify({ pid: stranger.pid, owner: 1 }));
    await using broker = await startBroker({ config: testConfig(dir.path), log: quiet });
    expect(broker.pid).not.toBe(stranger.pid);
    expect(await runs(stranger.pid!)).toBe(true);
  } finally {
    await killHard(stranger);
  }
});
