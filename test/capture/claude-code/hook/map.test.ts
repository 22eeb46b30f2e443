import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LIMITS } from "../../../../src/base/limits.ts";
import { endTranscript, mapRecord, startTranscript } from "../../../../src/capture/claude-code/transcript.ts";
import { draftsOf, HOOK_MAPPINGS } from "../../../../src/capture/hooks/assistants.ts";
import type { Loose } from "../../../../src/capture/loose.ts";
import type { Draft } from "../../../../src/define/event.ts";
import { definitionOf } from "../../../../src/events/catalog.ts";
import { checkDraft } from "../../../support/collecting-sink.ts";

const AT = Date.UTC(2026, 6, 1, 12) * 1000;
const MOCKS = new URL("../../../../../shared/data/hooks/claude-code-mocks", import.meta.url).pathname;

const mapHook = HOOK_MAPPINGS["claude-code"]!;

function map(payload: Loose): Draft[] {
  const drafts = draftsOf({ id: "r1", assistant: "claude-code", at: AT, bytes: 9, payload });
  for (const draft of drafts) checkDraft(draft);
  return drafts;
}

/** One payload of every kind, after the published types, with every field they have. */
const COMMON = {
  session_id: "5e551010-0000-4000-8000-000000000001",
  transcript_path: "/home/u/.claude/projects/-work-app/5e55.jsonl",
  cwd: "/home/ada/app",
  prompt_id: "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d",
  permission_mode: "acceptEdits",
  effort: { level: "high" },
};
const TOOL = { tool_name: "Bash", tool_input: { command: "ls" }, tool_use_id: "toolu_1" };
const END = {
  stop_hook_active: false,
  last_assistant_message: "Done.",
  background_tasks: [{ id: "b1", type: "shell", status: "running", description: "server" }],
  session_crons: [],
};
const SWITCH = {
  from_model: "claude-opus-4-8",
  to_model: "claude-sonnet-5",
  requested_model: null,
  source: "picker",
  context_tokens: 120_000,
  prompt_cache_warm: true,
  cache_ttl: "5m",
  estimated_cache_write_usd: 0.45,
  pricing: "catalog",
};
const KINDS: Readonly<Record<string, readonly [fields: Loose, type: string]>> = {
  SessionStart: [
    {
      source: "resume",
      model: "claude-opus-4-8",
      seconds_since_last_response: 4_000.5,
      context_tokens: 1_000,
      prompt_cache_likely_expired: true,
      estimated_cache_write_usd: 0.1,
    },
    "session.started",
  ],
  SessionEnd: [{ reason: "logout" }, "session.ended"],
  Setup: [{ trigger: "init" }, "session.prepared"],
  UserPromptSubmit: [{ prompt: "fix it", source: "user" }, "prompt.submitted"],
  UserPromptExpansion: [
    {
      expansion_type: "slash_command",
      command_name: "review",
      command_args: "12",
      command_source: "user",
      prompt: "Review 12",
    },
    "prompt.expanded",
  ],
  PreToolUse: [TOOL, "tool.started"],
  PostToolUse: [
    { ...TOOL, tool_response: { stdout: "a\n", stderr: "", interrupted: false }, duration_ms: 12 },
    "tool.called",
  ],
  PostToolUseFailure: [{ ...TOOL, error: "exit 1", is_interrupt: true, duration_ms: 3 }, "tool.called"],
  PostToolBatch: [{ tool_calls: [{ ...TOOL, tool_response: "a" }] }, "tools.answered"],
  PermissionRequest: [
    { tool_name: "Bash", tool_input: { command: "rm x" }, permission_suggestions: [{ type: "addRules" }] },
    "permission.requested",
  ],
  PermissionDenied: [{ ...TOOL, reason: "not allowed here" }, "tool.denied"],
  Notification: [{ message: "waiting", title: "Claude", notification_type: "idle_prompt" }, "notification.shown"],
  Stop: [END, "turn.ended"],
  StopFailure: [{ error: "overloaded", error_details: "529", last_assistant_message: "API Error" }, "turn.failed"],
  SubagentStart: [{ agent_id: "a1", agent_type: "Explore" }, "agent.started"],
  SubagentStop: [
    { ...END, agent_id: "a1", agent_type: "Explore", agent_transcript_path: "/x/agent-a1.jsonl" },
    "agent.ended",
  ],
  PreCompact: [{ trigger: "manual", custom_instructions: null }, "compaction.started"],
  PostCompact: [{ trigger: "auto", compact_summary: "We fixed it." }, "session.compacted"],
  PreModelSwitch: [SWITCH, "model.switch_requested"],
  PostModelSwitch: [SWITCH, "model.switched"],
  TaskCreated: [
    { task_id: "t1", task_subject: "fix", task_description: "all", teammate_name: "a", team_name: "b" },
    "task.created",
  ],
  TaskCompleted: [{ task_id: "t1", task_subject: "fix" }, "task.completed"],
  TeammateIdle: [{ teammate_name: "a", team_name: "b" }, "teammate.idled"],
  Elicitation: [
    {
      mcp_server_name: "db",
      message: "Which?",
      mode: "form",
      elicitation_id: "e1",
      requested_schema: { type: "object" },
    },
    "elicitation.requested",
  ],
  ElicitationResult: [
    { mcp_server_name: "db", action: "accept", elicitation_id: "e1", mode: "form", content: { a: 1 } },
    "elicitation.answered",
  ],
  ConfigChange: [{ source: "user_settings", file_path: "/home/u/.claude/settings.json" }, "config.changed"],
  InstructionsLoaded: [
    {
      file_path: "/home/ada/app/CLAUDE.md",
      memory_type: "Project",
      load_reason: "session_start",
      globs: ["*.ts"],
      parent_file_path: "/a",
      trigger_file_path: "/b",
    },
    "instructions.loaded",
  ],
  CwdChanged: [{ old_cwd: "/home/ada/app", new_cwd: "/home/ada/app/src" }, "directory.changed"],
  FileChanged: [{ file_path: "/home/ada/app/a.ts", event: "unlink" }, "file.changed"],
  DirectoryAdded: [{ directory: "/work/lib", source: "slash_command" }, "directory.added"],
  WorktreeCreate: [{ name: "wt" }, "worktree.requested"],
  WorktreeRemove: [{ worktree_path: "/work/wt" }, "worktree.removed"],
};
const payloadOf = (kind: string): Loose => ({ ...COMMON, hook_event_name: kind, ...KINDS[kind]![0] });

describe("every kind of payload", () => {
  test.each(Object.keys(KINDS))("%s becomes its event, and nothing of it is left over", (kind) => {
    const drafts = map(payloadOf(kind));
    expect(drafts.map((d) => d.type)).toEqual([KINDS[kind]![1]]);
    expect(drafts[0]).toMatchObject({
      time: AT,
      session: COMMON.session_id,
      project: "/home/ada/app",
      via: "hook",
      assistant: "claude-code",
    });
  });

  test("MessageDisplay and kinds of the future are kept whole", () => {
    for (const kind of ["MessageDisplay", "SomethingNew", "constructor", "__proto__"]) {
      const payload = { ...COMMON, hook_event_name: kind, anything: { deep: [1] } };
      const [kept, ...more] = map(payload);
      expect(more).toEqual([]);
      expect(kept).toMatchObject({ type: "hook.received", session: COMMON.session_id, data: { kind } });
      expect(JSON.parse((kept!.data as { payload: string }).payload)).toEqual(payload);
    }
  });

  test("new fields of a known kind, and known ones of another form, are kept beside it", () => {
    const [started, kept] = map({ ...payloadOf("PreToolUse"), turn: 7, permission_mode: ["odd"] });
    expect(started!.type).toBe("tool.started");
    expect(JSON.parse((kept!.data as { payload: string }).payload)).toEqual({ turn: 7, permission_mode: ["odd"] });
  });

  test("a kind without what its event needs is kept whole, and is no event of that kind", () => {
    for (const kind of ["PreToolUse", "StopFailure", "SubagentStart", "TaskCreated", "FileChanged", "Elicitation"])
      expect(map({ ...COMMON, hook_event_name: kind }).map((d) => d.type)).toEqual(["hook.received"]);
  });

  test("what is no JSON object is kept as it came", () => {
    const record = { id: "x", assistant: "claude-code", at: AT, bytes: 3 };
    expect(draftsOf({ ...record, raw: "abc" })).toMatchObject([
      { type: "hook.received", data: { raw: "abc", bytes: 3 } },
    ]);
    expect(draftsOf({ ...record, payload: [1] })).toMatchObject([{ type: "hook.received", data: { payload: "[1]" } }]);
    expect(draftsOf({ ...record, assistant: "constructor", payload: {} })).toMatchObject([{ type: "hook.received" }]);
  });

  test("prompts of the program are no prompts of a person", () => {
    for (const source of ["system", "loop_wakeup", "schedule_wakeup", "poll_event"])
      expect(map({ ...payloadOf("UserPromptSubmit"), source }).map((d) => d.type)).toEqual(["hook.received"]);
  });
});

describe("one fact with the transcript", () => {
  const record = (more: Loose) => ({
    timestamp: "2026-07-01T12:00:00.000Z",
    sessionId: COMMON.session_id,
    cwd: "/home/ada/app",
    ...more,
  });
  const state = startTranscript({ name: "s.jsonl" });
  const result = { filePath: "/home/ada/app/a.ts", structuredPatch: [{ lines: ["-a", "+b", "+c"] }] };
  const transcript = [
    record({ type: "user", uuid: "u1", promptId: COMMON.prompt_id, message: { role: "user", content: "fix it" } }),
    record({
      type: "assistant",
      uuid: "u2",
      message: {
        id: "m1",
        model: "claude-opus-4-8",
        content: [{ type: "tool_use", id: "toolu_1", name: "Edit", input: { file_path: "/home/ada/app/a.ts" } }],
      },
    }),
    record({
      type: "user",
      uuid: "u3",
      toolUseResult: result,
      message: { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_1", content: "ok" }] },
    }),
  ].flatMap((entry, k) => mapRecord(state, entry, k + 1));
  transcript.push(...endTranscript(state));
  const edit = { tool_name: "Edit", tool_input: { file_path: "/home/ada/app/a.ts" }, tool_use_id: "toolu_1" };
  const hooks = [
    { hook_event_name: "UserPromptSubmit", prompt: "fix it" },
    { hook_event_name: "PreToolUse", ...edit },
    { hook_event_name: "PostToolUse", ...edit, tool_response: result, duration_ms: 5 },
  ].flatMap((payload) => map({ ...COMMON, ...payload }));

  test.each(["prompt.submitted", "tool.started", "tool.called", "file.changed"])("%s has the same key", (type) => {
    const factsOf = (drafts: readonly Draft[]) => drafts.filter((d) => d.type === type).map((d) => d.fact);
    expect(factsOf(hooks)).toHaveLength(1);
    expect(factsOf(hooks)).toEqual(factsOf(transcript));
    expect(hooks.filter((d) => d.type === type)[0]!.id).not.toBe(transcript.filter((d) => d.type === type)[0]!.id);
  });

  test("a question for permission is no report of a call", () => {
    expect(map(payloadOf("PermissionRequest"))[0]!.fact).toBeUndefined();
  });
});

describe("whatever comes", () => {
  const anyValue = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.jsonValue({ maxDepth: 4 }),
    fc.constant("x".repeat(70_000)),
    fc.constant(-1),
  );
  /** A payload with fields taken away, exchanged and added. */
  const mutated = fc
    .record({
      kind: fc.constantFrom(...Object.keys(KINDS)),
      drop: fc.array(fc.nat(20), { maxLength: 3 }),
      put: fc.dictionary(
        fc.oneof(
          fc.constantFrom(
            "session_id",
            "cwd",
            "prompt",
            "tool_name",
            "tool_use_id",
            "tool_input",
            "tool_response",
            "agent_id",
            "error",
            "source",
            "prompt_id",
          ),
          fc.string(),
        ),
        anyValue,
        { maxKeys: 4 },
      ),
    })
    .map(({ kind, drop, put }) => {
      const entries = Object.entries(payloadOf(kind)).filter((_, k) => !drop.includes(k));
      return { ...Object.fromEntries(entries), ...put };
    });

  test("events fit their definitions, are few and bounded, and hold what is known or keep the rest", () => {
    fc.assert(
      fc.property(mutated, (payload) => {
        const drafts = map(payload);
        expect(drafts.length).toBeGreaterThan(0);
        expect(drafts.length).toBeLessThan(5);
        for (const draft of drafts) {
          expect(definitionOf(draft.type)).toBeDefined();
          expect(JSON.stringify(draft).length).toBeLessThan(2 * LIMITS.text_bytes_max);
        }
      }),
      { numRuns: 400 },
    );
  });

  test("the same payload gives the same events", () => {
    fc.assert(
      fc.property(mutated, (payload) => {
        expect(mapHook(payload, AT)).toEqual(mapHook(payload, AT));
      }),
      { numRuns: 50 },
    );
  });
});

describe.skipIf(!existsSync(MOCKS))("samples of another tool, which deviate from the format", () => {
  const files = existsSync(MOCKS)
    ? readdirSync(MOCKS, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".json"))
    : [];
  test.each(files)("%s is taken, and none of its values is lost", (name) => {
    const payload = JSON.parse(readFileSync(join(MOCKS, name), "utf8")) as Loose;
    const drafts = map(payload);
    const kept = JSON.stringify(drafts);
    // each event repeats what these say, or its type does
    const elsewhere = ["hook_event_name", "agent_type", "permission_mode", "transcript_path"];
    for (const [field, value] of Object.entries(payload)) {
      if (typeof value !== "string" || elsewhere.includes(field)) continue;
      const plain = /^[\w ./:-]{0,200}/.exec(value)![0];
      expect(kept, field).toContain(plain);
    }
  });
});
