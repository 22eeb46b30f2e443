import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Column } from "../../src/define/column.ts";
import { Rows } from "../../src/store/rows.ts";
import type { TextLane } from "../../src/store/text-lane.ts";
import { checkColumn, packColumn, readColumn } from "../../src/wire/column.ts";
import { Cursor } from "../../src/wire/msgpack.ts";

const COLUMNS = [
  { name: "t", type: "VARCHAR" },
  { name: "u", type: "UUID" },
  { name: "i", type: "BIGINT" },
  { name: "d", type: "DOUBLE" },
  { name: "b", type: "BOOLEAN" },
  { name: "x", type: "BLOB" },
] as const;

const values = {
  VARCHAR: fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 80 }),
    fc.constantFrom("", "exactly 12 by", "thirteen bytes", "ä".repeat(6)),
  ),
  UUID: fc.uuid().map((id) => id.toLowerCase()),
  BIGINT: fc.maxSafeInteger(),
  DOUBLE: fc.double({ noNaN: true }),
  BOOLEAN: fc.boolean(),
  BLOB: fc.uint8Array({ maxLength: 40 }),
};

/** A column as a frame holds it: through its bytes and back. */
function onTheWire(list: readonly unknown[]): Column | undefined {
  const raw = packColumn(list, list.length);
  if (!raw) return undefined;
  checkColumn(new Cursor(raw), list.length, "any");
  return readColumn(raw);
}

const column = (type: keyof typeof values) =>
  fc.oneof(
    fc.array(fc.option(values[type] as fc.Arbitrary<unknown>), { minLength: 40, maxLength: 40 }),
    fc
      .tuple(fc.array(fc.option(values[type] as fc.Arbitrary<unknown>), { minLength: 1, maxLength: 3 }), fc.nat(1_000))
      .map(([few, seed]) => Array.from({ length: 40 }, (_, k) => few[(k * seed) % few.length])),
  );

const shown = (value: unknown): unknown =>
  value === null || value === undefined
    ? null
    : value instanceof Uint8Array
      ? Buffer.from(value).toString("hex")
      : typeof value === "bigint"
        ? Number(value)
        : Object.is(value, -0)
          ? 0
          : value;

test("whatever form a column has, its values stand in the table", async () => {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run(`create table t(${COLUMNS.map((c) => `${c.name} ${c.type}`).join(", ")})`);
  const rows = new Rows("t", COLUMNS);
  const batch = fc.tuple(...COLUMNS.map((c) => column(c.type)));
  await fc.assert(
    fc.asyncProperty(
      fc.array(batch, { minLength: 1, maxLength: 4 }),
      fc.nat(39),
      fc.boolean(),
      async (parts, cut, whole) => {
        const expected: unknown[][] = [];
        for (const part of parts) {
          const columns = part.map(onTheWire);
          rows.lanes.forEach((lane, k) => {
            if (!whole) for (const value of part[k]!) lane.push(value);
            else {
              lane.take(columns[k], 0, cut);
              lane.take(columns[k], cut, 40);
            }
          });
          for (let row = 0; row < 40; row++) expected.push(part.map((list) => shown(list[row])));
        }
        await rows.append(connection);
        expect(rows.count).toBe(0);
        const read = await connection.runAndReadAll("select t, u::varchar, i, d, b, hex(x) from t");
        const held = read
          .getRowsJS()
          .map((row) => row.map((v, k) => (k === 5 && v !== null ? String(v).toLowerCase() : shown(v))));
        await connection.run("delete from t");
        expect(held).toEqual(expected);
      },
    ),
    { numRuns: 60 },
  );
  connection.closeSync();
  instance.closeSync();
});

test("more rows and bytes than a vector or a lane begins with", async () => {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run("create table t(a varchar, b varchar, n bigint)");
  const rows = new Rows("t", [
    { name: "a", type: "VARCHAR" },
    { name: "b", type: "VARCHAR" },
    { name: "n", type: "BIGINT" },
  ]);
  for (let round = 0; round < 3; round++) {
    for (let frame = 0; frame < 9; frame++) {
      const texts = Array.from({ length: 1_000 }, (_, k) =>
        k % 7 === 0 ? null : `text ${frame} ${k} ${"é".repeat(k % 50)}`,
      );
      rows.lanes[0]!.take(onTheWire(texts), 0, 1_000);
      rows.lanes[1]!.take({ form: "same", value: "x".repeat(5_000) }, 0, 1_000);
      for (let k = 0; k < 1_000; k++) rows.lanes[2]!.push(k);
    }
    await rows.append(connection);
  }
  const read = await connection.runAndReadAll(
    "select count(*), count(a), sum(length(b)), count(*) filter (a is not null and not starts_with(a, 'text ')), sum(length(a)) from t",
  );
  const lengths = Array.from({ length: 9_000 }, (_, i) => {
    const [frame, k] = [Math.floor(i / 1_000), i % 1_000];
    return k % 7 === 0 ? 0 : `text ${frame} ${k} `.length + (k % 50);
  });
  expect(read.getRowsJS()[0]!.map(Number)).toEqual([
    27_000,
    (9_000 - 9 * 143) * 3,
    27_000 * 5_000,
    0,
    lengths.reduce((a, b) => a + b, 0) * 3,
  ]);
  connection.closeSync();
  instance.closeSync();
});

test("a text put together from parts is the JSON that JSON.stringify makes", async () => {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run("create table t(j varchar)");
  const rows = new Rows("t", [{ name: "j", type: "VARCHAR" }]);
  const lane = rows.lanes[0] as TextLane;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ unit: "binary", maxLength: 200 }), { minLength: 1 }), async (texts) => {
      const clean = texts.map((text) => Buffer.from(text, "utf8").toString("utf8"));
      for (const text of clean) {
        const bytes = Buffer.from(`..${text}..`, "utf8");
        lane.begin();
        lane.part(Buffer.from("["));
        lane.quoted(bytes, 2, bytes.length - 4);
        lane.text(",1]");
        lane.end();
      }
      await rows.append(connection);
      const held = (await connection.runAndReadAll("select j from t")).getRowsJS().map(([j]) => j);
      await connection.run("delete from t");
      expect(held).toEqual(clean.map((text) => `[${JSON.stringify(text)},1]`));
    }),
    { numRuns: 60 },
  );
  connection.closeSync();
  instance.closeSync();
});
