import { cpSync, existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { LIMITS } from "../../src/base/limits.ts";
import { currentGuard } from "../../src/events/guard.ts";
import { createEmitter } from "../../src/sdk/emit.ts";
import { createWeir } from "../../src/sdk/index.ts";
import { drainOrphans, spoolsWaiting } from "../../src/sdk/spools.ts";
import { type Broker, startBroker } from "../../src/wire/broker.ts";
import { brokerDir, writeFolderBroker } from "../../src/wire/folder.ts";
import { ensureStreams } from "../../src/wire/streams.ts";
import { quiet, startTestBroker, type TestBroker } from "../support/nats.ts";
import { eventsIn } from "../support/pipeline.ts";
import { until } from "../support/until.ts";

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, k) => from + k);
const draft = (k: number) => ({ type: "tool.called", session: "s", data: { tool: "Bash", call_id: `c${k}` } });
const GONE = 2 ** 22 - 1; // no process has this number

/** A broker of profile fast with its streams, and a folder that says so. */
async function startFast(): Promise<TestBroker> {
  const nats = await startTestBroker({ profile: "fast" });
  await using engine = await nats.connect("engine");
  await ensureStreams(engine.jsm, nats.config);
  await writeFolderBroker(nats.config.dataDir, nats.config);
  writeFileSync(join(nats.config.dataDir, "runtime.json"), JSON.stringify({ nats_url: nats.broker.url }));
  process.env.WEIR_LOG_LEVEL = "silent";
  keepFor(3_600_000);
  return nats;
}

/** How long producers keep: for ever while something is lost, however slow the machine is, and then as long as they do. */
const { keep_ms } = LIMITS;
const keepFor = (ms: number): unknown => Object.assign(LIMITS, { keep_ms: ms });

/** The broker's disk as it is, and a power cut after which it is as it was then. */
function disk({ config }: TestBroker) {
  const store = join(brokerDir(config.dataDir), "store");
  const copy = join(config.dataDir, "copy");
  cpSync(store, copy, { recursive: true });
  return {
    async cut(broker: Broker): Promise<Broker> {
      process.kill(broker.pid, "SIGKILL");
      await broker.exited;
      rmSync(store, { recursive: true });
      cpSync(copy, store, { recursive: true });
      return startBroker({ config, log: quiet, port: broker.port });
    },
  };
}

async function numbersOf(nats: TestBroker): Promise<number[]> {
  await using engine = await nats.connect("engine");
  return (await eventsIn(engine, "WEIR_IN")).map((e) => e.n!);
}

describe("profile fast", () => {
  test("what a broker acknowledged and lost is sent again when it is back", async () => {
    await using nats = await startFast();
    let { broker } = nats;
    const weir = createWeir({ dataDir: nats.config.dataDir, name: "fast", source: "test://x", frameEventsMax: 10 });
    try {
      for (const k of range(1, 200)) await weir.emit(draft(k));
      await until("they are acknowledged", () => weir.stats().published === 200);
      const then = disk(nats);
      for (const k of range(201, 500)) await weir.emit(draft(k));
      await until("more are acknowledged", () => weir.stats().published === 500);
      broker = await then.cut(broker);
      await until("all are acknowledged again", () => weir.stats().published === 500 && weir.stats().spooled === 0);
      await until("the broker has all of them", async () => new Set(await numbersOf(nats)).size === 500);
      expect(await numbersOf(nats)).toEqual(range(1, 500)); // in their order, and none twice
      keepFor(keep_ms);
      await until(
        "nothing is kept for longer than needed",
        () => !readdirSync(spoolOf(nats)).some((f) => f.endsWith(".seg")),
      );
      expect(spoolsWaiting(nats.config.dataDir)).toEqual({ spools: 0, events: 0 });
      await weir.close();
      expect(existsSync(join(nats.config.dataDir, "spool", "fast"))).toBe(false);
    } finally {
      await broker.stop();
    }
  });

  test("what a producer kept when it ended is sent again by the next one, and let go when the broker has it", async () => {
    await using nats = await startFast();
    let { broker } = nats;
    const spools = join(nats.config.dataDir, "spool");
    try {
      const then = disk(nats);
      {
        await using bus = await nats.connect("producer");
        const sink = createEmitter({
          producer: "gone",
          source: "test://x",
          via: "sdk",
          bus: () => bus,
          keep: () => true,
          guard: currentGuard(),
          spoolFolder: join(spools, `gone.${GONE}.abc`),
          partitions: 1,
          whenFull: "wait",
          check: true,
          frameEventsMax: 10,
          log: quiet,
        });
        for (const k of range(1, 100)) await sink.emit(draft(k));
        await sink.close();
        expect(sink.stats()).toMatchObject({ published: 100, spooled: 0 });
      }
      broker = await then.cut(broker);
      expect(await numbersOf(nats)).toEqual([]);
      keepFor(keep_ms);
      await using bus = await nats.connect("producer");
      expect(await drainOrphans(spools, bus, { keep: true, log: quiet })).toBe(100);
      expect(await numbersOf(nats)).toEqual(range(1, 100));
      expect(readdirSync(spools)).toEqual([]);
    } finally {
      await broker.stop();
    }
  });

  test("a broker that lost something without its producer noticing is found out before it is let go", async () => {
    await using nats = await startFast();
    await using bus = await nats.connect("producer");
    await using engine = await nats.connect("engine");
    const sink = createEmitter({
      producer: "p",
      source: "test://x",
      via: "sdk",
      bus: () => bus,
      keep: () => true,
      guard: currentGuard(),
      spoolFolder: join(nats.config.dataDir, "spool", "p"),
      partitions: 1,
      whenFull: "wait",
      check: true,
      frameEventsMax: 10,
      log: quiet,
    });
    for (const k of range(1, 50)) await sink.emit(draft(k));
    await until("they are acknowledged", () => sink.stats().published === 50);
    // the node that held the stream lost it; the connection is to another one and stays
    await engine.jsm.streams.delete("WEIR_IN");
    await ensureStreams(engine.jsm, nats.config);
    keepFor(keep_ms);
    await until("they are there again", async () => new Set(await numbersOf(nats)).size === 50);
    await sink.close();
  });
});

const spoolOf = ({ config }: TestBroker): string => {
  const spools = join(config.dataDir, "spool");
  return join(spools, readdirSync(spools).find((name) => name.startsWith("fast."))!);
};
