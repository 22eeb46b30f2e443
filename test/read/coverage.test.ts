import { expect, test } from "vitest";
import { newId } from "../../src/base/id.ts";
import type { Event } from "../../src/define/event.ts";
import { loadDefinitions } from "../../src/engine/load.ts";
import { createAsk } from "../../src/read/ask.ts";
import { createSelect } from "../../src/store/select.ts";
import { ROOT } from "../support/filled-store.ts";
import { applyAll, logOf, openTestTables } from "../support/tables.ts";
import { tempDir } from "../support/temp.ts";

const START = Date.UTC(2026, 10, 20, 12) * 1_000;

const event = (k: number, session: string, via: string, type: string, fact: string, data: object): Event =>
  ({ id: newId(START + k), type, v: 1, time: START + k, source: "test://x", session, via, fact, data }) as Event;
const call = (k: number, session: string, via: string, id: string, more: object = {}): Event =>
  event(k, session, via, "tool.called", `tool:${id}`, { tool: "Bash", call_id: id, success: true, ...more });
const answer = (k: number, session: string, via: string, id: string, output_tokens: number): Event =>
  event(k, session, via, "model.called", `model:${id}`, {
    model: "claude-opus-4",
    input_tokens: 1,
    output_tokens,
    cache_creation_tokens: 0,
    cache_read_tokens: 0,
  });

test("coverage says per session who saw what, who missed it, and on what they disagree", async () => {
  await using temp = await tempDir();
  const { projections, queries } = await loadDefinitions(ROOT);
  const tables = await openTestTables(temp.path, projections);
  const events = [
    call(1, "a", "transcript", "c1"),
    call(2, "a", "hook", "c1"),
    call(3, "a", "transcript", "c2", { success: true }),
    call(4, "a", "hook", "c2", { success: false, error: "no" }),
    call(5, "a", "hook", "c3"),
    answer(6, "a", "transcript", "m1", 10),
    answer(7, "a", "otlp", "m1", 12),
    call(8, "b", "transcript", "c4"),
    call(9, "c", "hook", "c5", { tool: "mcp__files__read", mcp_server: "files" }),
    call(11, "c", "otlp", "c5", { tool: "mcp_tool" }), // its name for all tools of MCP servers
    event(10, "c", "proxy", "mcp.called", "tool:c5", {
      server: "my-files",
      method: "tools/call",
      tool: "read",
      call_id: "c5",
      success: true,
    }),
  ];
  await applyAll(tables, logOf(events, []));
  const select = createSelect(tables.store.instance, { connections: 1 });
  try {
    const ask = createAsk(queries, select);
    const rows = async (input: object) => {
      const { columns, rows } = await ask("coverage", input);
      return rows.map((row) => Object.fromEntries(columns.map(({ name }, k) => [name, row[k]])));
    };
    const of = (session: string | null, fact: string, source: string, ...rest: readonly unknown[]) => {
      const [facts, seen, only_here, disagree, disagree_on] = rest as [number, number, number, number, string | null];
      const counts = { facts, seen, missed: facts - seen, only_here, share: seen / facts, disagree, disagree_on };
      return { session, fact, source, ...counts };
    };
    expect(await rows({ session: "a" })).toEqual([
      of("a", "model_call", "otlp", 1, 1, 0, 1, "output_tokens"),
      of("a", "model_call", "transcript", 1, 1, 0, 1, "output_tokens"),
      of("a", "model_call", "hook", 1, 0, 0, 0, null),
      of("a", "tool_call", "hook", 3, 3, 1, 1, "status,success"),
      of("a", "tool_call", "transcript", 3, 2, 0, 1, "status,success"),
      of("a", "tool_call", "otlp", 3, 0, 0, 0, null),
    ]);
    expect((await rows({ by_session: true })).filter((row) => row.session === "b")).toEqual([
      of("b", "tool_call", "transcript", 1, 1, 1, 0, null),
    ]);
    expect((await rows({})).find((row) => row.fact === "tool_call" && row.source === "transcript")).toEqual(
      of(null, "tool_call", "transcript", 5, 3, 1, 1, "status,success"),
    );
    // a proxy names tool and server in other words, telemetry masks the tool, and neither contradicts anybody by that
    expect(await rows({ session: "c" })).toEqual([
      of("c", "tool_call", "hook", 1, 1, 0, 0, null),
      of("c", "tool_call", "otlp", 1, 1, 0, 0, null),
      of("c", "tool_call", "proxy", 1, 1, 0, 0, null),
    ]);
  } finally {
    select.close();
    await tables.close();
  }
});

test("coverage over many calls whose sources told inputs and outputs stays within the tables' memory", async () => {
  await using temp = await tempDir();
  const { projections, queries } = await loadDefinitions(ROOT);
  const tables = await openTestTables(temp.path, projections);
  const output = '{"text":"said \\"so\\" \\\\ "} '.repeat(100);
  const calls = Array.from({ length: 2_000 }, (_, k) => [
    call(2 * k, "a", "transcript", `c${k}`, { input: output, output }),
    call(2 * k + 1, "a", "hook", `c${k}`, { input: output, output, success: k % 1_000 > 0 }),
  ]);
  const tenths = Array.from({ length: 9 }, (_, k) => (k + 1) / 10);
  await applyAll(tables, logOf(calls.flat(), tenths), tenths);
  const select = createSelect(tables.store.instance, {
    connections: 1,
    prepare: async (connection) => void (await connection.run("set memory_limit = '128MB'")),
  });
  try {
    const { rows } = await createAsk(queries, select)("coverage", { session: "a" });
    expect(rows).toEqual([
      ["a", "tool_call", "hook", 2_000, 2_000, 0, 0, 1, 2, "status,success"],
      ["a", "tool_call", "transcript", 2_000, 2_000, 0, 0, 1, 2, "status,success"],
    ]);
  } finally {
    select.close();
    await tables.close();
  }
});
