import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Steps } from "../../src/define/query.ts";
import { createSelect, type Select } from "../../src/store/select.ts";
import { emptyStore, type TestStore } from "../support/filled-store.ts";

const BOUNDS = { rowsMax: 1_000, timeMs: 10_000 };
/** Takes far longer than any deadline of these tests. */
const ENDLESS = "select count(*) from range(100000000000) a(i) where hash(i) = 5";

let store: TestStore;
let select: Select;
beforeAll(async () => {
  store = await emptyStore();
  select = createSelect(store.instance, { connections: 2 });
});
afterAll(async () => {
  select.close();
  await store[Symbol.asyncDispose]();
});
const one = async (sql: string, values = {}) => (await select({ sql, values }, BOUNDS)).rows[0];

describe("select", () => {
  it("gives plain JSON values", async () => {
    const row =
      await one(`select 1::bigint, 9007199254740993::bigint, 1.25::decimal(10, 2), timestamp '2026-01-02 03:04:05.000006', timestamptz '2026-01-02 03:04:05+00', date '2026-01-02',
      '\\x01\\xff'::blob, [1, 2], {a: timestamp '2026-01-01', b: null}, map {'k': 1}, map {2: 'x'}, 12345678901234567890.12::decimal(38, 2), 'nan'::double, true, null, uuid '018f0000-0000-7000-8000-000000000001', 170141183460469231731687303715884105727::hugeint, timestamp 'infinity'`);
    expect(row).toEqual([
      1,
      "9007199254740993",
      1.25,
      "2026-01-02T03:04:05.000006Z",
      "2026-01-02T03:04:05.000Z",
      "2026-01-02",
      "Af8=",
      [1, 2],
      { a: "2026-01-01T00:00:00.000Z", b: null },
      { k: 1 },
      [{ key: 2, value: "x" }],
      "12345678901234567890.12",
      null,
      true,
      null,
      "018f0000-0000-7000-8000-000000000001",
      "170141183460469231731687303715884105727",
      "infinity",
    ]);
    expect(JSON.parse(JSON.stringify(row))).toEqual(row);
  });
  it("binds values by name, and never as SQL", async () => {
    expect(
      await one("select $a, $b, $c, $d, $e", { a: "'; drop table events; --", b: 5, c: 1.5, d: true, e: null }),
    ).toEqual(["'; drop table events; --", 5, 1.5, true, null]);
    expect(await one("select typeof($a), typeof($b)", { a: 1_795_168_800_000_000, b: 0.5 })).toEqual([
      "BIGINT",
      "DOUBLE",
    ]);
  });
  it("says what to do where the memory is not enough", async () => {
    await expect(one("select list(i::varchar || repeat('x', 500)) from range(5000000) r(i)")).rejects.toMatchObject({
      code: "limit_reached",
      hint: expect.stringContaining("WEIR_STORE_MEMORY_MB"),
    });
  });
  it("answers the same statement with values of other types", async () => {
    const sql = "select coalesce($a, 7)";
    for (const [given, expected] of [
      [null, 7],
      [3, 3],
      [1.5, 1.5],
      [null, 7],
    ]) {
      expect(await one(sql, { a: given })).toEqual([expected]);
    }
  });
  it("stops at the row limit and says so", async () => {
    const answer = await select({ sql: "select i from range(100000) r(i)", values: {} }, { ...BOUNDS, rowsMax: 10 });
    expect(answer.rows).toHaveLength(10);
    expect(answer.truncated).toBe(true);
    expect(
      (await select({ sql: "select i from range(10) r(i)", values: {} }, { ...BOUNDS, rowsMax: 10 })).truncated,
    ).toBe(false);
  });
  it("tells position and rows of one snapshot, also while the writer goes on", async () => {
    await store.writer.run("create table counted(n bigint)");
    let going = true;
    const writing = (async () => {
      for (let n = 1; going; n++) {
        await store.writer.run("begin");
        await store.writer.run(`insert into counted values (${n})`);
        await store.writer.run(`update _weir set seq = ${n}, time_us = ${n}`);
        await store.writer.run("commit");
      }
    })();
    const counted = { sql: "select count(*) as n, $as_of as time, $as_of_seq as seq from counted", values: {} };
    function* twice(): Steps {
      const [first] = yield counted;
      const [second] = yield {
        sql: "select $n as before, count(*) as n from counted",
        values: { n: Number(first!.n) },
      };
      return { rows: [first!, second!], note: "twice" };
    }
    for (let i = 0; i < 50; i++) {
      const { rows, as_of } = await select(counted, BOUNDS);
      expect(rows[0]).toEqual([as_of.seq, as_of.seq, as_of.seq]);
      const { as_of: at, ...shown } = await select.steps(twice(), BOUNDS);
      const { seq } = at;
      expect(shown).toEqual({
        rows: [
          { n: seq, time: seq, seq },
          { before: seq, n: seq },
        ],
        note: "twice",
      });
    }
    going = false;
    await writing;
  });
  it("writes what is ahead of the tables before the first of several statements, and takes no later one that would need it", async () => {
    await store.writer.run("update _weir set ahead = 1");
    const caught: string[] = [];
    const careful = createSelect(store.instance, {
      connections: 1,
      behind: {
        reads: (sql) => sql.includes("changing"),
        async catchUp(begin) {
          caught.push("written");
          await store.writer.run("update _weir set ahead = 0");
          return begin();
        },
      },
    });
    const asking = (...asked: string[]) =>
      careful.steps(
        (function* (): Steps {
          for (const sql of asked) yield { sql, values: {} };
          return { rows: [] };
        })(),
        BOUNDS,
      );
    await expect(asking("select 1", "select 2 as changing")).rejects.toThrow("the first one does not");
    expect(caught).toEqual([]);
    await asking("select 1 as changing", "select 2 as changing");
    await asking("select 1", "select 2 as changing");
    expect(caught).toEqual(["written"]);
    careful.close();
  });
  it("interrupts what takes too long", async () => {
    await expect(select({ sql: ENDLESS, values: {} }, { rowsMax: 1, timeMs: 30 })).rejects.toMatchObject({
      code: "timeout",
    });
    expect(await one("select 1")).toEqual([1]);
  });
  it("interrupts when whoever asked goes away, before and during", async () => {
    const control = new AbortController();
    const asked = select({ sql: ENDLESS, values: {} }, { ...BOUNDS, signal: control.signal });
    control.abort();
    await expect(asked).rejects.toMatchObject({ code: "timeout" });
    await expect(
      select({ sql: "select 1", values: {} }, { ...BOUNDS, signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({ code: "timeout" });
    expect(await one("select 1")).toEqual([1]);
  });
  it("lets a bounded number wait, refuses more, and goes on after", async () => {
    const control = new AbortController();
    const asked = Array.from({ length: 80 }, () =>
      select({ sql: ENDLESS, values: {} }, { ...BOUNDS, signal: control.signal }),
    );
    const settled = Promise.allSettled(asked);
    control.abort();
    const codes = (await settled).map((r) => (r.status === "rejected" ? r.reason.code : "answered"));
    expect(codes.filter((code) => code === "limit_reached")).toHaveLength(80 - 2 - 64);
    expect(codes.filter((code) => code === "timeout")).toHaveLength(66);
    expect(await Promise.all(Array.from({ length: 40 }, (_, k) => one("select $k", { k })))).toEqual(
      Array.from({ length: 40 }, (_, k) => [k]),
    );
  });
  it("goes on after a statement that fails", async () => {
    await expect(one("select nonsense")).rejects.toThrow(/nonsense/);
    await expect(one("select $missing")).rejects.toThrow();
    expect(await one("select 1")).toEqual([1]);
  });
  it("keeps a bounded number of statements prepared", async () => {
    for (let k = 0; k < 200; k++) expect(await one(`select ${k}`)).toEqual([k]);
    expect(await one("select 0")).toEqual([0]);
  });
  it("cannot write", async () => {
    await expect(one("insert into counted values (1)")).rejects.toThrow(/read-only/i);
  });
});
