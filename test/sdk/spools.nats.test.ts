import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import pino from "pino";
import { describe, expect, test } from "vitest";
import { LIMITS } from "../../src/base/limits.ts";
import { markOf } from "../../src/base/process.ts";
import type { Event } from "../../src/define/event.ts";
import { openSpool, type Spooled } from "../../src/sdk/spool.ts";
import { drainOrphans, newSpoolFolder, orphansIn, spoolsFolder, unreadableRecords } from "../../src/sdk/spools.ts";
import { encodeEvents } from "../../src/wire/encode.ts";
import { quiet } from "../support/nats.ts";
import { eventsIn, startBench } from "../support/pipeline.ts";
import { tempDir } from "../support/temp.ts";

const GONE = 2 ** 22 - 1; // no process has this number
const item = (producer: string, n: number, over: Partial<Spooled> = {}): Spooled => {
  const event = {
    id: `01a0c450-6c00-7000-8000-${String(n).padStart(12, "0")}`,
    source: `test://${producer}`,
    time: Date.now() * 1_000,
    producer,
    epoch: 1,
    n,
    type: "session.ended",
    v: 1,
    data: {},
  } as unknown as Event;
  return { partition: 0, id: `${producer}.1.${n}`, count: 1, frame: encodeEvents([event]), ...over };
};
/** Leaves a spool with these frames in it. */
function leave(folder: string, items: readonly Spooled[]): string {
  const spool = openSpool(folder);
  spool.append(items);
  spool.close();
  return folder;
}

describe("who owns a spool", () => {
  test("is the process that made it, not whoever has its number", async () => {
    await using dir = await tempDir();
    const spools = spoolsFolder(dir.path);
    const own = newSpoolFolder(dir.path, "own");
    leave(own, [item("own", 1)]);
    expect(orphansIn(spools)).toBe(false);
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)"]);
    await once(child, "spawn");
    const mark = markOf(child.pid!);
    leave(join(spools, ["other", child.pid, `${Date.now()}-abc`, ...(mark ? [mark] : [])].join(".")), [item("o", 1)]);
    expect(orphansIn(spools)).toBe(false);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(orphansIn(spools)).toBe(true);
  });

  test.each([
    ["another program with its number, after a restart", () => `0-abc.${"0".repeat(12)}`],
    ["one of before with the number of this one, as an older version named it", () => `${Date.now() - 3_600_000}-abc`],
  ])("is not %s", async (_, rest) => {
    await using dir = await tempDir();
    // without a mark of processes, times alone tell
    if (rest().startsWith("0-") && markOf(process.pid) === undefined) return;
    leave(join(spoolsFolder(dir.path), `gone.${process.pid}.${rest()}`), [item("gone", 1)]);
    expect(orphansIn(spoolsFolder(dir.path))).toBe(true);
  });

  test("is who the name of an older version says, while nothing speaks against it", async () => {
    await using dir = await tempDir();
    leave(join(spoolsFolder(dir.path), `old.${process.pid}.${Date.now()}-abc`), [item("old", 1)]);
    leave(join(spoolsFolder(dir.path), `older.${process.pid}.abc`), [item("older", 1)]);
    expect(orphansIn(spoolsFolder(dir.path))).toBe(false);
  });
});

describe("what producers left", () => {
  test("is sent in the order in which they began, whatever stands in one of their spools", async () => {
    await using bench = await startBench();
    const { dataDir } = bench.nats.config;
    const spools = spoolsFolder(dataDir);
    const large = new Uint8Array(LIMITS.broker_payload_bytes_max);
    leave(join(spools, `first.${GONE}.1-a`), [
      item("first", 1),
      item("first", 2, { count: 3, frame: large }),
      item("first", 5),
    ]);
    const bad = join(spools, `second.${GONE}.2-b`);
    leave(bad, [item("second", 1)]);
    // a folder where a file should be cannot be read by anybody, whatever rights it has
    writeFileSync(join(spools, `third.${GONE}.3-c`), "");
    const torn = leave(join(spools, `fourth.${GONE}.4-d`), [item("fourth", 1), item("fourth", 2), item("fourth", 3)]);
    const segment = join(torn, "00000001.seg");
    const bytes = readFileSync(segment);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(segment, bytes);
    const lines: string[] = [];
    const log = pino({ level: "warn" }, { write: (line: string) => void lines.push(line) });
    const before = unreadableRecords();
    await using bus = await bench.nats.connect("producer");
    await drainOrphans(spools, bus, { log });
    const events = await eventsIn(bench.bus, "WEIR_IN");
    expect(events.map((e) => `${e.producer} ${e.n}`)).toEqual([
      "first 1",
      "first 5",
      "first 2",
      "second 1",
      "fourth 1",
      "fourth 3",
    ]);
    // what stands for the frame that was given up follows those that were on their way
    expect(events[2]).toMatchObject({
      type: "events.dropped",
      data: { where: "frame_too_large", count: 3, first_n: 2, last_n: 4 },
    });
    expect(unreadableRecords() - before).toBe(1);
    for (const told of ["no message has room", basename(`third.${GONE}.3-c`), "cannot be read"])
      expect(lines.join("")).toContain(told);
    // the second time nothing is left, and what cannot be read is not told again
    lines.length = 0;
    expect(await drainOrphans(spools, bus, { log })).toBe(0);
    expect(lines).toEqual([]);
  });

  test("waits in its order while the broker is away", async () => {
    await using bench = await startBench();
    const spools = spoolsFolder(bench.nats.config.dataDir);
    leave(join(spools, `first.${GONE}.1-a`), [item("first", 1)]);
    const bus = await bench.nats.connect("producer");
    await bus.close();
    await expect(drainOrphans(spools, bus, { log: quiet })).rejects.toThrow();
    expect(orphansIn(spools)).toBe(true);
  });
});
