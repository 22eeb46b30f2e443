import { join, resolve } from "node:path";
import { addTo, packSketch, quantiles, type Sketch } from "../../src/base/sketch.ts";
import { loadProjections } from "../../src/engine/load.ts";
import { openStore, type Store } from "../../src/store/open.ts";
import { makeTables } from "../../src/store/tables.ts";
import { type TempDir, tempDir } from "./temp.ts";

/** The project's folder. */
export const ROOT = resolve(import.meta.dirname, "../..");
/** Newest event of a filled store, and how many calls of tools it has. */
export const NEWEST_US = Date.UTC(2026, 10, 20, 12) * 1_000;
export const CALLS = 3_000;
export const SESSIONS = 30;
const STEP_US = 300_000_000; // one call every five minutes: about ten days
const FIRST_US = NEWEST_US - (CALLS - 1) * STEP_US;

/** A store in its own folder, closed and removed when the test leaves its block. */
export interface TestStore extends Store {
  [Symbol.asyncDispose](): Promise<void>;
}

/** An empty store with every table. */
export async function emptyStore(): Promise<TestStore> {
  const dir: TempDir = await tempDir();
  const store = await openStore(join(dir.path, "weir.duckdb"), { memoryMb: 160, threads: 2 });
  await makeTables(store.writer, await loadProjections(ROOT));
  return {
    ...store,
    async [Symbol.asyncDispose]() {
      await store.close();
      await dir[Symbol.asyncDispose]();
    },
  };
}

/** Session of the i-th call. */
export const sessionOf = (i: number): string =>
  `session-${String(Math.floor((i * SESSIONS) / CALLS)).padStart(2, "0")}`;
const SESSION = `'session-' || lpad((i * ${SESSIONS} // ${CALLS})::varchar, 2, '0')`;
const TIME = `make_timestamp(${FIRST_US} + i * ${STEP_US})`;
const PROJECT = `'/home/ada/' || case when i % 3 = 0 then 'weir' else 'other' end`;
/** An id whose first bits are its time, as UUIDv7. */
const ID = (kind: number) =>
  `(lpad(to_hex((${FIRST_US} + i * ${STEP_US}) // 1000), 12, '0') || '7000800000000000' || lpad(to_hex(i * 16 + ${kind}), 4, '0'))::uuid`;
const upTo = (n: number) => `from range(${n}) r(i)`;

/** Statements that fill the plain tables: 3,000 calls of tools and what goes with them. */
const ROWS: readonly string[] = [
  `insert into tool_calls by name select 'tool:c' || i as call, ${SESSION} as session, ${TIME} as time,
    ['Bash', 'Read', 'Edit', 'mcp__github__search'][(i % 4 + 1)::int] as tool, case when i % 4 = 3 then 'github' end as mcp_server,
    (i % 100 + 1) * 10.0 as duration_ms, i % 25 <> 0 as success, case when i % 25 = 0 then 'exit code ' || i || ': no such file /tmp/x' || i end as error,
    case when i % 25 = 0 then 'failed' when i % 50 = 1 then 'denied' else 'done' end as status, ${PROJECT} as project, 'main' as branch, 'claude-code' as assistant,
    '{"command":"ls ' || i || '"}' as input, 'output ' || i as output, 20 as input_bytes, 10 as output_bytes, ${ID(1)} as event_id, 'hook,transcript' as sources, i as first_seq ${upTo(CALLS)}`,
  `insert into model_calls by name select 'model:m' || i as call, ${SESSION} as session, ${TIME} as time, case when i % 2 = 0 then 'claude-opus-4' else 'mystery' end as model,
    10 as input_tokens, 20 as output_tokens, 30 as cache_creation_tokens, 40 as cache_read_tokens, case when i % 2 = 0 then 0.01 end as cost_usd, i % 100 <> 0 as success,
    case when i % 100 = 0 then 'overloaded' end as error, 900.0 as duration_ms, ${PROJECT} as project, 'claude-code' as assistant, ${ID(2)} as event_id, 'transcript' as sources, i as first_seq ${upTo(CALLS)} where i % 3 = 0`,
  `insert into prompts by name select 'prompt:p' || i as prompt, ${SESSION} as session, ${TIME} as time, 'please fix number ' || i as text, 20 as chars, 'text' as kind, ${PROJECT} as project,
    'claude-code' as assistant, ${ID(3)} as event_id, 'hook' as sources, i as first_seq ${upTo(CALLS)} where i % 10 = 0`,
  `insert into files by name select 'file:f' || i as change, '/home/ada/weir/src/f' || i % 20 || '.ts' as path, case when i % 40 = 0 then 'read' else 'changed' end as action, ${TIME} as time, ${SESSION} as session,
    ${PROJECT} as project, 3 as lines_added, 1 as lines_removed, 'transcript' as source, ${ID(4)} as event_id, i as first_seq ${upTo(CALLS)} where i % 20 = 0`,
  `insert into commits by name select 'commit:' || i as commit, md5(i::varchar) as sha, ${TIME} as time, ${SESSION} as session, ${PROJECT} as project, 'main' as branch, 'committed' as kind,
    'fix number ' || i as message, 2 as files, ${ID(5)} as event_id, i as first_seq ${upTo(CALLS)} where i % 100 = 0`,
  `insert into branches by name select ${TIME} as time, ${PROJECT} as project, 'fix-' || i as branch, 'created' as action, ${ID(5)} as event_id ${upTo(3)}`,
  `insert into watched_paths by name select '/home/ada/notes' as path, true as watched, ${TIME} as set_at, 'ada' as set_by, 0 as first_seq ${upTo(1)}`,
  `insert into mcp_calls by name select ${ID(6)} as event_id, ${SESSION} as session, ${TIME} as time, 'github' as server, 'tools/call' as method, 'search' as tool, 12.5 as duration_ms, i % 40 <> 3 as success,
    case when i % 40 = 3 then 'tool_error' end as error, 100 as request_bytes, 2000 as response_bytes, '2026-07-28' as protocol ${upTo(CALLS)} where i % 4 = 3`,
  `insert into spans by name select ${ID(12)} as event_id, ${SESSION} as session, ${TIME} as started_at, ${TIME} + interval 5 millisecond as time, 5.0 as duration_ms, 'tools/call search' as name, 'github' as service,
    'server' as kind, case when i % 40 = 3 then 'error' else 'ok' end as status, 'trace-' || i // 2 as trace_id, 'span-' || i as span_id ${upTo(CALLS)} where i % 20 < 2`,
  `insert into logs by name select ${ID(13)} as event_id, ${SESSION} as session, ${TIME} as time, 'INFO' as severity, 9 as severity_number, 'search answered' as body, 'github' as service ${upTo(CALLS)} where i % 20 = 0`,
  `insert into anomalies by name select ${ID(7)} as event_id, 'tool.duration{tool=Bash}' as series, ${TIME} as time, 'high' as kind, 'warning' as severity, 9.5 as score, 990.0 as value, 0.0 as expected_low,
    500.0 as expected_high, 'robust-z' as method, ${SESSION} as session ${upTo(CALLS)} where i % 500 = 0`,
  `insert into alerts by name select 'alert-' || i as id, 'robust-z' as rule, case when i = 0 then 'resolved' else 'open' end as status, 'warning' as severity, ${TIME} as raised_at, 'tool.duration{tool=Bash}' as series,
    'tool.duration{tool=Bash} is 990, at most 500 was expected' as message, 990.0 as value, 1 as times, ${TIME} as last_at, case when i = 0 then ${TIME} end as resolved_at, i as first_seq ${upTo(CALLS)} where i % 500 = 0`,
  `insert into alert_history by name select ${ID(8)} as event_id, 'alert-' || i as alert, ${TIME} as time, 'raised' as what, 990.0 as value ${upTo(CALLS)} where i % 500 = 0`,
  `insert into thresholds by name select 'slow' as name, 'tool.duration' as metric, 5000.0 as above, 'warning' as severity, ${TIME} as set_at, 'ada' as set_by, 0 as first_seq ${upTo(1)}`,
  `insert into rejected by name select ${ID(9)} as id, ${TIME} as time, 'invalid' as reason, 'data.tool is missing' as detail, 'sdk://x' as source, 'tool.called' as input_type, encode('{"type":"tool.called"}') as original,
    'application/cloudevents+json' as content_type, 1 as events, 'open' as status, i as first_seq ${upTo(3)}`,
  `insert into gaps by name select ${ID(10)} as event_id, ${TIME} as time, 'found' as what, 'producer-1' as "of", 7 as epoch, 10 as "first", 12 as "last", 3 as events ${upTo(2)}`,
  `insert into events by name select ${ID(1)} as id, 'claude-code://host' as source, ${TIME} as time, case when i % 4 = 0 then 'Bash' end as subject, ${SESSION} as session, 'hook' as via, 'producer-1' as producer, 1 as epoch, i + 1 as n,
    ${PROJECT} as project, 'claude-code' as assistant, case when i % ${CALLS / SESSIONS} = 0 then 'session.started' else 'tool.called' end as type, 1 as v, '{"tool":"Bash","output":"needle' || i || '"}' as data, i // 10 + 1 as stream_seq ${upTo(CALLS)}`,
  `insert into session_facts by name select session, min(time) as started_at, max(time) as last_event_at, 'claude-code' as assistant, min(project) as project, 'main' as branch, 'claude-opus-4' as model,
    'Title of ' || session as title, min(first_seq) as first_seq from tool_calls group by session`,
];

const KEYS = 6;
const SUMS = 16;
interface RollupRow {
  readonly rollup: string;
  readonly time?: string | undefined;
  readonly key: readonly (string | null)[];
  readonly sums: readonly number[];
  readonly values: readonly number[] | undefined;
}

/** One row of the physical table of roll-ups, as SQL. */
function rollupValues({ rollup, time, key, sums, values }: RollupRow): string {
  const sketch: Sketch = new Map();
  for (const value of values ?? []) addTo(sketch, value);
  const quote = (v: string | null | undefined): string =>
    v === null || v === undefined ? "null" : `'${v.replaceAll("'", "''")}'`;
  const pad = <T>(list: readonly T[], n: number): (T | null)[] => Array.from({ length: n }, (_, k) => list[k] ?? null);
  const [p50, p95, p99] = quantiles(sketch, [0.5, 0.95, 0.99]);
  const numbers =
    values && values.length > 0
      ? [values.length, values.reduce((a, b) => a + b, 0), Math.min(...values), Math.max(...values), p50, p95, p99]
      : [0, 0, null, null, null, null, null];
  const columns = [
    quote(rollup),
    quote(`${rollup}|${time ?? ""}|${key.join("|")}`),
    time === undefined ? "null" : `timestamp '${time}'`,
    ...pad(key, KEYS).map(quote),
    ...pad(sums, SUMS).map(String),
    ...numbers.map(String),
    values === undefined ? "null" : `from_hex('${Buffer.from(packSketch(sketch)).toString("hex")}')`,
    "0",
  ];
  return `(${columns.join(", ")})`;
}

/** Rows of a roll-up from a table: key columns, sums, and the values of its sketches. */
async function rollup(
  store: Store,
  name: string,
  from: { table: string; bucket?: string; key: readonly string[]; sums: readonly string[]; value?: string },
): Promise<void> {
  const { table, bucket, key, sums, value } = from;
  const columns = [
    bucket ? `date_trunc('${bucket}', time)::varchar` : "null::varchar",
    ...key,
    ...sums.map((s) => `${s}::bigint`),
    value ? `list(${value}) filter (${value} is not null)` : "null",
  ];
  const grouped = [...(bucket ? [`date_trunc('${bucket}', time)`] : []), ...key].join(", ");
  const rows = (
    await store.writer.runAndReadAll(`select ${columns.join(", ")} from ${table} group by ${grouped}`)
  ).getRowsJS();
  const lines = rows.map((row) =>
    rollupValues({
      rollup: name,
      time: row[0] === null ? undefined : String(row[0]),
      key: row.slice(1, 1 + key.length).map((k) => (k === null ? null : String(k))),
      sums: row.slice(1 + key.length, 1 + key.length + sums.length).map(Number),
      values: value ? ((row.at(-1) ?? []) as number[]).map(Number) : undefined,
    }),
  );
  for (let at = 0; at < lines.length; at += 500)
    await store.writer.run(`insert into _rollups values ${lines.slice(at, at + 500).join(", ")}`);
  await store.writer.run("checkpoint");
}

const TOKENS = [
  "sum(input_tokens)",
  "sum(output_tokens)",
  "sum(cache_creation_tokens)",
  "sum(cache_read_tokens)",
  "round(coalesce(sum(cost_usd), 0) * 1e9)",
  "count(*) filter (cost_usd is null)",
];

/** A store with ten days of work of one assistant: 30 sessions, 3,000 calls of tools, and the roll-ups over them. */
export async function filledStore(): Promise<TestStore> {
  const store = await emptyStore();
  for (const statement of ROWS) await store.writer.run(statement);
  for (const [name, bucket] of [
    ["hourly", "hour"],
    ["daily", "day"],
  ] as const) {
    await rollup(store, `usage_${name}`, {
      table: "model_calls",
      bucket,
      key: ["model", "project", "assistant"],
      sums: ["count(*)", "count(*) filter (not success)", ...TOKENS],
    });
    const sums = [
      "count(*)",
      "count(*) filter (status = 'failed')",
      "count(*) filter (status = 'denied')",
      "sum(input_bytes)",
      "sum(output_bytes)",
    ];
    await rollup(store, `tool_usage_${name}`, {
      table: "tool_calls",
      bucket,
      key: ["tool", "mcp_server", "project"],
      sums,
      value: "duration_ms",
    });
  }
  for (const bucket of ["minute", "hour", "day"]) {
    const labels = `'{"gen_ai.tool.name":"' || tool || '"}'`;
    await rollup(store, `metrics_${bucket}`, {
      table: "tool_calls",
      bucket,
      key: ["'tool.duration'", labels, "'ms'"],
      sums: [],
      value: "duration_ms",
    });
  }
  await rollup(store, "session_totals", {
    table: "tool_calls",
    key: ["session"],
    sums: [
      "10",
      "count(*)",
      "count(*) filter (status = 'failed')",
      "33",
      "330",
      "660",
      "990",
      "1320",
      "160000000",
      "16",
      "5",
      "1",
    ],
  });
  await rollup(store, "coverage", {
    table: "tool_calls",
    key: ["session", "'tool_call'", "sources"],
    sums: ["count(*)"],
  });
  await store.writer.run(
    `update _weir set stream = 'WEIR_EVENTS', created = 'test', seq = 300, applied = ${CALLS}, time_us = ${NEWEST_US}`,
  );
  return store;
}
