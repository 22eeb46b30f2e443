import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { expect, onTestFailed, test } from "vitest";
import { clock } from "../../../src/base/clock.ts";
import { openLog } from "../../../src/engine/archive/read-log.ts";
import { openReader } from "../../../src/wire/read.ts";
import { archiveOf } from "../../support/archive.ts";
import { fillLog, messagesOf } from "../../support/archive-events.ts";
import { startBench } from "../../support/pipeline.ts";

const FRAMES = 240;
const LOG_BYTES = 1_000_000; // a segment is a sixteenth of it: about ten frames
const KILLS = 6;

test("the owner of the archive is killed at random while it archives: every message is there once, as it was", async () => {
  const seed = Number(process.env.WEIR_TEST_SEED ?? clock.nowMs() % 1_000_000);
  onTestFailed(() => console.error(`repeat with WEIR_TEST_SEED=${seed}`));
  const roll = (k: number, sides: number): number => Math.floor(((Math.sin(seed + k) + 1) * 5_000) % sides);
  await using bench = await startBench();
  await fillLog(bench, FRAMES, 3_000);
  const before = await messagesOf(openReader(bench.bus, "WEIR_EVENTS", { after: 0 }), FRAMES);
  const archive = archiveOf(bench);
  const { dataDir } = bench.nats.config;
  const words = [
    "--import",
    "tsx",
    "test/support/archiver-runner.ts",
    dataDir,
    bench.nats.broker.url,
    String(FRAMES),
    String(LOG_BYTES),
  ];
  let ends = 0;
  for (let life = 0; life <= KILLS; life++) {
    const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    let told = 0;
    const deadly = 1 + roll(life, 4); // lines after which it dies
    createInterface({ input: child.stdout }).on("line", () => {
      if (++told === deadly && life < KILLS) setTimeout(() => child.kill("SIGKILL"), roll(life + 100, 120));
    });
    if ((await ended) === 0) ends++;
    const { end } = archive.look();
    const read = await messagesOf(openLog(bench.bus, archive, { after: 0 }), FRAMES);
    expect({ end, read }).toEqual({ end, read: before });
  }
  expect(ends).toBeGreaterThan(0);
  expect(archive.look()).toMatchObject({ end: FRAMES, totals: { messages: FRAMES, events: FRAMES * 2 } });
  expect(await archive.check()).toEqual([]);
  // two files a segment, and nothing that was left behind
  const { folder } = archive.place;
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".parquet"));
  expect(files).toHaveLength(archive.look().segments.length * 2);
  expect(readdirSync(folder).filter((name) => name.startsWith("."))).toEqual([]);
  expect((await bench.bus.jsm.streams.info("WEIR_EVENTS")).state.messages).toBe(2);
});
