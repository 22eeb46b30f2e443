import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { derivedId } from "../../src/base/id.ts";
import type { Event } from "../../src/define/event.ts";
import { id, text } from "../../src/define/field.ts";
import { defineFold, defineMap, type Projection } from "../../src/define/projection.ts";
import { Tables } from "../../src/engine/apply/tables.ts";
import { loadProjections } from "../../src/engine/load.ts";
import { definitionOf } from "../../src/events/catalog.ts";
import { toolCalled } from "../../src/events/tool.ts";
import { readFrame } from "../../src/wire/frame.ts";
import { BASE_US, streams } from "../support/generate.ts";
import { applyAll, contents, LOG, type Logged, logOf, openTestTables } from "../support/tables.ts";
import { tempDir } from "../support/temp.ts";

const projections = await loadProjections(".");
const [sample] = fc.sample(
  streams({
    max: 120,
    stamped: true,
    types: ["tool.started", "tool.called", "model.called", "session.started", "metric.measured"],
  }),
  { numRuns: 1, seed: 7 },
);
const LOGGED = logOf(
  sample!,
  Array.from({ length: 12 }, (_, k) => k / 12),
);

const call = (k: number, tool: string): Event => {
  const time = BASE_US + k;
  return {
    id: derivedId(time, "call", k),
    source: "test://x",
    time,
    session: "s",
    type: toolCalled.type,
    v: toolCalled.v,
    data: { tool, call_id: `call_${k}` },
    fact: `tool:call_${k}`,
  } as unknown as Event;
};
const count = (tables: Tables, table: string): Promise<number> =>
  tables.quiet(async () =>
    Number((await tables.store.writer.runAndReadAll(`select count(*) from "${table}"`)).getRowsJS()[0]![0]),
  );
const batchOf = (frames: readonly Logged[]) => frames.map(({ seq, bytes }) => ({ seq, frame: readFrame(bytes) }));

describe("position and rows move together", () => {
  test("a second writer is told of the conflict, and changes nothing", async () => {
    await using dir = await tempDir();
    const first = await openTestTables(dir.path, projections);
    const second = await Tables.open(first.store, projections);
    await applyAll(first, LOGGED.slice(0, 3));
    const before = await contents(first.store, projections);
    await expect(second.apply(batchOf(LOGGED.slice(0, 2)), LOG)).rejects.toMatchObject({ code: "conflict" });
    expect(await contents(first.store, projections)).toEqual(before);
    expect(second.position.seq).toBe(0);
    await applyAll(first, LOGGED.slice(3));
    expect(first.position.seq).toBe(LOGGED.length);
    await first.close();
  });

  test("a copy of the files at any moment holds the rows of its position, and goes on from there", async () => {
    await using dir = await tempDir();
    const tables = await openTestTables(dir.path, projections);
    const moments: Record<string, string[]>[] = [];
    for (let k = 0; k < LOGGED.length; k++) {
      await applyAll(tables, LOGGED.slice(k, k + 1));
      moments.push(await contents(tables.store, projections));
      if (k === 5) await tables.checkpoint(0); // files with and without a write-ahead log
      if (k % 3 === 2) cpSync(dir.path, `${dir.path}-${k}`, { recursive: true });
    }
    const whole = await contents(tables.store, projections);
    await tables.close();
    for (let k = 2; k < LOGGED.length; k += 3) {
      const copy = await openTestTables(`${dir.path}-${k}`, projections);
      expect(copy.position.seq).toBe(k + 1);
      expect(await contents(copy.store, projections)).toEqual(moments[k]);
      await applyAll(copy, LOGGED.slice(k + 1), [0.5]);
      expect(await contents(copy.store, projections)).toEqual(whole);
      await copy.close();
      rmSync(`${dir.path}-${k}`, { recursive: true });
    }
  });

  test.each(["missing", "newer than the tables", "of another log", "cut short"])(
    "files that speed up the start may be %s",
    async (what) => {
      await using dir = await tempDir();
      await using other = await tempDir();
      const half = await openTestTables(dir.path, projections);
      await applyAll(half, LOGGED.slice(0, 6));
      await half.close();
      const keys = join(dir.path, "weir.duckdb.keys");
      if (what === "missing") rmSync(keys, { recursive: true });
      if (what === "cut short")
        for (const table of ["tool_calls", "_rollups"]) rmSync(join(keys, `${table}-0.bloom`), { force: true });
      if (what === "newer than the tables" || what === "of another log") {
        const ahead = await openTestTables(other.path, projections);
        const log = what === "of another log" ? { ...LOG, created: "another" } : LOG;
        await ahead.apply(batchOf(LOGGED), log);
        await ahead.close();
        rmSync(keys, { recursive: true });
        cpSync(join(other.path, "weir.duckdb.keys"), keys, { recursive: true });
      }
      const again = await openTestTables(dir.path, projections);
      await applyAll(again, LOGGED.slice(6));
      await using fresh = await tempDir();
      const whole = await openTestTables(fresh.path, projections);
      await applyAll(whole, LOGGED);
      expect(await contents(again.store, projections)).toEqual(await contents(whole.store, projections));
      await again.close();
      await whole.close();
    },
  );
});

test("ids that say nothing of their time are looked up once a batch, and are known again", async () => {
  await using dir = await tempDir();
  const tables = await openTestTables(dir.path, projections);
  const { writer } = tables.store;
  const ask = writer.runAndReadAll.bind(writer);
  let lookups = 0;
  writer.runAndReadAll = (sql, ...rest) => {
    if (/from events where id between/.test(sql)) lookups++;
    return ask(sql, ...rest);
  };
  const random = Array.from({ length: 40 }, (_, k) => ({ ...call(k, "Bash"), id: crypto.randomUUID() }) as Event);
  const log = logOf(
    random,
    random.map((_, k) => k / 40),
  );
  await applyAll(tables, log);
  expect(lookups).toBe(1);
  await applyAll(tables, logOf([...random, ...random], [0.3, 0.7], log.length + 1));
  expect(tables.position).toMatchObject({ applied: 40, repeated: 80 });
  await tables.close();
});

describe("events that a table cannot take", () => {
  const on = [definitionOf("tool.called")!];
  const row = { event_id: id("event"), tool: text("tool") };
  const fail = (event: Event): string => {
    if ((event.data as { tool: string }).tool === "poison") throw new Error("poisoned");
    return event.id;
  };
  const traps: Readonly<Record<string, Projection>> = {
    "a map that throws": defineMap({
      version: 1,
      about: "x",
      on,
      row,
      map: (event) => [{ event_id: fail(event), tool: "x" }],
    }),
    "a fold that throws": defineFold({
      version: 1,
      about: "x",
      on,
      row,
      key: "event_id",
      keyOf: (event) => event.id,
      fold: (_, event) => ({ event_id: fail(event), tool: "x" }),
    }),
    "a key that throws": defineFold({
      version: 1,
      about: "x",
      on,
      row,
      key: "event_id",
      keyOf: (event) => fail(event),
      fold: (_, event) => ({ event_id: event.id, tool: "x" }),
    }),
    "a value that does not fit its column": defineMap({
      version: 1,
      about: "x",
      on,
      row,
      map: (event) => [
        { event_id: ((event.data as { tool: string }).tool === "poison" ? 5 : event.id) as string, tool: "x" },
      ],
    }),
    "the same in a row that may change": defineFold({
      version: 1,
      about: "x",
      on,
      row,
      key: "event_id",
      keyOf: (event) => event.id,
      open: () => true,
      fold: (_, event) => ({
        event_id: ((event.data as { tool: string }).tool === "poison" ? 5 : event.id) as string,
        tool: "x",
      }),
    }),
  };

  test.each(Object.entries(traps))("%s: the event is set aside, the others land", async (_, trap) => {
    await using dir = await tempDir();
    const tables = await openTestTables(dir.path, new Map([...projections, ["trap", trap]]));
    const events = Array.from({ length: 60 }, (_, k) => call(k, k === 17 || k === 41 ? "poison" : "Bash"));
    await applyAll(tables, logOf(events, [0.2, 0.5]));
    expect(tables.position).toMatchObject({ seq: 3, applied: 60, set_aside: 2 });
    expect(await count(tables, "set_aside")).toBe(2);
    expect(await count(tables, "trap")).toBe(58);
    expect([58, 60]).toContain(await count(tables, "events"));
    expect(await count(tables, "tool_calls")).toBe(await count(tables, "events"));
    // once is enough
    await applyAll(tables, logOf(events, [], 4));
    expect(tables.position).toMatchObject({ seq: 4, applied: 60, repeated: 60, set_aside: 2 });
    await applyAll(tables, logOf([call(100, "Bash")], [], 5));
    expect(await count(tables, "trap")).toBe(59);
    await tables.close();
    const again = await openTestTables(dir.path, new Map([...projections, ["trap", trap]]));
    await applyAll(again, logOf(events, [0.5], 6));
    expect(again.position).toMatchObject({ seq: 7, applied: 61, set_aside: 2 });
    await again.close();
  });
});
