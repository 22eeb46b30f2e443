import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { endRollout, mapRolloutRecord, type State, startRollout } from "../../../src/capture/codex/rollout.ts";
import type { Draft } from "../../../src/define/event.ts";
import { checkDraft } from "../../support/collecting-sink.ts";

const item = (payload: object) => ({ type: "response_item", payload });
const event = (payload: object) => ({ type: "event_msg", payload });
const tokens = (input: number, cached: number, output: number) => ({
  input_tokens: input,
  cached_input_tokens: cached,
  output_tokens: output,
  reasoning_output_tokens: 1,
  total_tokens: input + output,
});
const counted = (total: object, last: object) =>
  event({ type: "token_count", info: { total_token_usage: total, last_token_usage: last } });

/** A small rollout with one record of each kind, a second apart. */
function sample(): Record<string, unknown>[] {
  const records = [
    {
      type: "session_meta",
      payload: {
        id: "c0de",
        timestamp: "2026-06-01T09:59:00.000Z",
        cwd: "/home/ada/app",
        cli_version: "0.142.2",
        originator: "codex-tui",
        source: "cli",
        model_provider: "openai",
        git: { branch: "main" },
      },
    },
    event({ type: "task_started", turn_id: "t1" }),
    { type: "turn_context", payload: { turn_id: "t1", cwd: "/home/ada/app", model: "gpt-5.3-codex" } },
    item({ type: "message", role: "user", content: [{ type: "input_text", text: "<environment_context>" }] }),
    event({ type: "user_message", message: "make it so" }),
    item({ type: "function_call", name: "exec_command", arguments: '{"cmd":"ls"}', call_id: "call_1" }),
    item({
      type: "function_call_output",
      call_id: "call_1",
      output: "Chunk ID: 1\nWall time: 0.1 seconds\nProcess exited with code 2\nOutput:\nno",
    }),
    counted(tokens(100, 40, 10), tokens(100, 40, 10)),
    counted(tokens(100, 40, 10), tokens(100, 40, 10)),
    event({ type: "token_count", info: null }),
    item({ type: "custom_tool_call", name: "apply_patch", input: "*** Begin Patch", call_id: "call_2" }),
    event({
      type: "patch_apply_end",
      call_id: "call_2",
      success: true,
      changes: {
        "/home/ada/app/a.ts": { type: "update", unified_diff: "@@ -1 +1,2 @@\n-a\n+b\n+c\n" },
        "/home/ada/app/n.ts": { type: "add", content: "x\ny\n" },
        "/home/ada/app/o.ts": { type: "update", unified_diff: "", move_path: "/home/ada/app/p.ts" },
      },
    }),
    item({ type: "custom_tool_call_output", call_id: "call_2", output: "Exit code: 0\nOutput:\nSuccess." }),
    event({ type: "web_search_end", call_id: "ws_1", query: "q" }),
    item({ type: "web_search_call", status: "completed", action: { type: "search", query: "q" } }),
    item({ type: "function_call", namespace: "mcp__github", name: "get_issue", arguments: "{}", call_id: "call_3" }),
    event({
      type: "mcp_tool_call_end",
      call_id: "call_3",
      invocation: { server: "github" },
      result: { Err: "no network" },
    }),
    item({ type: "function_call_output", call_id: "call_3", output: "failed" }),
    item({ type: "function_call", name: "exec_command", arguments: "not json", call_id: "call_4" }),
    item({ type: "function_call_output", call_id: "call_4", output: "exec command rejected by user" }),
    { type: "compacted", payload: { message: "" } },
    event({ type: "context_compacted" }),
    counted(tokens(250, 90, 30), tokens(150, 50, 20)),
    event({ type: "user_message", message: "and again" }),
    event({ type: "thread_name_updated", thread_name: "Making it so" }),
  ];
  return records.map((entry, n) => ({
    timestamp: new Date(Date.UTC(2026, 5, 1, 10) + n * 1000).toISOString(),
    ...entry,
  }));
}

const FORKED_AT = Date.UTC(2026, 5, 2, 9);
const uuid7 = (ms: number): string => {
  const hex = ms.toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
};
/** Ids of turns: one from before the fork, one from after it. */
const TURN = { old: uuid7(Date.UTC(2026, 5, 1, 10)), own: uuid7(FORKED_AT + 60_000) };

/** A record with another id of its turn, or none. */
function withTurn(entry: Record<string, unknown>, turn_id: string | undefined): Record<string, unknown> {
  const payload = entry.payload as Record<string, unknown>;
  return payload.turn_id === undefined ? entry : { ...entry, payload: { ...payload, turn_id } };
}

/** The beginning of a fork's file: its head, then a session as it was, written a minute of work in a few milliseconds. */
function fork(old: readonly Record<string, unknown>[]): Record<string, unknown>[] {
  const at = (n: number) => new Date(FORKED_AT + n).toISOString();
  const head = { id: "f0rk", timestamp: at(0), forked_from_id: "c0de", cwd: "/b", cli_version: "0.142.2" };
  return [
    { timestamp: at(1), type: "session_meta", payload: head },
    ...old.map((entry, n) => ({ ...entry, timestamp: at(2 + n) })),
  ];
}

/** The first turn of a fork's own. */
function own(turn_id: string | undefined): Record<string, unknown>[] {
  return [
    event({ type: "task_started", turn_id }),
    { type: "turn_context", payload: { turn_id, cwd: "/b", model: "gpt-6" } },
    event({ type: "user_message", message: "go on" }),
    counted(tokens(250, 90, 30), tokens(150, 50, 20)),
    counted(tokens(300, 100, 35), tokens(50, 10, 5)),
  ].map((entry, n) => ({ timestamp: new Date(FORKED_AT + 60_001 + n * 1000).toISOString(), ...entry }));
}

function map(records: readonly unknown[]): Draft[] {
  const state = startRollout({ name: "rollout.jsonl" });
  const drafts = records.flatMap((entry, index) => mapRolloutRecord(state, entry, index + 1));
  drafts.push(...endRollout(state));
  for (const draft of drafts) checkDraft(draft);
  return drafts;
}

const data = (drafts: readonly Draft[], type: string) =>
  drafts.filter((draft) => draft.type === type).map((draft) => draft.data);

describe("a rollout", () => {
  const drafts = map(sample());

  test("says where its events come from and begins with its own time and the first model", () => {
    expect(drafts[0]).toMatchObject({
      type: "session.started",
      time: Date.UTC(2026, 5, 1, 9, 59) * 1000,
      source: "codex://local",
      session: "c0de",
      project: "/home/ada/app",
      branch: "main",
      assistant: "codex",
      data: { cwd: "/home/ada/app", model: "gpt-5.3-codex", assistant_version: "0.142.2", entrypoint: "cli" },
    });
    expect(data(drafts, "session.started")).toHaveLength(1);
  });

  test("counts an answer when the totals moved, cached tokens apart", () => {
    expect(data(drafts, "model.called")).toMatchObject([
      {
        model: "gpt-5.3-codex",
        provider: "openai",
        input_tokens: 60,
        cache_read_tokens: 40,
        output_tokens: 10,
        reasoning_tokens: 1,
      },
      { input_tokens: 100, cache_read_tokens: 50, output_tokens: 20 },
    ]);
  });

  test("prompts are the events, two in a turn are two", () => {
    const prompts = drafts.filter((draft) => draft.type === "prompt.submitted");
    expect(prompts.map((draft) => [draft.fact, draft.data.text])).toEqual([
      ["prompt:t1:0", "make it so"],
      ["prompt:t1:1", "and again"],
    ]);
  });

  test("tool calls of every kind, with what the output and the events beside it tell", () => {
    expect(data(drafts, "tool.called")).toMatchObject([
      { tool: "exec_command", call_id: "call_1", success: false, duration_ms: 1_000 },
      { tool: "apply_patch", success: true },
      { tool: "web_search_call", call_id: "ws_1", success: true },
      { tool: "mcp__github__get_issue", mcp_server: "github", success: false, error: "no network" },
    ]);
    expect(data(drafts, "tool.denied")).toMatchObject([{ call_id: "call_4", reason: "exec command rejected by user" }]);
    expect(data(drafts, "tool.started").map(({ input }) => input)).toEqual([
      '{"cmd":"ls"}',
      '"*** Begin Patch"',
      '{"type":"search","query":"q"}',
      "{}",
      '"not json"',
    ]);
  });

  test("files, the compaction once, the title", () => {
    expect(data(drafts, "file.changed")).toMatchObject([
      { path: "/home/ada/app/a.ts", action: "changed", call_id: "call_2", lines_added: 2, lines_removed: 1 },
      { path: "/home/ada/app/n.ts", action: "created", call_id: "call_2", lines_added: 2 },
      {
        path: "/home/ada/app/p.ts",
        from_path: "/home/ada/app/o.ts",
        action: "renamed",
        call_id: "call_2",
        lines_added: 0,
        lines_removed: 0,
      },
    ]);
    expect(data(drafts, "session.compacted")).toHaveLength(1);
    expect(data(drafts, "session.titled")).toEqual([{ title: "Making it so" }]);
  });

  test("history that a fork repeats with new times makes no events; its own turns do, and totals go on", () => {
    const old = sample().map((entry) => withTurn(entry, TURN.old));
    const original = map(old);
    const forked = map([...fork(old), ...own(TURN.own)]);
    expect(forked.map(({ type }) => type)).toEqual(["session.started", "prompt.submitted", "model.called"]);
    expect(forked[0]).toMatchObject({ session: "f0rk", project: "/b", data: { parent: "c0de", model: "gpt-6" } });
    expect(forked[1]).toMatchObject({ session: "f0rk", data: { text: "go on" } });
    expect(forked[2]).toMatchObject({ session: "f0rk", data: { model: "gpt-6", input_tokens: 40, output_tokens: 5 } });
    const facts = new Set(original.map(({ fact }) => fact));
    for (const { fact } of forked.slice(1)) expect(facts.has(fact)).toBe(false);
  });

  test("of a fork whose turns have no ids a pause ends the repeated history", () => {
    const old = sample().map((entry) => withTurn(entry, undefined));
    const forked = map([...fork(old), ...own(undefined)]);
    expect(forked.map(({ type }) => type)).toEqual(["session.started", "prompt.submitted", "model.called"]);
    expect(forked[1]).toMatchObject({ session: "f0rk", data: { text: "go on" } });
  });

  test("an older fork, which does not say so, shows the head of the other session", () => {
    const [head, ...history] = fork(sample().map((entry) => withTurn(entry, TURN.old)));
    const silent = { ...head, payload: { ...(head!.payload as object), forked_from_id: undefined } };
    expect(map([silent, ...history, ...own(TURN.own)]).map(({ type }) => type)).toEqual([
      "session.started",
      "prompt.submitted",
      "model.called",
    ]);
  });

  test("a fork that repeats nothing tells all of its turns", () => {
    const [head] = fork([]);
    expect(map([head, ...own(TURN.own)]).map(({ type }) => type)).toEqual([
      "session.started",
      "prompt.submitted",
      "model.called",
      "model.called",
    ]);
  });

  test("the state survives being kept as JSON after any record", () => {
    let state = startRollout({ name: "r.jsonl" });
    const again = sample().flatMap((entry, index) => {
      state = JSON.parse(JSON.stringify(state)) as State;
      return mapRolloutRecord(state, entry, index + 1);
    });
    expect(again).toEqual(drafts);
  });

  test("whatever is in a file, mapping never throws and every event is valid", () => {
    const change = fc.record({
      at: fc.nat(),
      path: fc.array(fc.nat(20), { maxLength: 5 }),
      value: fc.jsonValue({ stringUnit: "binary" }),
    });
    const put = (target: unknown, path: readonly number[], value: unknown): unknown => {
      const [step, ...rest] = path;
      if (step === undefined || typeof target !== "object" || target === null) return value;
      const entries = Object.entries(target).map(([key, inner], n, all) => [
        key,
        n === step % all.length ? put(inner, rest, value) : inner,
      ]);
      return Object.fromEntries(entries);
    };
    fc.assert(
      fc.property(fc.array(change, { maxLength: 8 }), (changes) => {
        const records: unknown[] = sample();
        for (const { at, path, value } of changes)
          records[at % records.length] = put(records[at % records.length], path, value);
        map(records);
      }),
      { numRuns: 500 },
    );
  });
});
