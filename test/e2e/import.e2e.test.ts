import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listPrices } from "../support/list-prices.ts";
import { mcpOverHttp, mcpOverStdio } from "../support/mcp-client.ts";
import {
  countRollout,
  countTranscripts,
  hasSamples,
  jsonlFiles,
  ROLLOUTS,
  TRANSCRIPTS,
} from "../support/transcript-truth.ts";
import { startWeir, type Weir } from "../support/weir.ts";

const USED = "input_tokens, output_tokens, cache_creation_tokens, cache_read_tokens";
const SUMS = USED.split(", ")
  .map((name) => `coalesce(sum(${name}), 0)::bigint as ${name}`)
  .join(", ");
type Row = Record<string, number | string | null>;

const skipped = hasSamples ? "" : " (skipped: shared/data/transcripts is not on this machine)";

describe.skipIf(!hasSamples)(`transcripts of Claude Code are in the tables as they are${skipped}`, () => {
  let weir: Weir;
  let report: Row;
  const truth = hasSamples ? countTranscripts(jsonlFiles(TRANSCRIPTS)) : undefined!;
  const used = (t: typeof truth.total) => ({
    input_tokens: t.input,
    output_tokens: t.output,
    cache_creation_tokens: t.creation,
    cache_read_tokens: t.read,
  });

  beforeAll(async () => {
    weir = await startWeir();
    report = await weir.json(["import", "claude-code", TRANSCRIPTS, "--json"]);
    await weir.settled();
  });
  afterAll(() => weir?.[Symbol.asyncDispose]());

  test("the report names what was read", () => {
    expect(report).toMatchObject({
      files: truth.files,
      lines: truth.lines,
      bad_lines: { length: truth.bad },
      prompts: truth.total.prompts,
      tool_calls: truth.total.tools,
      model_calls: truth.total.messages,
      complete: true,
    });
    expect(truth.total).toMatchObject({ messages: 2_266, tools: 2_462, errors: 141 });
  });

  test("model calls, tool calls, errors and prompts are the distinct facts", async () => {
    expect(await weir.sql(`select count(*) as calls, count(distinct call) as facts, ${SUMS} from model_calls`)).toEqual(
      [{ calls: truth.total.messages, facts: truth.total.messages, ...used(truth.total) }],
    );
    expect(
      await weir.sql(
        "select count(*) as calls, count(distinct call) as facts, count(*) filter (not success) as errors from tool_calls",
      ),
    ).toEqual([{ calls: truth.total.tools, facts: truth.total.tools, errors: truth.total.errors }]);
    expect(await weir.sql("select count(*) as prompts, count(distinct prompt) as facts from prompts")).toEqual([
      { prompts: truth.total.prompts, facts: truth.total.prompts },
    ]);
  });

  // whose prompt it is that stands in several sessions is not the transcripts' to say: the table decides by time
  test("each session has its own tokens, answers, calls and errors", async () => {
    const rows = await weir.sql<Row>(
      `select s.session, ${USED.split(", ")
        .map((name) => `s.${name}`)
        .join(", ")}, s.tool_calls as tools, s.model_calls as messages,
        coalesce(e.errors, 0) as errors from sessions s
        left join (select session, count(*) as errors from tool_calls where not success group by session) e on e.session = s.session order by s.session`,
    );
    const expected = [...truth.sessions]
      .map(([session, t]) => ({
        session,
        ...used(t),
        tools: t.tools,
        messages: t.messages,
        errors: t.errors,
      }))
      .sort((a, b) => (a.session < b.session ? -1 : 1));
    expect(rows).toEqual(expected);
  });

  test("every answer costs what the price table says", async () => {
    const expected = listPrices(TRANSCRIPTS);
    const rows = await weir.sql<{ key: string; cost_usd: number | null }>(
      "select coalesce(message_id || ' ' || coalesce(request_id, ''), call) as key, cost_usd from model_calls",
    );
    expect(rows).toHaveLength(expected.size);
    const unlike = rows.filter(
      ({ key, cost_usd }) => !(Math.abs((cost_usd ?? Number.NaN) - (expected.get(key) ?? Number.NaN)) < 1e-9),
    );
    expect(unlike).toEqual([]);
  });

  test("days, hours, sessions and single calls add up to the same", async () => {
    const [{ prompts }] = (await weir.sql<Row>("select sum(prompts)::bigint as prompts from sessions")) as [Row];
    expect(prompts).toBe(truth.total.prompts);
    const of = (from: string, calls: string) =>
      weir.sql<Row>(`select ${calls}::bigint as calls, ${SUMS}, round(sum(cost_usd), 6) as cost from ${from}`);
    const calls = await of("model_calls", "count(*)");
    expect(await of("usage_daily", "sum(calls)")).toEqual(calls);
    expect(await of("usage_hourly", "sum(calls)")).toEqual(calls);
    expect(await of("sessions", "sum(model_calls)")).toEqual(calls);
  });

  test("HTTP, MCP over stdio and HTTP, command line and SQL give the same numbers", async () => {
    await using stdio = await mcpOverStdio(weir.env);
    await using http = await mcpOverHttp(weir.runtime);
    for (const [name, input] of [
      ["usage", { by: ["total"] }],
      ["usage", { by: ["day", "model"], limit: 1000 }],
      ["models", {}],
      ["sessions", { limit: 100, sort: "cost" }],
      ["session", { session: "030df228-1b4b-482d-b343-0fc9c13a3d1a" }],
      ["tools", { since: "2025-01-01T00:00:00Z" }],
    ] as const) {
      const words = Object.entries(input).flatMap(([key, value]) => [`--${key}`, String(value)]);
      const told = (await weir.json<{ rows: Row[] }>(["query", name, ...words, "--json"])).rows;
      expect(told.length, name).toBeGreaterThan(0);
      const url = new URLSearchParams(
        Object.entries(input).map(([key, value]): [string, string] => [key, String(value)]),
      );
      const { columns, rows } = (await (await weir.http(`/api/query/${name}?${url}`)).json()) as {
        columns: { name: string }[];
        rows: unknown[][];
      };
      expect(rows.map((row) => Object.fromEntries(columns.map((c, k) => [c.name, row[k]])))).toEqual(told);
      const asked = await Promise.all([stdio, http].map((client) => client.rows(name, { ...input })));
      expect(asked[0]).toEqual(asked[1]);
      expect(asked[0]!.length).toBe(told.length);
      for (const [k, row] of asked[0]!.entries()) expect(numbersOf(row)).toEqual(numbersOf(told[k]!));
    }
    const statement = `select ${SUMS} from model_calls`;
    expect(await weir.json(["sql", statement, "--json"])).toEqual([used(truth.total)]);
    expect(await stdio.rows("sql", { query: statement })).toEqual([used(truth.total)]);
    expect((await weir.json<{ rows: Row[] }>(["query", "usage", "--by", "total", "--json"])).rows).toMatchObject([
      { calls: 2_266, ...used(truth.total) },
    ]);
  });

  test("nothing is lost, and a second import adds nothing", async () => {
    const before = await contents(weir);
    const again = await weir.json<Row>(["import", "claude-code", TRANSCRIPTS, "--json"]);
    expect(again).toMatchObject({ files: 0, files_skipped_unchanged: truth.files, events: 0 });
    await weir.settled();
    expect(await contents(weir)).toEqual(before);
    expect(await weir.json(["verify", "--json"])).toMatchObject({
      ok: true,
      missing: [],
      lost: [],
      frames: [],
      dropped: [],
    });
  });

  test("what was forgotten of an import is sent again without effect", async () => {
    const before = await contents(weir);
    await forget(weir);
    const report = await weir.json<Row>(["import", "claude-code", TRANSCRIPTS, "--json"]);
    expect(report).toMatchObject({ files: truth.files, tool_calls: truth.total.tools });
    await weir.settled();
    expect(await contents(weir)).toEqual(before);
    expect(await weir.json(["verify", "--json"])).toMatchObject({ ok: true });
  });
});

describe.skipIf(!hasSamples)(`rollouts of Codex are in the tables as they are${skipped}`, () => {
  test("tokens, calls and prompts of each session", async () => {
    await using weir = await startWeir();
    const report = await weir.json<Row>(["import", "codex", ROLLOUTS, "--json"]);
    await weir.settled();
    const truths = jsonlFiles(ROLLOUTS).map(countRollout);
    const sum = (pick: (t: (typeof truths)[number]) => number) => truths.reduce((total, t) => total + pick(t), 0);
    expect(report).toMatchObject({ files: truths.length, lines: sum((t) => t.lines), bad_lines: [], complete: true });
    const bySession = await weir.sql<Row>(
      "select tool_calls, prompts, input_tokens, cache_read_tokens, output_tokens from sessions order by output_tokens",
    );
    expect(bySession).toEqual(
      truths
        .map((t) => ({
          tool_calls: t.tools,
          prompts: t.prompts,
          input_tokens: t.input - t.cached,
          cache_read_tokens: t.cached,
          output_tokens: t.output,
        }))
        .sort((a, b) => a.output_tokens - b.output_tokens),
    );
    const [total] = (await weir.json<{ rows: Row[] }>(["query", "usage", "--by", "total", "--json"])).rows;
    expect(total).toMatchObject({
      input_tokens: sum((t) => t.input - t.cached),
      cache_read_tokens: sum((t) => t.cached),
      output_tokens: sum((t) => t.output),
    });
    const before = await contents(weir);
    expect(await weir.json(["import", "codex", ROLLOUTS, "--json"])).toMatchObject({
      events: 0,
      files_skipped_unchanged: truths.length,
    });
    await forget(weir);
    expect(await weir.json(["import", "codex", ROLLOUTS, "--json"])).toMatchObject({ files: truths.length });
    await weir.settled();
    expect(await contents(weir)).toEqual(before);
    expect(await weir.json(["verify", "--json"])).toMatchObject({ ok: true });
  });
});

/** Numbers of a row, with the ten digits that assistants are given; texts are shortened for them. */
const numbersOf = (row: Row | Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(row).flatMap(([name, value]) =>
      typeof value === "number" ? [[name, Number(value.toPrecision(10))]] : [],
    ),
  );

/** Takes the positions of imports away, as when weir was set up anew beside the log. */
const forget = (weir: Weir): Promise<void> => rm(join(weir.dataDir, "import"), { recursive: true });

async function contents(weir: Weir): Promise<unknown> {
  const out: Record<string, unknown> = {};
  for (const table of [
    "events",
    "sessions",
    "prompts",
    "tool_calls",
    "model_calls",
    "files",
    "commits",
    "usage_daily",
    "tool_usage_daily",
    "metrics_day",
  ]) {
    const columns = table === "events" ? "count(*) as n" : "count(*) as n, bit_xor(hash(t)) as all_rows";
    out[table] = await weir.sql(
      `select ${columns} from ${table} t${table === "events" ? " where type <> 'clock.ticked'" : ""}`,
    );
  }
  return out;
}
