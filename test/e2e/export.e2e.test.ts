import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { expect, test } from "vitest";
import { hasSamples, TRANSCRIPTS } from "../support/transcript-truth.ts";
import { startWeir, type Weir } from "../support/weir.ts";

/** Rows of a table without where in the log they came from. */
const rowsOf = async (weir: Weir, table: string, left: string): Promise<string[]> =>
  (await weir.sql(`select * exclude (${left}) from ${table} order by call`)).map((row) => JSON.stringify(row));

test.skipIf(!hasSamples)("what is exported and published into another weir makes the same tables", async () => {
  await using weir = await startWeir();
  await using other = await startWeir();
  await weir.json(["import", "claude-code", join(TRANSCRIPTS, "oh-my-posh"), "--json"]);
  await weir.settled();

  const exported = await weir.run(["export", "--format", "jsonl"]);
  expect({ code: exported.code, stderr: exported.stderr }).toEqual({ code: 0, stderr: "" });
  const lines = exported.stdout.trimEnd().split("\n");
  expect(await weir.sql("select count(*) as n from events")).toEqual([{ n: lines.length }]);
  expect(JSON.parse(lines[0]!)).toMatchObject({
    specversion: "1.0",
    id: expect.any(String),
    source: expect.any(String),
    type: expect.any(String),
    time: expect.stringMatching(/Z$/),
    data: expect.any(Object),
  });

  const taken = await other.run(["publish", "--file", "-", "--json"], { input: exported.stdout });
  expect(JSON.parse(taken.stdout)).toEqual({ accepted: lines.length, rejected: [] });
  expect(taken.code).toBe(0);
  await other.settled();
  for (const table of ["tool_calls", "model_calls"]) {
    const [here, there] = [await rowsOf(weir, table, "first_seq"), await rowsOf(other, table, "first_seq")];
    expect(here.length).toBeGreaterThan(100);
    expect(there).toEqual(here);
  }
  for (const sums of [
    "sum(calls)::bigint as calls, sum(input_tokens)::bigint as input, round(sum(cost_usd), 6) as cost from usage_daily",
    "count(*) as n from prompts",
    "count(*) as n from sessions",
    "count(*) as n from files",
  ])
    expect(await other.sql(`select ${sums}`)).toEqual(await weir.sql(`select ${sums}`));
  expect(await other.json(["verify", "--json"])).toMatchObject({ ok: true });

  const folder = join(weir.dataDir, "..", "parquet");
  const parquet = await weir.run(["export", "--format", "parquet", "--out", folder]);
  expect(parquet).toMatchObject({
    code: 0,
    stderr: "",
    stdout: expect.stringMatching(/^\d+ events in .*parquet, one folder a day\n$/),
  });
  expect(readdirSync(folder).every((name) => /^day=\d{4}-\d\d-\d\d$/.test(name))).toBe(true);
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const read = await connection.runAndReadAll(
    `select count(*)::int, count(distinct id)::int, bool_and(day::varchar = strftime(time, '%Y-%m-%d')) from read_parquet('${folder}/*/*.parquet', hive_partitioning = true)`,
  );
  expect(read.getRowsJS()).toEqual([[lines.length, lines.length, true]]);
  connection.closeSync();
  instance.closeSync();
  // the second time replaces the first
  expect((await weir.run(["export", "--format", "parquet", "--out", folder])).code).toBe(0);
});

test("an export into a pipe that is closed ends quietly", async () => {
  await using weir = await startWeir();
  for (let k = 0; k < 3; k++) await weir.json(["publish", "metric.measured", `{"name":"m","value":${k}}`, "--json"]);
  const { start, CLI } = await import("../support/weir.ts");
  const head = await start("sh", ["-c", `"${process.execPath}" "${CLI}" export --format jsonl | head -n 1`], {
    env: weir.env,
    input: "",
  }).ended;
  expect(head).toMatchObject({ code: 0, stderr: "", stdout: expect.stringMatching(/^\{"specversion":"1\.0".*\}\n$/) });
});
