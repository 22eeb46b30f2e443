import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WeirError } from "../../src/base/errors.ts";
import { LIMITS } from "../../src/base/limits.ts";
import { createLog } from "../../src/base/log.ts";
import { judgeText, judgeTree } from "../../src/store/sandbox/gate.ts";
import { ADDRESS_SPACES_KB, startChild } from "../../src/store/sandbox/process.ts";
import { createSandbox, type QueryLimits, type Sandbox } from "../../src/store/sandbox/run.ts";
import { ATTACKS } from "../support/sql-attacks.ts";

const ROOT = join(import.meta.dirname, "../..");
const SOURCE = join(ROOT, "src/store/sandbox/child.ts");
const BUILT = join(ROOT, "node_modules/.cache/weir-test", `sandbox-child-${process.pid}.mjs`);
const TABLES = ["events", "model_calls", "sessions"];
const LIMIT: QueryLimits = { rowsMax: 1_000, bytesMax: 1_000_000, timeMs: 8_000 };
const log = createLog("test", "silent");

let dir: string;
let file: string;
let sandbox: Sandbox;

async function makeSnapshot(path: string, first: string): Promise<void> {
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  await connection.run(`
    create table events_1 as select i as id, 's' || (i % 3) as session, timestamp '2026-01-01' + to_minutes(i) as time,
      json_object('x', i, 'name', '${first}') as data, i * 1.5 as cost_usd from range(1000) r(i);
    create view events as select * from events_1;
    create table sessions as select 's' || i as session, i as n from range(3) r(i);
    create table model_calls as select 's' || (i % 3) as session, i::bigint as input_tokens, i / 1000.0 as cost_usd from range(100) r(i);
    create table secret_table as select 'hidden' as word;`);
  connection.closeSync();
  instance.closeSync();
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "weir-sandbox-"));
  file = join(dir, "snapshot.duckdb");
  await makeSnapshot(file, "first");
  mkdirSync(join(BUILT, ".."), { recursive: true });
  const external = ["@duckdb/node-api"];
  await build({ entryPoints: [SOURCE], outfile: BUILT, bundle: true, platform: "node", format: "esm", external });
  sandbox = createSandbox({ snapshotPath: async () => file, childEntry: BUILT, tables: TABLES, log });
});
afterAll(async () => {
  await sandbox?.close();
  rmSync(BUILT, { force: true });
  rmSync(dir, { recursive: true, force: true });
});

const query = (sql: string, limits: Partial<QueryLimits> = {}) => sandbox.query(sql, { ...LIMIT, ...limits });
async function failure(sql: string, limits: Partial<QueryLimits> = {}): Promise<WeirError> {
  const thrown: unknown = await query(sql, limits).then(
    (answer) => new Error(`answered: ${JSON.stringify(answer).slice(0, 200)}`),
    (error) => error,
  );
  if (!(thrown instanceof WeirError)) throw thrown;
  return thrown;
}

describe("what may be asked", () => {
  it.each<[string, unknown[][]]>([
    ["select count(*), min(id), max(time) from events", [[1000, 0, "2026-01-01T16:39:00.000Z"]]],
    ["select data->>'x', data->'$.name' from events where id = 7", [["7", '"first"']]],
    [
      "select s.session, count(*) n from events e join sessions s using (session) group by all order by 1",
      [
        ["s0", 334],
        ["s1", 333],
        ["s2", 333],
      ],
    ],
    [
      "with a as (select session, sum(cost_usd) c from model_calls group by 1), b as (select max(c) c from a) select session from a, b where a.c = b.c",
      [["s0"]],
    ],
    [
      "select id, lag(id) over (partition by session order by time) from events order by id limit 2 offset 3",
      [
        [3, 0],
        [4, 1],
      ],
    ],
    [
      "select quantile_cont(input_tokens, 0.5), median(input_tokens), approx_quantile(input_tokens, 0.99) > 90 from model_calls",
      [[49.5, 49.5, true]],
    ],
    [
      "select date_trunc('hour', time) h, count(*) from events group by 1 order by 1 limit 1",
      [["2026-01-01T00:00:00.000Z", 60]],
    ],
    ["select count(*) from events where time >= timestamp '2026-01-01 01:00:00' - interval 30 minutes", [[970]]],
    [
      "select session from events qualify row_number() over (partition by session order by id desc) = 1 order by 1",
      [["s0"], ["s1"], ["s2"]],
    ],
    ["select n from sessions union all select 9 order by n desc limit 1", [[9]]],
    ["with recursive r(n) as (select 1 union all select n + 1 from r where n < 5) select sum(n) from r", [[15]]],
    ["select (select count(*) from sessions), exists (from events where id = 1)", [[3, true]]],
    ["from sessions select max(n)", [[2]]],
    ["select count(*) from main.events", [[1000]]],
    ["select count(*) from generate_series(timestamp '2026-01-01', timestamp '2026-01-02', interval 1 hour)", [[25]]],
    ["select * from range(3) t(i) where i > 1", [[2]]],
    ["select key, value from json_each('{\"a\":1}')", []],
    ["select list_transform([1, 2], x -> x + 1), unnest(['a'])", [[[2, 3], "a"]]],
    [
      "select repeat('ab', 3), lpad('7', 3, '0'), printf('%05d', 42), levenshtein(left('abc', 10), 'abd')",
      [["ababab", "007", "00042", 1]],
    ],
    ["select 1; -- only one", [[1]]],
    ["/* a ; b */ select 'x;y'", [["x;y"]]],
  ])("%s", async (sql, rows) => {
    const answer = await query(sql);
    expect(answer.truncated).toBe(false);
    if (rows.length > 0) expect(answer.rows).toEqual(rows);
  });

  it("every type becomes plain JSON", async () => {
    const { columns, rows } =
      await query(`select 1::bigint a, 9007199254740993::bigint b, 170141183460469231731687303715884105727::hugeint c,
      1.25::decimal(10,2) d, 12345678901234567890.12::decimal(38,2) e, timestamp '2026-01-02 03:04:05.678901' f,
      timestamptz '2026-01-02 03:04:05+02' g, date '2026-01-02' h, 'nan'::double i, null j, true k, [1, null] l, {'p': 1::bigint} m,
      map {'q': 2} n, '\\x41'::blob o, uuid '550e8400-e29b-41d4-a716-446655440000' p, interval 90 minutes q`);
    expect(rows).toEqual([
      [
        ...[1, "9007199254740993", "170141183460469231731687303715884105727", 1.25, "12345678901234567890.12"],
        ...[
          "2026-01-02T03:04:05.678901Z",
          "2026-01-02T01:04:05.000Z",
          "2026-01-02",
          null,
          null,
          true,
          [1, null],
          { p: 1 },
        ],
        ...[{ q: 2 }, "QQ==", "550e8400-e29b-41d4-a716-446655440000", "01:30:00"],
      ],
    ]);
    expect(columns[0]).toEqual({ name: "a", type: "BIGINT" });
    expect(columns[3]?.type).toBe("DECIMAL(10,2)");
  });

  it("EXPLAIN and DESCRIBE of what may be read", async () => {
    expect(JSON.stringify((await query("explain from events where id < 3")).rows)).toMatch(/SCAN/);
    expect((await query("describe sessions")).rows.map((r) => r[0])).toEqual(["session", "n"]);
    expect((await query("summarize select n from sessions")).rows).toHaveLength(1);
  });

  it("rows and bytes are cut, and the answer says so", async () => {
    const rows = await query("select i from range(50000000) t(i)", { rowsMax: 5 });
    expect(rows.rows).toEqual([[0], [1], [2], [3], [4]]);
    expect(rows.truncated).toBe(true);
    const bytes = await query("select repeat('x', 1000) from range(100000)", { bytesMax: 10_000 });
    expect(bytes.rows).toHaveLength(9);
    expect(bytes.truncated).toBe(true);
    expect((await query("from sessions", { rowsMax: 3 })).truncated).toBe(false);
  });
});

describe("what is refused before it runs", () => {
  it.each(ATTACKS)("%s", async (sql) => {
    const error = await failure(sql);
    expect(error.code).toBe("sql_refused");
    expect(error.message.length).toBeGreaterThan(5);
  });

  it("names the function or the table", async () => {
    expect((await failure("from read_csv('/etc/passwd')")).message).toContain("read_csv");
    expect((await failure("from secret_table")).message).toContain("secret_table");
  });

  it("text that is too long or nested too deeply", async () => {
    expect((await failure(`select '${"x".repeat(LIMITS.sql_chars_max)}'`)).code).toBe("sql_refused");
    const deep = await failure(`select ${"(".repeat(4_000)}1${")".repeat(4_000)}`).catch(() => undefined);
    expect(deep === undefined || ["sql_refused", "sql_failed"].includes(deep.code)).toBe(true);
    expect(["sql_refused", "sql_failed"]).toContain((await failure(`select ${"not ".repeat(4_900)}true`)).code);
    expect((await query("select 1")).rows).toEqual([[1]]);
  });

  it("nothing was written anywhere", () => {
    expect(readdirSync(dir)).toEqual(["snapshot.duckdb"]);
    expect(existsSync("/tmp/x.csv")).toBe(false);
  });
});

describe("what is stopped while it runs", () => {
  it("an endless recursive query, at its deadline", async () => {
    const error = await failure(
      "with recursive r(n) as (select 1 union all select n + 1 from r) select max(n) from r",
      { timeMs: 300 },
    );
    expect(error.code).toBe("timeout");
    expect((await query("select 1")).rows).toEqual([[1]]);
  });

  it("work that does not end by itself", async () => {
    const error = await failure(
      "select count(*) from range(10000000) a, range(10000000) b, range(10000000) c where a.range + b.range = c.range - 1",
      { timeMs: 300 },
    );
    expect(["timeout", "limit_reached"]).toContain(error.code);
    expect((await query("select 1")).rows).toEqual([[1]]);
  });

  it.each([
    "with recursive r(n, s) as (select 1, 'x' union all select n + 1, s || s from r where n < 40) select max(length(s)) from r",
    "select list(a.range) from range(90000000) a",
    "select length(string_agg(repeat('x', 10000), '')) from range(1000000)",
    "select count(*) from (select distinct hash(a.range) from range(90000000) a)",
    "select replace(repeat('x', 10000) || i, 'x', repeat('y', 100)) s from range(100000) t(i) order by s",
    "select * from range(90000000) order by hash(range)",
  ])("memory without end: %s", async (sql) => {
    const error = await failure(sql, { timeMs: 4_000 });
    expect(["limit_reached", "timeout"]).toContain(error.code);
    expect((await query("select 1")).rows).toEqual([[1]]);
  });

  it("values that are counted apart and take too much memory are told as that, without a path of this machine", async () => {
    const error = await failure("select count(distinct i || repeat('x', 200)) from range(3000000) t(i)", {
      timeMs: 20_000,
    });
    expect(error).toMatchObject({ code: "limit_reached", message: "the statement needs more memory than it may have" });
    expect((await query("select 1")).rows).toEqual([[1]]);
  });

  it("what cannot be interrupted is killed with its process", async () => {
    const error = await failure(
      `with long as (select string_agg(i::varchar, '') as s from range(6000) t(i))
       select max(jaro_similarity(s || i, reverse(s) || i)) from long, range(20000) t(i)`,
      { timeMs: 200 },
    );
    expect(error).toMatchObject({ code: "timeout", message: "the statement was stopped after 200 ms" });
    expect((await query("select 1")).rows).toEqual([[1]]);
  });

  it("when the caller goes away", async () => {
    const controller = new AbortController();
    const running = failure("with recursive r(n) as (select 1 union all select n + 1 from r) select max(n) from r", {
      signal: controller.signal,
    });
    await query("select 1", { signal: AbortSignal.abort() }).catch((error) => expect(error.code).toBe("timeout"));
    controller.abort();
    expect((await running).code).toBe("timeout");
    expect((await query("select 1")).rows).toEqual([[1]]);
  });

  it("mistakes are told with DuckDB's words", async () => {
    const missing = await failure("select no_such_column from events");
    expect(missing.code).toBe("sql_failed");
    expect(missing.message).toContain("no_such_column");
    expect((await failure("select 'x'::integer")).code).toBe("sql_failed");
    expect(await failure("selct 1")).toMatchObject({ code: "sql_failed", message: expect.stringContaining("selct") });
  });
});

describe("the process", () => {
  it("answers one at a time and refuses when too many wait", async () => {
    const slow = Array.from({ length: LIMITS.sandbox_waiting_max }, (_, i) =>
      query(`select ${i} from range(3) limit 1`),
    );
    expect((await failure("select 99")).code).toBe("limit_reached");
    expect((await Promise.all(slow)).map((answer) => answer.rows[0]?.[0])).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it("has no environment, and settings that cannot be changed or seen through", async () => {
    const { rows } = await query(
      "select current_setting('access_mode'), current_setting('lock_configuration'), current_setting('enable_external_access')",
    );
    expect(rows).toEqual([["read_only", true, false]]);
  });

  it.skipIf(process.platform !== "linux")(
    "is kept, but not after a statement that reached the limits of memory",
    async () => {
      await using fresh = createSandbox({ snapshotPath: async () => file, childEntry: BUILT, tables: TABLES, log });
      const children = () =>
        readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, "utf8").trim().split(" ");
      const others = new Set(children());
      const run = async (sql: string) => {
        await fresh.query(sql, LIMIT).catch(() => {});
        return children().filter((pid) => !others.has(pid));
      };
      const first = await run("select 1");
      expect(first).toHaveLength(1);
      expect(await run("select max(id) from events")).toEqual(first);
      await run("select list(a.range) from range(90000000) a");
      const second = await run("select 1");
      expect(second).toHaveLength(1);
      expect(second).not.toEqual(first);
    },
  );

  it("reads the new snapshot when there is one", async () => {
    const other = join(dir, "other.duckdb");
    await makeSnapshot(other, "second");
    let path = file;
    await using changing = createSandbox({ snapshotPath: async () => path, childEntry: BUILT, tables: TABLES, log });
    const name = async () => (await changing.query("select data->>'name' from events limit 1", LIMIT)).rows[0]?.[0];
    expect(await name()).toBe("first");
    path = other;
    expect(await name()).toBe("second");
    path = file;
    expect(await name()).toBe("first");
  });

  it("says when the snapshot cannot be opened", async () => {
    await using broken = createSandbox({ snapshotPath: async () => SOURCE, childEntry: BUILT, tables: TABLES, log });
    await expect(broken.query("select 1", LIMIT)).rejects.toMatchObject({ code: "store_failed" });
  });

  it("says when it cannot be started", async () => {
    const none = createSandbox({
      snapshotPath: async () => file,
      childEntry: join(dir, "none.mjs"),
      tables: TABLES,
      log,
    });
    await expect(none.query("select 1", LIMIT)).rejects.toMatchObject({ code: "store_failed" });
    await none.close();
    await expect(none.query("select 1", LIMIT)).rejects.toMatchObject({ code: "not_running" });
  });

  it("runs from source in development", async () => {
    await using source = createSandbox({ snapshotPath: async () => file, childEntry: SOURCE, tables: TABLES, log });
    expect((await source.query("select count(*) from events", LIMIT)).rows).toEqual([[1000]]);
  });
});

describe("the limits of the system", () => {
  it.skipIf(process.platform !== "linux")("are set on the child (Linux)", async () => {
    const child = startChild(BUILT, ADDRESS_SPACES_KB[0]);
    try {
      await new Promise((resolve) => child.stdout?.once("data", resolve)); // it is up, with these limits
      const limits = readFileSync(`/proc/${child.pid}/limits`, "utf8");
      const hard = (name: string) => new RegExp(`^${name} +\\S+ +(\\S+)`, "m").exec(limits)?.[1];
      expect(hard("Max address space")).toBe(String(1_572_864 * 1_024));
      expect(hard("Max cpu time")).toBe(String(LIMITS.sandbox_cpu_s));
      expect(hard("Max file size")).toBe("0");
      expect(hard("Max open files")).toBe(String(LIMITS.sandbox_files_max));
      expect(hard("Max core file size")).toBe("0");
      expect(readFileSync(`/proc/${child.pid}/environ`, "utf8").replace(/PWD=[^\0]*\0/, "")).toBe(
        "MALLOC_ARENA_MAX=2\0",
      );
    } finally {
      child.kill("SIGKILL");
    }
  });
});

describe("the gate, without a process", () => {
  it("refuses what it does not understand", () => {
    for (const tree of [
      "",
      "null",
      "[]",
      "{}",
      '{"statements":[]}',
      '{"statements":[{"node":null}]}',
      '{"statements":[{"node":{"type":"NEW_NODE"}}]}',
    ]) {
      expect(judgeTree(tree, TABLES).allowed).toBe(false);
    }
    const from = (ref: unknown) =>
      JSON.stringify({ statements: [{ node: { type: "SELECT_NODE", cte_map: { map: [] }, from_table: ref } }] });
    expect(judgeTree(from({ type: "NEW_KIND_OF_TABLE" }), TABLES)).toEqual({
      allowed: false,
      reason: "NEW_KIND_OF_TABLE is not allowed as a table",
    });
    expect(
      judgeTree(from({ type: "BASE_TABLE", table_name: "Events", schema_name: "", catalog_name: "" }), TABLES),
    ).toEqual({ allowed: true });
    expect(
      judgeTree(from({ type: "BASE_TABLE", table_name: "events", schema_name: "temp", catalog_name: "" }), TABLES)
        .allowed,
    ).toBe(false);
  });

  it("takes EXPLAIN off only as a plain word", () => {
    expect(judgeText("EXPLAIN select 1")).toEqual({ allowed: true, inner: "select 1", explain: true });
    expect(judgeText("explain\tanalyse select 1").allowed).toBe(false);
    expect(judgeText("select 1\0").allowed).toBe(false);
  });
});
