import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { columnType, fieldList } from "../../src/define/field.ts";
import { loadDefinitions } from "../../src/engine/load.ts";
import { CALLS, emptyStore, filledStore, NEWEST_US, ROOT, sessionOf, type TestStore } from "../support/filled-store.ts";
import { readContext, type TestContext } from "../support/read-context.ts";

/** Arguments of the queries that cannot be asked without. */
const NEEDED: Readonly<Record<string, Record<string, unknown>>> = {
  session: { session: sessionOf(100) },
  session_timeline: { session: sessionOf(100), limit: 1000 },
  metrics: { name: "tool.duration" },
  alert: { id: "alert-500" },
  event: { id: "018f0000-0000-7000-8000-000000000000" },
};
const { queries } = await loadDefinitions(ROOT);

let empty: TestStore;
let filled: TestStore;
let onEmpty: TestContext;
let ctx: TestContext;
beforeAll(async () => {
  empty = await emptyStore();
  filled = await filledStore();
  onEmpty = await readContext(empty);
  ctx = await readContext(filled);
});
afterAll(async () => {
  onEmpty.select.close();
  ctx.select.close();
  await empty[Symbol.asyncDispose]();
  await filled[Symbol.asyncDispose]();
});

/** Rows as objects. */
async function rows(name: string, input: unknown = {}): Promise<Record<string, unknown>[]> {
  const answer = await ctx.ask(name, input);
  return answer.rows.map((row) => Object.fromEntries(answer.columns.map((c, k) => [c.name, row[k]])));
}

it("says where the period looked at by default is empty, and nothing of it where the period was given", async () => {
  const nobody = { project: "/nobody" };
  expect((await ctx.ask("tools", nobody)).note).toMatch(/pass since/);
  expect((await ctx.ask("tools", { ...nobody, since: "2020-01-01" })).note).toBeUndefined();
  expect((await onEmpty.ask("tools", nobody)).note).toBeUndefined();
});

describe.each([...queries.keys()])("query %s", (name) => {
  const query = queries.get(name)!;
  const expected = fieldList(query.row).map(([column]) => column);
  const types = fieldList(query.row).map(([, info]) => columnType(info));

  it("answers on empty tables, with the columns of its definition", async () => {
    const answer = await onEmpty.ask(name, NEEDED[name] ?? {});
    expect(answer.columns.map((c) => c.name)).toEqual(expected);
    expect(answer.as_of).toEqual({ seq: 0, time: null });
  });
  it("answers on filled tables, with the columns and types of its definition", async () => {
    const answer = await ctx.ask(name, NEEDED[name] ?? {});
    expect(answer.columns.map((c) => c.name)).toEqual(expected);
    expect(answer.columns.map((c) => c.type)).toEqual(types);
    if (name !== "event") expect(answer.rows.length).toBeGreaterThan(0);
    expect(answer.as_of).toEqual({ seq: 300, time: "2026-11-20T12:00:00.000Z" });
  });
  it("has a title, a paragraph and a bound", () => {
    expect(query.title.length).toBeGreaterThan(3);
    expect(query.about.length).toBeGreaterThan(80);
    expect(query.about.length).toBeLessThan(900);
  });
  it("takes every argument it lists", async () => {
    for (const [argument, info] of fieldList(query.input)) {
      const values = {
        text: "a",
        ref: "a",
        int: 5,
        float: 1.5,
        bool: true,
        time: "3d",
        choice: info.values?.[0],
        list: info.values,
        json: '{"a":"b"}',
        id: "018f0000-0000-7000-8000-000000000000",
        bytes: "",
      };
      const value = argument === "by" ? "model" : values[info.kind];
      await expect(ctx.ask(name, { ...NEEDED[name], [argument]: value })).resolves.toBeTruthy();
    }
  });
});

describe("sessions", () => {
  it("lists newest first, filters, and sorts", async () => {
    const all = await rows("sessions", { limit: 100 });
    expect(all).toHaveLength(30);
    expect(all[0]).toMatchObject({ session: sessionOf(CALLS - 1), tool_calls: 100, tool_errors: 4, cost_usd: 0.16 });
    expect(await rows("sessions", { text: "TITLE OF SESSION-07" })).toHaveLength(1);
    expect(await rows("sessions", { assistant: "codex" })).toHaveLength(0);
    const since = `${NEWEST_US - 86_400_000_000}`;
    const lately = await rows("sessions", { since });
    expect(lately.length).toBeGreaterThan(1);
    expect(lately.length).toBeLessThan(6);
  });
  it("says when there are more rows than asked for", async () => {
    expect((await ctx.ask("sessions", { limit: 29 })).truncated).toBe(true);
    expect((await ctx.ask("sessions", { limit: 29 })).rows).toHaveLength(29);
    expect((await ctx.ask("sessions", { limit: 30 })).truncated).toBe(false);
    const answer = await ctx.ask("sessions", {}, { rowsMax: 3 });
    expect(answer.rows).toHaveLength(3);
    expect(answer.truncated).toBe(true);
  });
  it("tells a session step by step, in pages without overlap", async () => {
    const session = sessionOf(100);
    const all = await rows("session_timeline", { session, limit: 1000 });
    const times = all.map((r) => String(r.time));
    expect(times).toEqual([...times].sort());
    expect(new Set(all.map((r) => r.what))).toEqual(
      new Set(["prompt", "tool_call", "model_call", "file", "commit", "session.started"]),
    );
    const paged = [];
    for (let offset = 0; offset < all.length; offset += 50)
      paged.push(...(await rows("session_timeline", { session, limit: 50, offset })));
    expect(paged).toEqual(all);
  });
});

describe("a session that several sources told", () => {
  const at = (s: number): string => `make_timestamp(${NEWEST_US - 3_600_000_000 + s * 1_000_000})`;
  const event = (n: number, s: number, type: string, via: string, data: object = {}): string =>
    `insert into events by name select uuid() as id, '${type}' as type, 1 as v, ${at(s)} as time, 'test://x' as source, '${via}' as via, 'told' as session, '${JSON.stringify(data)}'::json as data, ${n} as stream_seq`;
  it("shows its start, a compaction and its end once, and each time it goes on", async () => {
    await using store = await emptyStore();
    await store.writer.run(
      `insert into session_facts by name select 'told' as session, ${at(0)} as started_at, ${at(600)} as last_event_at, 0 as first_seq`,
    );
    const told = [
      event(1, 0, "session.started", "transcript", { model: "m" }),
      event(2, 200, "session.started", "hook", { start: "startup" }),
      event(3, 240, "session.started", "otlp"),
      event(4, 250, "turn.ended", "hook"),
      event(5, 252, "turn.ended", "hook"),
      event(6, 300, "session.compacted", "hook"),
      event(7, 302, "session.compacted", "transcript"),
      event(8, 303, "session.compacted", "otlp"),
      event(9, 330, "session.compacted", "transcript"),
      event(10, 331, "session.compacted", "hook"),
      event(11, 400, "session.started", "hook", { start: "resume" }),
      event(12, 460, "session.started", "otlp", { start: "resume" }),
      event(13, 500, "session.started", "hook", { start: "resume" }),
    ];
    for (const statement of told) await store.writer.run(statement);
    const asked = await readContext(store);
    const answer = await asked.ask("session_timeline", { session: "told" });
    asked.select.close();
    const start = NEWEST_US / 1000 - 3_600_000;
    expect(answer.rows.map((row) => [(Date.parse(String(row[0])) - start) / 1000, row[1]])).toEqual([
      [0, "session.started"],
      [250, "turn.ended"],
      [252, "turn.ended"],
      [300, "session.compacted"],
      [330, "session.compacted"],
      [400, "session.started"],
      [500, "session.started"],
    ]);
  });
});

describe("usage", () => {
  it("adds up to the calls, however it is grouped", async () => {
    for (const by of ["day", "hour", "model", "project", "assistant", "total", "day,model", "hour,project"]) {
      const answered = await rows("usage", { by, limit: 1000 });
      expect(
        answered.reduce((sum, r) => sum + Number(r.calls), 0),
        by,
      ).toBe(CALLS / 3);
      expect(
        answered.reduce((sum, r) => sum + Number(r.cost_usd), 0),
        by,
      ).toBeCloseTo(5, 9);
    }
  });
  it("counts a period from the hour it begins in", async () => {
    const since = new Date(NEWEST_US / 1000 - 30 * 3_600_000).toISOString();
    const until = new Date(NEWEST_US / 1000 - 3_600_000).toISOString();
    const counted = await filled.writer.runAndReadAll(
      `select count(*)::int from model_calls where time >= timestamp '${since}' and time < timestamp '${until}'`,
    );
    for (const by of ["total", "hour"]) {
      const answered = await rows("usage", { by, since, until, limit: 1000 });
      expect(answered.reduce((sum, r) => sum + Number(r.calls), 0)).toBe(counted.getRowsJS()[0]![0]);
    }
  });
  it("refuses what it cannot group by", async () => {
    await expect(ctx.ask("usage", { by: "colour" })).rejects.toMatchObject({
      code: "bad_input",
      message: expect.stringContaining("colour"),
    });
  });
});

describe("periods over roll-ups", () => {
  const count = async (where: string): Promise<number> => {
    const read = await filled.writer.runAndReadAll(`select count(*)::int from tool_calls where ${where}`);
    return Number(read.getRowsJS()[0]![0]);
  };
  const summed = (answered: readonly Record<string, unknown>[], name: string): number =>
    answered.reduce((sum, row) => sum + Number(row[name]), 0);
  const ago = (hours: number): string => new Date(NEWEST_US / 1000 - hours * 3_600_000).toISOString();

  it("count the days before the newest event whole, where no start is given", async () => {
    expect(summed(await rows("tools", {}), "calls")).toBe(await count(`time >= timestamp '${ago(7 * 24)}'`));
    expect(summed(await rows("tools", {}), "errors")).toBe(summed(await rows("errors", {}), "times"));
    const until = ago(30);
    expect(summed(await rows("tools", { until }), "calls")).toBe(
      await count(`time >= timestamp '${ago(7 * 24)}' and time < timestamp '${until}'`),
    );
  });
  it("count hours between two moments once, within a day or over some", async () => {
    for (const [from, to] of [
      [5, 2],
      [11, 0],
      [14, 9],
      [40, 13],
      [90, 12],
      [36, 12],
      [100, 3],
    ] as const) {
      const [since, until] = [ago(from), ago(to)];
      expect(summed(await rows("tools", { since, until }), "calls"), `${from} to ${to}`).toBe(
        await count(`time >= timestamp '${since}' and time < timestamp '${until}'`),
      );
    }
  });
  it("count the step in which they begin whole", async () => {
    const name = "tool.duration";
    for (const step of ["day", "hour"] as const) {
      const since = new Date(NEWEST_US / 1000 - 50.5 * 3_600_000).toISOString();
      const whole = await count(`time >= date_trunc('${step}', timestamp '${since}')`);
      const answered = await rows("metrics", { name, step, since, limit: 1000 });
      expect(summed(answered, "count")).toBe(whole);
      if (step === "day") expect(summed(await rows("metric_names", { name, since }), "values")).toBe(whole);
    }
  });
});

describe("tools and metrics", () => {
  it("merges sketches into quantiles within 1 percent", async () => {
    const all = await rows("tools", { since: "2026-01-01", limit: 100 });
    expect(all.reduce((sum, r) => sum + Number(r.calls), 0)).toBe(CALLS);
    const read = await filled.writer.runAndReadAll(
      "select duration_ms from tool_calls where tool = 'Bash' order by duration_ms",
    );
    const exact = read.getRowsJS().map(([ms]) => Number(ms));
    const bash = all.find((r) => r.tool === "Bash")!;
    for (const [name, q] of [
      ["p50", 0.5],
      ["p95", 0.95],
      ["p99", 0.99],
    ] as const) {
      const value = exact[Math.floor(q * (exact.length - 1))]!;
      expect(Math.abs(Number(bash[name]) - value) / value, name).toBeLessThanOrEqual(0.0101);
    }
    expect(Number(bash.error_rate)).toBeCloseTo(Number(bash.errors) / Number(bash.calls), 9);
  });
  it("picks series also where the labels of others are no JSON", async () => {
    await filled.writer.run(`insert into _rollups by name (select * replace ('not json' as k1) from _rollups
      where rollup = 'metrics_day' and k0 = 'tool.duration' limit 1)`);
    try {
      const asked = { name: "tool.duration", step: "day", limit: 1000 };
      expect((await rows("metrics", asked)).map((r) => r.labels)).toContain("not json");
      const bash = await rows("metrics", { ...asked, labels: '{"gen_ai.tool.name":"Bash"}' });
      expect(new Set(bash.map((r) => r.labels))).toEqual(new Set(['{"gen_ai.tool.name":"Bash"}']));
    } finally {
      await filled.writer.run("delete from _rollups where k1 = 'not json'");
    }
  });
  it("shows one series or all together", async () => {
    const one = await rows("metrics", {
      name: "tool.duration",
      step: "day",
      labels: '{"gen_ai.tool.name":"Bash"}',
      limit: 1000,
    });
    expect(new Set(one.map((r) => r.labels))).toEqual(new Set(['{"gen_ai.tool.name":"Bash"}']));
    expect(one.reduce((sum, r) => sum + Number(r.count), 0)).toBe(CALLS / 4);
    const together = await rows("metrics", { name: "tool.duration", step: "day", together: true });
    expect(together.reduce((sum, r) => sum + Number(r.count), 0)).toBe(CALLS);
    expect(together[1]!.p99).toBeGreaterThan(900);
  });
  it("groups failures that differ in numbers and paths only", async () => {
    const bash = await rows("errors", { name: "Bash", since: "2026-01-01" });
    expect(bash).toHaveLength(1);
    expect(bash[0]).toMatchObject({ message: "exit code #: no such file /…", times: CALLS / 100 });
  });
});

it("sessions are the same whether the totals of all are put together or of those shown", async () => {
  for (const [sort, at] of Object.entries({ last_event: "last_event_at", started: "started_at" })) {
    const limited = await rows("sessions", { sort, limit: 7 });
    expect(limited).toHaveLength(7);
    expect(limited).toEqual((await rows("sessions", { sort, limit: 1000 })).slice(0, 7));
    const { project } = limited[0]!;
    expect(await rows("sessions", { sort, project, limit: 3 })).toEqual(
      (await rows("sessions", { sort: "cost", project, limit: 1000 }))
        .toSorted(
          (a, b) => String(b[at]).localeCompare(String(a[at])) || String(a.session).localeCompare(String(b.session)),
        )
        .slice(0, 3),
    );
  }
});

describe("search", () => {
  it("finds by type, session, time and text, newest first, in pages", async () => {
    expect(await rows("search", { type: "session.", limit: 100 })).toHaveLength(30);
    expect(await rows("search", { session: sessionOf(0), limit: 1000 })).toHaveLength(100);
    const found = await ctx.ask("search", { text: 'NEEDLE77"' });
    expect(found.rows).toHaveLength(1);
    expect(found.note).toBe("These are all.");
    const first = await ctx.ask("search", { limit: 1000 });
    const before = /before=(\d+)/.exec(first.note!)![1];
    const second = await ctx.ask("search", { limit: 1000, before });
    const ids = new Set([...first.rows, ...second.rows].map((r) => r[first.columns.findIndex((c) => c.name === "id")]));
    expect(ids.size).toBe(2000);
    expect(await rows("search", { before_seq: 2, limit: 1000 })).toHaveLength(10);
    expect((await ctx.ask("search", { text: "no such text" })).rows).toHaveLength(0);
  });

  it("finds the same as a look at every row, wherever in the log that stands", async () => {
    const columns = "rowid, stream_seq, type, session, data";
    const all = await ctx.select(
      { sql: `select ${columns} from events`, values: {} },
      { rowsMax: 100_000, timeMs: 10_000 },
    );
    const newest = all.rows.toSorted((a, b) => Number(b[1]) - Number(a[1]) || Number(b[0]) - Number(a[0]));
    const inputs = [
      {},
      { type: "session." },
      { type: "tool.called" },
      { session: sessionOf(3) },
      { text: "NEEDLE7" },
      { text: "a" },
    ];
    for (const input of inputs as { type?: string; session?: string; text?: string }[])
      for (const page of [{}, { before_seq: 299 }, { before_seq: 40 }, { before: 4_000 }, { before: 7 }] as Record<
        string,
        number
      >[])
        for (const limit of [1, 3, 120, 900]) {
          const expected = newest.filter(
            ([row, seq, type, session, data]) =>
              Number(row) < (page.before ?? Infinity) &&
              Number(seq) < (page.before_seq ?? Infinity) &&
              (input.type === undefined || String(type).startsWith(input.type)) &&
              (input.session === undefined || session === input.session) &&
              (input.text === undefined || String(data).toLowerCase().includes(input.text.toLowerCase())),
          );
          const found = await rows("search", { ...input, ...page, limit });
          expect(found.map(({ row }) => Number(row))).toEqual(expected.slice(0, limit).map(([row]) => Number(row)));
        }
  });
});
