import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { TranscriptKind } from "../../src/capture/discover.ts";
import { MAPPINGS } from "../../src/capture/kinds.ts";
import type { Draft } from "../../src/define/event.ts";
import { checkDraft, idsOf } from "../support/collecting-sink.ts";

/*
 * Chats of Gemini CLI and sessions of Copilot CLI. The samples are made from the published sources and types of the two; none came from a live assistant.
 */

type Row = Record<string, unknown>;
const sampleOf = (kind: string): Row[] =>
  readFileSync(join(import.meta.dirname, "../samples/transcripts", `${kind}.jsonl`), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Row);

/** Maps records with the state written out and read again before each, as between two runs. */
function map(kind: TranscriptKind, records: readonly unknown[], saved = true): Draft[] {
  const { start, map, end } = MAPPINGS[kind];
  let state = start({ name: "x.jsonl" });
  const drafts = records.flatMap((record, k) => {
    if (saved) state = JSON.parse(JSON.stringify(state)) as object;
    return map(state, record, k + 1);
  });
  drafts.push(...end(state));
  for (const draft of drafts) checkDraft(draft);
  return drafts;
}
const told = (drafts: readonly Draft[]): string[] =>
  drafts.map(({ type, data }) =>
    [type, data.tool ?? data.text ?? data.title ?? data.to_model].filter((part) => part !== undefined).join(" "),
  );

describe.each(["gemini", "copilot"] as const)("%s", (kind) => {
  test("events have ids of their own, and reading on gives the same as reading at once", () => {
    const drafts = map(kind, sampleOf(kind));
    expect(new Set(idsOf(drafts)).size).toBe(drafts.length);
    expect(map(kind, sampleOf(kind), false)).toEqual(drafts);
    for (const draft of drafts)
      expect(draft).toMatchObject({ via: "transcript", session: "0199c0de-0000-7000-8000-000000000001" });
  });

  test("no line makes it fail, and its state stays bounded", () => {
    const records = sampleOf(kind);
    const odd = fc
      .record({
        k: fc.nat(records.length - 1),
        changes: fc.dictionary(fc.nat(12).map(String), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 }),
      })
      .map(({ k, changes }) => {
        const record = structuredClone(records[k]!);
        const places = [
          record,
          ...(typeof record.data === "object" && record.data !== null ? [record.data as Row] : []),
        ];
        for (const [at, value] of Object.entries(changes)) {
          const place = places[Number(at) % places.length]!;
          const names = Object.keys(place);
          place[names[Number(at) % names.length]!] = value;
        }
        return record as unknown;
      });
    fc.assert(
      fc.property(fc.array(fc.oneof(odd, fc.jsonValue()), { maxLength: 30 }), (lines) => void map(kind, lines)),
      { numRuns: 200 },
    );
    const { start, map: step } = MAPPINGS[kind];
    const state = start({ name: "x.jsonl" });
    for (let k = 0; k < 5_000; k++)
      for (const record of records)
        step(
          state,
          JSON.parse(
            JSON.stringify(record)
              .replaceAll('"call_', `"call_${k}_`)
              .replaceAll('"m2"', `"m2-${k}"`)
              .replaceAll('-a"', `-a${k}"`),
          ),
          k,
        );
    expect(JSON.stringify(state).length).toBeLessThan(200_000);
  });
});

test("gemini: a message that is written again and again is told once", () => {
  const drafts = map("gemini", sampleOf("gemini"));
  expect(told(drafts)).toEqual([
    "session.started",
    "prompt.submitted fix it",
    "model.called",
    "tool.called read_file",
    "tool.called run_shell_command",
    "tool.denied run_shell_command",
    "session.titled Fixes the test",
    "prompt.submitted /compress",
  ]);
  const model = drafts.find(({ type }) => type === "model.called")!;
  expect(model).toMatchObject({
    data: { model: "gemini-3-pro", input_tokens: 400, cache_read_tokens: 600, output_tokens: 25, reasoning_tokens: 5 },
  });
  expect(drafts.filter(({ type }) => type === "tool.called")).toMatchObject([
    {
      fact: "tool:read_file-1-a",
      data: { output: "const a", success: true, input: '{"absolute_path":"/home/ada/app/a.ts"}' },
    },
    { fact: "tool:sh-2-b", data: { success: false, error: "exit 1" } },
  ]);
});

test("copilot: prompts of persons, calls with their durations, and what the session went through", () => {
  const drafts = map("copilot", sampleOf("copilot"));
  expect(told(drafts)).toEqual([
    "session.started",
    "prompt.submitted fix it",
    "tool.started bash",
    "tool.called bash",
    "tool.started db-query",
    "tool.called db-query",
    "tool.started bash",
    "tool.denied bash",
    "model.switched gpt-5.5",
    "session.compacted",
    "session.titled Fix the test",
    "session.started",
  ]);
  expect(drafts[3]).toMatchObject({
    fact: "tool:call_1",
    project: "/home/ada/app",
    branch: "main",
    data: { output: "a.ts", success: true, duration_ms: 250 },
  });
  expect(drafts[5]).toMatchObject({
    data: { mcp_server: "db", agent: "agent-1", success: false, error: "no such table" },
  });
  expect(drafts[7]).toMatchObject({ data: { reason: "The user rejected this tool call" } });
  expect(drafts.at(-1)).toMatchObject({ branch: "fix", data: { start: "resume" } });
});
