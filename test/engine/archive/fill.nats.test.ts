import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { expect, test } from "vitest";
import { clock } from "../../../src/base/clock.ts";
import { derivedId } from "../../../src/base/id.ts";
import type { Event } from "../../../src/define/event.ts";
import { replay } from "../../../src/engine/replay.ts";
import { verify } from "../../../src/engine/verify.ts";
import { openStore } from "../../../src/store/open.ts";
import { encodeEvents } from "../../../src/wire/encode.ts";
import { publishFrame } from "../../../src/wire/publish.ts";
import { inSubject } from "../../../src/wire/streams.ts";
import { archiveOf, runArchiver } from "../../support/archive.ts";
import { type Bench, projections, runProcessors, runTables, startBench } from "../../support/pipeline.ts";
import { contents } from "../../support/tables.ts";
import { until } from "../../support/until.ts";

const MiB = 1_048_576;
const LOG_BYTES = 4 * MiB;
const NAMES = ["validate", "enrich", "detect", "alert"];
const PATIENT = { tries: 20_000 };
const START = clock.nowUs() - 3_600_000_000;

/** Calls of tools, slow ones now and then, and a threshold that those pass: detection and alerts have something to say. */
function eventOf(k: number): Event {
  const time = START + k * 20_000;
  const envelope = {
    id: derivedId(time, "fill", k),
    source: "test://fill",
    time,
    session: `session-${k % 5}`,
    producer: "fill",
    epoch: 1,
    n: k + 1,
    v: 1,
  };
  if (k === 0)
    return {
      ...envelope,
      type: "threshold.set",
      data: { name: "slow", metric: "tool.duration", compare: "above", value: 5_000, severity: "warning" },
    } as unknown as Event;
  return {
    ...envelope,
    type: "tool.called",
    data: {
      tool: ["Bash", "Read"][k % 2],
      call_id: `call_${k}`,
      success: true,
      duration_ms: k % 997 === 0 ? 9_000 : 20 + (k % 13),
      output: `${derivedId(time, "text", k)}${derivedId(time, "more", k)}`.repeat(3),
    },
  } as unknown as Event;
}

class Source {
  sent = 0;
  private readonly bench: Bench;
  constructor(bench: Bench) {
    this.bench = bench;
  }
  async send(events: number): Promise<void> {
    for (const end = this.sent + events; this.sent < end; this.sent += 250) {
      const frame = Array.from({ length: 250 }, (_, k) => eventOf(this.sent + k));
      const ack = () => publishFrame(this.bench.bus, inSubject(0), encodeEvents(frame), { count: 250 });
      await until("there is room", () => ack().catch(() => undefined), PATIENT);
    }
  }
}

type Processors = ReturnType<typeof runProcessors>;
type Running = Awaited<ReturnType<typeof runTables>>;
async function settled(bench: Bench, processors: Processors, tables: Running): Promise<number> {
  const end = async (stream: string): Promise<number> => (await bench.bus.jsm.streams.info(stream)).state.last_seq;
  let seq = 0;
  await until(
    "everything is in the tables",
    async () => {
      const [last_in, last_valid] = [await end("WEIR_IN"), await end("WEIR_VALID")];
      seq = await end("WEIR_EVENTS");
      const inputs = NAMES.map((name) => processors.status(name).input);
      return (
        inputs[0] === last_in &&
        inputs[1] === last_valid &&
        inputs[2] === seq &&
        inputs[3] === seq &&
        tables.status.seq === seq
      );
    },
    PATIENT,
  );
  return seq;
}

async function proven(bench: Bench, tables: Running) {
  const connection = await tables.store().instance.connect();
  try {
    return await verify({ bus: bench.bus, archive: bench.archive, connection, quiet: tables.quiet, partitions: 1 });
  } finally {
    connection.closeSync();
  }
}

const one = async (tables: Running, sql: string): Promise<number[]> =>
  tables.quiet(async ({ store }) => (await store.writer.runAndReadAll(sql)).getRowsJS()[0]!.map(Number));

test("more than the log holds: it is archived and trimmed, nothing waits for ever, and history stays whole", async () => {
  await using nats = await startBench({ logBytes: LOG_BYTES });
  const bench = { ...nats, archive: archiveOf(nats) };
  const source = new Source(bench);
  let alerts = 0;
  {
    await using processors = runProcessors(bench, NAMES);
    await using tables = await runTables(bench);
    await using archiver = runArchiver(bench, {
      archive: bench.archive,
      until: () => Math.min(tables.status.seq, processors.status("detect").input, processors.status("alert").input),
    });
    await source.send(30_000);
    const seq = await settled(bench, processors, tables);
    await until("the log is small again", async () => (await info(bench)).bytes <= LOG_BYTES * 0.6, PATIENT);
    const { end, segments, totals } = bench.archive.look();
    expect(segments.length).toBeGreaterThan(3);
    expect(end).toBeLessThanOrEqual(seq);
    expect(totals.events).toBeGreaterThan(10_000);
    expect((await info(bench)).messages).toBeLessThan(seq - end + 4);
    const found = await proven(bench, tables);
    expect(found).toMatchObject({
      ok: true,
      lost: [],
      frames: [],
      missing: [],
      archive: { faults: [], last_seq: end },
    });
    expect(found.checked.first_seq).toBe(1);
    expect(tables.status.lost).toEqual([]);
    [alerts = 0] = await one(tables, "select count(*) from alerts");
    expect(alerts).toBeGreaterThan(0);
    await archiver.now();
    expect((await proven(bench, tables)).ok).toBe(true);
  }

  // the states of processors are gone: they are made again from the archive and the log
  rmSync(bench.snapshots, { recursive: true });
  {
    await using processors = runProcessors(bench, NAMES);
    await using tables = await runTables(bench);
    await settled(bench, processors, tables);
    expect(await one(tables, "select count(*) from alerts")).toEqual([alerts]);
    await source.send(2_000);
    await settled(bench, processors, tables);
    const found = await proven(bench, tables);
    expect(found).toMatchObject({ ok: true, lost: [], frames: [], missing: [] });
    expect(await one(tables, "select count(*), count(distinct id) from events where type = 'tool.called'")).toEqual([
      31_999, 31_999,
    ]);
    // sent again: whoever forgot the ids would let them pass
    await publishFrame(bench.bus, inSubject(0), encodeEvents([eventOf(1), eventOf(30_001)]), { count: 2 });
    await settled(bench, processors, tables);
    expect(await one(tables, "select count(*), count(distinct id) from events where type = 'tool.called'")).toEqual([
      31_999, 31_999,
    ]);
  }

  // tables made again, twice, are the live ones row for row
  const live = await openStore(bench.store, { memoryMb: 256, threads: 1 });
  const wanted = await contents(live, projections);
  await live.close();
  for (const round of [1, 2]) {
    const file = join(bench.nats.config.dataDir, `again-${round}.duckdb`);
    const { last_seq } = await info(bench);
    await replay({
      file,
      projections,
      config: { memoryMb: 256, threads: 1 },
      bus: bench.bus,
      archive: bench.archive,
      until: () => last_seq,
    });
    const store = await openStore(file, { memoryMb: 256, threads: 1 });
    const again = await contents(store, projections);
    await store.close();
    for (const name of Object.keys(wanted)) expect({ name, rows: again[name] }).toEqual({ name, rows: wanted[name] });
  }

  // what is archived is read by any tool
  const { folder } = bench.archive.place;
  const { totals } = bench.archive.look();
  expect(readdirSync(folder).every((name) => /^(manifest\.jsonl|day=\d{4}-\d\d-\d\d)$/.test(name))).toBe(true);
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const rows = await connection.runAndReadAll(
    `select count(*), count(distinct id), min(stream_seq), max(stream_seq), count(json_extract(data, '$')) from read_parquet('${folder}/*/events-*.parquet', hive_partitioning = true)`,
  );
  const [count, ids, first, last, json] = rows.getRowsJS()[0]!.map(Number);
  expect([count, first, last, json]).toEqual([totals.events, 1, bench.archive.look().end, totals.events]);
  expect(ids).toBeGreaterThan(29_000);
  instance.closeSync();
});

const info = async (bench: Bench) => (await bench.bus.jsm.streams.info("WEIR_EVENTS")).state;
