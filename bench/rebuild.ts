import { execFileSync } from "node:child_process";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { environment, remove, startInstance, startProducer, table, untilApplied } from "./instance.ts";

/** Makes the tables again from the log of `--dir`, or of `--events` (1,000,000) made for it, and compares every table with the live one row for row. */
export default async function rebuild(options: ReadonlyMap<string, string>): Promise<Record<string, unknown>> {
  const weir = await startInstance(options.get("dir"));
  let events = Number(options.get("events") ?? 1_000_000);
  if (!options.has("dir")) {
    await startProducer(weir.dir, { events }).done;
    await untilApplied(weir, events);
  }
  events = (await weir.get<{ tables: { applied: number } }>("/api/status")).tables.applied;
  await weir.stop();
  const live = join(weir.dir, "live-copy.duckdb");
  copyFileSync(join(weir.dir, "weir.duckdb"), live);
  const started = performance.now();
  execFileSync(process.execPath, [new URL("../dist/src/cli.js", import.meta.url).pathname, "rebuild", "--json"], {
    env: environment(weir.dir),
  });
  const seconds = (performance.now() - started) / 1_000;
  const differing = await compare(live, join(weir.dir, "weir.duckdb"));
  if (!options.has("dir")) remove(weir.dir);
  const result = { events, seconds, events_per_s: events / seconds, tables_that_differ: differing };
  table([{ ...result, tables_that_differ: differing.join(",") || "none" }]);
  return result;
}

/** Tables of two stores that differ. */
export async function compare(a: string, b: string): Promise<string[]> {
  const connection = await (await DuckDBInstance.create(":memory:", { memory_limit: "2GB" })).connect();
  await connection.run(`attach '${a}' as a (read_only)`);
  await connection.run(`attach '${b}' as b (read_only)`);
  const names = (await connection.runAndReadAll("select table_name from duckdb_tables() where database_name = 'a'"))
    .getRowsJS()
    .map(([name]) => String(name));
  const differing = [];
  for (const name of names) {
    const [[n]] = (
      await connection.runAndReadAll(
        `select count(*) from ((select * from a."${name}" except all select * from b."${name}") union all (select * from b."${name}" except all select * from a."${name}"))`,
      )
    ).getRowsJS() as [[bigint]];
    if (n > 0n) differing.push(name);
  }
  return differing;
}
