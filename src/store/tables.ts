import type { DuckDBConnection } from "@duckdb/node-api";
import { columnType, type FieldInfo, fieldList } from "../define/field.ts";
import type { FoldProjection, MapProjection, Projection, RollupProjection } from "../define/projection.ts";

/** Definitions by name, as the loader found them. */
export type Projections = ReadonlyMap<string, Projection>;

/** A column of a physical table. */
export interface Column {
  readonly name: string;
  readonly type: string;
  readonly info?: FieldInfo;
}

/** Key columns and sums a roll-up may have: all roll-ups share one physical table, so that a commit touches one table for them. */
const ROLLUP_KEYS = 6;
const ROLLUP_SUMS = 16;

/** Columns of the physical table of all roll-ups. */
export const ROLLUP_COLUMNS: readonly Column[] = [
  { name: "rollup", type: "VARCHAR" },
  { name: "id", type: "VARCHAR" },
  { name: "time", type: "TIMESTAMP" },
  ...Array.from({ length: ROLLUP_KEYS }, (_, k) => ({ name: `k${k}`, type: "VARCHAR" })),
  ...Array.from({ length: ROLLUP_SUMS }, (_, k) => ({ name: `s${k}`, type: "BIGINT" })),
  { name: "count", type: "BIGINT" },
  ...["sum", "min", "max", "p50", "p95", "p99"].map((name) => ({ name, type: "DOUBLE" })),
  { name: "sketch", type: "BLOB" },
  { name: "first_seq", type: "BIGINT" },
];

/** Columns of the table of a map or fold projection; fold tables also keep the sequence that made a row, to find it again quickly. */
export function columnsOf(projection: MapProjection | FoldProjection): readonly Column[] {
  const columns: Column[] = fieldList(projection.row).map(([name, info]) => ({ name, type: columnType(info), info }));
  if (projection.kind === "fold") columns.push({ name: "first_seq", type: "BIGINT" });
  return columns;
}

const quote = (name: string): string => `"${name}"`;

function rollupView(name: string, rollup: RollupProjection): string {
  const columns = [
    ...(rollup.bucket_us ? ["time"] : []),
    ...Object.keys(rollup.key).map((key, k) => `k${k} as ${quote(key)}`),
    ...Object.entries(rollup.sums).map(([sum, { scale }], k) =>
      scale === 1 ? `s${k} as ${quote(sum)}` : `s${k} / ${scale}::double as ${quote(sum)}`,
    ),
    ...(rollup.sketch || Object.keys(rollup.sums).length === 0
      ? ["count", "sum", "min", "max", "p50", "p95", "p99", "sketch"]
      : []),
    ...(!rollup.sketch && Object.keys(rollup.sums).length > 0 ? ["max"] : []),
  ];
  return `create or replace view ${quote(name)} as select ${columns.join(", ")} from _rollups where rollup = '${name}' and not (count = 0 and ${emptySums(rollup)})`;
}

const emptySums = (rollup: RollupProjection): string =>
  Object.keys(rollup.sums).length === 0
    ? "true"
    : Object.keys(rollup.sums)
        .map((_, k) => `s${k} = 0`)
        .join(" and ");

/** The statements that make a projection's table or view. */
export function ddlOf(name: string, projection: Projection): readonly string[] {
  switch (projection.kind) {
    case "map":
    case "fold":
      return [
        `create table if not exists ${quote(name)}(${columnsOf(projection)
          .map((c) => `${quote(c.name)} ${c.type}`)
          .join(", ")})`,
      ];
    case "rollup":
      return [name, ...Object.keys(projection.coarser ?? {})].map((view) => rollupView(view, projection));
    case "view":
      return [`create or replace view ${quote(name)} as ${projection.sql}`];
  }
}

/** Views stand behind what they read. */
function inOrder(projections: Projections): [string, Projection][] {
  const rank = (p: Projection): number => (p.kind === "view" ? 2 : p.kind === "rollup" ? 1 : 0);
  return [...projections].sort(([a, p], [b, q]) => rank(p) - rank(q) || (a < b ? -1 : 1));
}

/** What the file holds of a projection, against what the code defines: `same`, `new`, or `changed` (it must be rebuilt). */
export async function compareTables(
  connection: DuckDBConnection,
  projections: Projections,
): Promise<{ fresh: boolean; changed: string[] }> {
  const held = new Map(
    (await connection.runAndReadAll("select name, version from _tables"))
      .getRowsJS()
      .map(([name, version]) => [String(name), Number(version)]),
  );
  const changed = [...projections]
    .filter(([name, p]) => held.size > 0 && held.get(name) !== p.version)
    .map(([name]) => name);
  return { fresh: held.size === 0, changed };
}

/** Makes every table and view in an empty or equal store. */
export async function makeTables(connection: DuckDBConnection, projections: Projections): Promise<void> {
  await connection.run("begin");
  await connection.run(
    `create table if not exists _rollups(${ROLLUP_COLUMNS.map((c) => `${quote(c.name)} ${c.type}`).join(", ")})`,
  );
  await connection.run("delete from _tables");
  for (const [name, projection] of inOrder(projections)) {
    for (const statement of ddlOf(name, projection)) await connection.run(statement);
    await connection.run(`insert into _tables values ($name, ${projection.version}, $definition)`, {
      name,
      definition: projection.about,
    });
  }
  await connection.run("commit");
}
