import { join } from "node:path";
import { addTo, quantiles, type Sketch } from "../../src/base/sketch.ts";
import type { Event } from "../../src/define/event.ts";
import { columnType, fieldList } from "../../src/define/field.ts";
import type { RollupProjection } from "../../src/define/projection.ts";
import { Tables } from "../../src/engine/apply/tables.ts";
import { openStore, type Store } from "../../src/store/open.ts";
import { makeTables, type Projections } from "../../src/store/tables.ts";
import { encodeEvents } from "../../src/wire/encode.ts";
import { readFrame } from "../../src/wire/frame.ts";
import { portions } from "./generate.ts";

/** The log that test tables are made from. */
export const LOG = { stream: "WEIR_EVENTS", created: "2026-11-20T00:00:00Z" };
const MEMORY = { memoryMb: 256, threads: 1 };

/** A frame as the log holds it. */
export interface Logged {
  readonly seq: number;
  readonly bytes: Uint8Array;
}

/** Events as frames of a log, cut at shares of their number. */
export const logOf = (events: readonly Event[], cuts: readonly number[], first = 1): Logged[] =>
  portions(events, cuts).map((part, k) => ({ seq: first + k, bytes: encodeEvents(part) }));

/** Opens tables in a folder; made anew where there are none. */
export async function openTestTables(folder: string, projections: Projections): Promise<Tables> {
  const store = await openStore(join(folder, "weir.duckdb"), MEMORY);
  const made = await store.writer.runAndReadAll("select count(*) from _tables");
  if (Number(made.getRowsJS()[0]![0]) === 0) await makeTables(store.writer, projections);
  return Tables.open(store, projections);
}

/** Applies frames in batches that end at the given shares of their number. */
export async function applyAll(tables: Tables, log: readonly Logged[], cuts: readonly number[] = []): Promise<void> {
  for (const batch of portions(log, cuts)) {
    if (batch.length > 0)
      await tables.apply(
        batch.map(({ seq, bytes }) => ({ seq, frame: readFrame(bytes) })),
        LOG,
      );
  }
  await tables.quiet(async () => {}); // rows that are ahead of their tables are written into them
}

/** Names of all tables and views that projections make. */
export function tableNames(projections: Projections): string[] {
  return [...projections]
    .flatMap(([name, p]) => [name, ...(p.kind === "rollup" ? Object.keys(p.coarser ?? {}) : [])])
    .sort();
}

/** Every row of every table and view as sorted JSON text, and what was set aside. `hide` names columns to leave out. */
export async function contents(
  store: Pick<Store, "writer">,
  projections: Projections,
  hide: readonly string[] = [],
): Promise<Record<string, string[]>> {
  const out: Record<string, string[]> = {};
  for (const name of [...tableNames(projections), "_rollups", "set_aside"]) {
    const rows = (await store.writer.runAndReadAll(`select * from "${name}"`)).getRowObjectsJson() as Record<
      string,
      unknown
    >[];
    out[name] = rows
      .map((row) =>
        JSON.stringify(Object.fromEntries(Object.entries(row).filter(([column]) => !hide.includes(column)))),
      )
      .sort();
  }
  return out;
}

/** Rows of a roll-up as the view shows them: times in microseconds, sums scaled back, sums of floats rounded. */
export async function rollupRows(
  store: Pick<Store, "writer">,
  view: string,
  rollup: RollupProjection,
): Promise<unknown[]> {
  const sums = Object.keys(rollup.sums);
  const columns = [
    ...(rollup.bucket_us ? ["epoch_us(time) as time"] : []),
    ...Object.keys(rollup.key).map((k) => `"${k}"`),
    ...sums.map((s) => `"${s}"`),
    ...(rollup.sketch ? ["count", '"sum"', "p50", "p95", "p99"] : []),
  ];
  const rows = (await store.writer.runAndReadAll(`select ${columns.join(", ")} from "${view}"`)).getRowObjectsJS();
  return sorted(
    rows.map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([name, value]) => [
          name,
          typeof value === "bigint" ? Number(value) : typeof value === "number" ? rounded(value) : value,
        ]),
      ),
    ),
  );
}

/** What a roll-up must hold by the rows of the tables it reads. */
export async function sumsOfSources(
  store: Pick<Store, "writer">,
  projections: Projections,
  rollup: RollupProjection,
  bucket_us: number | undefined,
): Promise<unknown[]> {
  const groups = new Map<
    string,
    {
      time: number | undefined;
      key: readonly (string | null)[];
      sums: number[];
      count: number;
      sum: number;
      sketch: Sketch;
    }
  >();
  for (const [table, shares] of Object.entries(rollup.of)) {
    for (const row of await rowsOf(store, projections, table)) {
      for (const { time, key, add, value, observed } of shares(row)) {
        const start = bucket_us === undefined || time === undefined ? undefined : time - (time % bucket_us);
        const id = JSON.stringify([start, key]);
        const group = groups.get(id) ?? {
          time: start,
          key,
          sums: add.map(() => 0),
          count: 0,
          sum: 0,
          sketch: new Map(),
        };
        groups.set(id, group);
        add.forEach((n, k) => {
          group.sums[k]! += n;
        });
        if (observed) {
          group.count += observed.count;
          group.sum += observed.sum;
          for (const [one, times] of observed.values) addTo(group.sketch, one, times);
        }
        if (value === undefined) continue;
        group.count++;
        group.sum += value;
        addTo(group.sketch, value);
      }
    }
  }
  const names = Object.keys(rollup.key);
  return sorted(
    [...groups.values()]
      .filter((g) => g.count > 0 || g.sums.some((n) => n !== 0))
      .map((g) => {
        const [p50 = null, p95 = null, p99 = null] = quantiles(g.sketch, [0.5, 0.95, 0.99], g.count).map((q) =>
          q === undefined ? null : rounded(q),
        );
        return {
          ...(rollup.bucket_us ? { time: g.time } : {}),
          ...Object.fromEntries(names.map((name, k) => [name, g.key[k]])),
          ...Object.fromEntries(
            Object.entries(rollup.sums).map(([name, { scale }], k) => [name, rounded(g.sums[k]! / scale)]),
          ),
          ...(rollup.sketch ? { count: g.count, sum: rounded(g.sum), p50, p95, p99 } : {}),
        };
      }),
  );
}

/** Rows of a table as its projection makes them: times in microseconds, nil as undefined. */
export async function rowsOf(
  store: Pick<Store, "writer">,
  projections: Projections,
  table: string,
): Promise<Record<string, unknown>[]> {
  const projection = projections.get(table);
  if (!projection || projection.kind === "rollup") throw new Error(`${table} has no rows of its own`);
  const columns = fieldList(projection.row).map(([name, info]) =>
    columnType(info) === "TIMESTAMP" ? `epoch_us("${name}") as "${name}"` : `"${name}"`,
  );
  const rows = (await store.writer.runAndReadAll(`select ${columns.join(", ")} from "${table}"`)).getRowObjectsJS();
  return rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [
        name,
        value === null ? undefined : typeof value === "bigint" ? Number(value) : value,
      ]),
    ),
  );
}

/** Sums to nine digits; what is smaller than any real measure is nothing: corrections leave such dust behind. */
const rounded = (value: number): number => (Math.abs(value) < 1e-100 ? 0 : Number(value.toPrecision(9)));
const sorted = (rows: readonly unknown[]): unknown[] =>
  rows
    .map((row) => JSON.stringify(row))
    .sort()
    .map((row) => JSON.parse(row));
