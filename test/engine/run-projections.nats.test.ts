import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { describe, expect, test } from "vitest";
import { derivedId } from "../../src/base/id.ts";
import type { Draft, Event } from "../../src/define/event.ts";
import { Pace } from "../../src/engine/pace.ts";
import { encodeEvents } from "../../src/wire/encode.ts";
import { publishFrame } from "../../src/wire/publish.ts";
import { ensureStreams, eventsSubject, streamIdentity } from "../../src/wire/streams.ts";
import { BASE_US } from "../support/generate.ts";
import { type Bench, runTables, startBench } from "../support/pipeline.ts";
import { until } from "../support/until.ts";

let made = 0;
const event = (): Event => {
  const time = BASE_US + ++made;
  return {
    id: derivedId(time, "e", made),
    source: "test://x",
    time,
    session: "s",
    type: "tool.called",
    v: 1,
    data: { tool: "Bash", call_id: `c${made}` },
    fact: `tool:c${made}`,
  } as unknown as Event;
};
const put = (bench: Bench, writer = "enrich", events = [event()]) =>
  publishFrame(bench.bus, eventsSubject(writer, 0), encodeEvents(events), { count: events.length });
const putMany = async (bench: Bench, count: number, writer = "enrich"): Promise<void> => {
  for (let k = 0; k < count; k++) await put(bench, writer);
};
type Running = Awaited<ReturnType<typeof runTables>>;
const at = (tables: Running, seq: number) => until(`the tables reach ${seq}`, () => tables.status.seq >= seq);
const countOf = async (tables: Running, table = "events"): Promise<number> =>
  tables.quiet(async ({ store }) =>
    Number((await store.writer.runAndReadAll(`select count(*) from "${table}"`)).getRowsJS()[0]![0]),
  );

describe("the tables and their log", () => {
  test("stopped at any moment and opened again, they hold each event once", async () => {
    await using bench = await startBench();
    for (let round = 1; round <= 4; round++) {
      await using tables = await runTables(bench);
      await putMany(bench, 25);
      await at(tables, round * 25);
      expect(await countOf(tables)).toBe(round * 25);
      expect(await countOf(tables, "tool_calls")).toBe(round * 25);
    }
  });

  test("the same event in several frames lands once", async () => {
    await using bench = await startBench();
    const again = [event(), event()];
    await put(bench, "enrich", again);
    await put(bench, "enrich", [again[0]!, event(), again[0]!]);
    await using tables = await runTables(bench);
    await at(tables, 2);
    expect(await countOf(tables)).toBe(3);
    await put(bench, "enrich", again);
    await at(tables, 3);
    expect(await countOf(tables)).toBe(3);
  });

  test("a log that was replaced is an error, and the tables keep what they have", async () => {
    await using bench = await startBench();
    {
      await using tables = await runTables(bench);
      await putMany(bench, 10);
      await at(tables, 10);
    }
    await bench.bus.jsm.streams.delete("WEIR_EVENTS");
    await ensureStreams(bench.bus.jsm, bench.nats.config);
    await putMany(bench, 20);
    await using tables = await runTables(bench);
    await until("the tables stand still", () => tables.stopped);
    expect(tables.stopped).toMatchObject({ code: "stream_changed" });
    expect(await countOf(tables)).toBe(10);
  });

  test("a log that was cut and has grown again is an error: its length tells nothing", async () => {
    await using bench = await startBench();
    await putMany(bench, 10);
    {
      await using tables = await runTables(bench);
      await at(tables, 10);
    }
    const file = join(bench.nats.config.dataDir, "weir.duckdb");
    const { created } = await streamIdentity(bench.bus.jsm, "WEIR_EVENTS");
    await bench.bus.jsm.streams.delete("WEIR_EVENTS");
    await ensureStreams(bench.bus.jsm, bench.nats.config);
    await putMany(bench, 12);
    const now = await streamIdentity(bench.bus.jsm, "WEIR_EVENTS");
    // a copy of the stream that was put back keeps its making
    const instance = await DuckDBInstance.create(file);
    const connection = await instance.connect();
    const moved = await connection.run(`update _weir set created = '${now.created}' where created = '${created}'`);
    expect(moved.rowsChanged).toBe(1);
    connection.closeSync();
    instance.closeSync();
    await using tables = await runTables(bench);
    await until("the tables stand still", () => tables.stopped);
    expect(tables.stopped?.line()).toMatch(
      /^error: stream_changed: the log holds other events at 10 .* \(.*weir rebuild/,
    );
    expect(await countOf(tables)).toBe(10);
  });

  test("sequences that are missing are recorded as lost, once each, and the rest is applied", async () => {
    await using bench = await startBench();
    await putMany(bench, 3);
    await putMany(bench, 4, "gone");
    await putMany(bench, 3);
    await bench.bus.jsm.streams.purge("WEIR_EVENTS", { filter: eventsSubject("gone", 0) });
    const told: Draft[] = [];
    await using tables = await runTables(bench, (draft) => told.push(draft));
    await at(tables, 10);
    expect(tables.status.lost).toEqual([[4, 7]]);
    expect(told).toMatchObject([{ type: "log.lost", data: { stream: "WEIR_EVENTS", first_seq: 4, last_seq: 7 } }]);
    expect(await countOf(tables)).toBe(6);
  });

  test("a frame of the log that cannot be read is recorded as lost, once, and the rest is applied", async () => {
    await using bench = await startBench();
    const told: Draft[] = [];
    await using tables = await runTables(bench, (draft) => told.push(draft));
    await putMany(bench, 2);
    await at(tables, 2);
    await bench.bus.js.publish(eventsSubject("enrich", 0), "no frame");
    await until("it is found", () => tables.status.lost.length > 0);
    await putMany(bench, 2);
    await at(tables, 5);
    expect(tables.status.lost).toEqual([[3, 3]]);
    expect(told.map((draft) => draft.data)).toEqual([{ stream: "WEIR_EVENTS", first_seq: 3, last_seq: 3 }]);
    expect(await countOf(tables)).toBe(4);
  });

  test("while the tables stand still for a piece of work, nothing touches the store; after it they go on", async () => {
    await using bench = await startBench();
    await using tables = await runTables(bench);
    await putMany(bench, 5);
    await at(tables, 5);
    let working = true;
    const flood = (async () => {
      while (working) await put(bench, "enrich", Array.from({ length: 200 }, event));
    })();
    for (let round = 0; round < 3; round++) {
      const seq = tables.status.seq;
      await until("the tables moved", () => tables.status.seq > seq + 3);
      const held = await tables.pause(async () => {
        const before = tables.status.seq;
        await put(bench);
        return [before, tables.status.seq, tables.status.state];
      });
      expect(held).toEqual([held[0], held[0], "stopped"]);
    }
    working = false;
    await flood;
    const { last_seq } = (await bench.bus.jsm.streams.info("WEIR_EVENTS")).state;
    await at(tables, last_seq);
    expect(tables.status.lost).toEqual([]);
    expect(await countOf(tables)).toBe(await countOf(tables, "tool_calls"));
    expect(tables.stopped).toBeUndefined();
  });

  test("who asks after a while has what had gathered, and never waits for tables that stand still", async () => {
    await using bench = await startBench();
    // without being hurried it would gather for a minute
    const pace = new (class extends Pace {
      override look = () => true;
      override pause = () => 60_000;
    })();
    await using tables = await runTables(bench, undefined, pace);
    await putMany(bench, 4);
    await until("they are there", () => tables.fresh().then(() => tables.status.seq >= 4));
    expect(await countOf(tables)).toBe(4);
    await tables.pause(async () => {
      await put(bench);
      await tables.fresh();
      expect(tables.status.seq).toBe(4);
    });
    const last = event();
    const visible = tables.visible(last.id); // an order does not wait either
    await put(bench, "enrich", [last]);
    expect(await visible).toBe(6);
  });

  test("who waits for an event is told when it is in the tables", async () => {
    await using bench = await startBench();
    await using tables = await runTables(bench);
    const wanted = event();
    const seen = tables.visible(wanted.id);
    await putMany(bench, 3);
    const { seq } = await put(bench, "enrich", [wanted]);
    expect(await seen).toBeGreaterThanOrEqual(seq);
    const rows = await tables.store().writer.runAndReadAll(`select id from events where id = '${wanted.id}'`);
    expect(rows.getRowsJS()).toHaveLength(1);
  });
});
