import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { endTranscript, mapRecord, type State, startTranscript } from "../../../src/capture/claude-code/transcript.ts";
import type { Draft } from "../../../src/define/event.ts";
import { checkDraft, idsOf } from "../../support/collecting-sink.ts";
import { answer, prompt, record, result, sampleSession } from "../../support/transcript-sample.ts";

function map(records: readonly unknown[], name = "session.jsonl"): Draft[] {
  const state = startTranscript({ name });
  const drafts = records.flatMap((entry, index) => mapRecord(state, entry, index + 1));
  drafts.push(...endTranscript(state));
  for (const draft of drafts) checkDraft(draft);
  return drafts;
}

const of = (drafts: readonly Draft[], type: string) => drafts.filter((draft) => draft.type === type);
const data = (drafts: readonly Draft[], type: string) => of(drafts, type).map((draft) => draft.data);
const use = (id: string, name: string, input: unknown = {}) => ({ type: "tool_use", id, name, input });

describe("a session", () => {
  const drafts = map(sampleSession());

  test("every event says where it comes from", () => {
    for (const draft of drafts) {
      expect(draft).toMatchObject({ source: "claude-code://local", via: "transcript", assistant: "claude-code" });
      expect(draft.session).toBe("5e551010-0000-4000-8000-000000000001");
    }
    expect(of(drafts, "tool.called")[0]).toMatchObject({ project: "/home/ada/app", branch: "main", subject: "Read" });
  });

  test("begins once, at its first record, with the model of the first answer", () => {
    expect(of(drafts, "session.started")).toMatchObject([
      {
        time: Date.UTC(2026, 6, 1, 12) * 1000,
        project: "/home/ada/app",
        data: { cwd: "/home/ada/app", model: "claude-opus-4-8", assistant_version: "2.1.217", entrypoint: "cli" },
      },
    ]);
  });

  test("titles come from summaries of its records and from titles a person gave, once", () => {
    expect(data(drafts, "session.titled")).toEqual([{ title: "Greeting" }, { title: "Fix the greeting" }]);
  });

  test("prompts are what a person typed", () => {
    expect(of(drafts, "prompt.submitted").map((draft) => [draft.fact, draft.data.kind, draft.data.text])).toEqual([
      ["prompt:p1", "text", "Greet in three languages 👋"],
      ["prompt:r15", "command", "/review greet.ts"],
      ["prompt:r17", "shell", "npm test"],
    ]);
  });

  test("answers: one event, another where the total grew, none for program text, copies in progress records", () => {
    const calls = of(drafts, "model.called");
    expect(calls.map((draft) => [draft.fact, draft.data.output_tokens])).toEqual([
      ["model:msg_1:req_msg_1", 1],
      ["model:msg_1:req_msg_1", 57],
      ["model:msg_2:req_msg_2", 20],
      ["model:msg_3:req_msg_3", 30],
      ["model:msg_4:req_msg_4", 9],
      ["model:msg_5:req_msg_5", 9],
      ["model:msg_7:req_msg_7", 3],
    ]);
    expect(calls[1]!.data).toMatchObject({
      model: "claude-opus-4-8",
      provider: "anthropic",
      input_tokens: 4,
      cache_creation_tokens: 100,
      cache_creation_1h_tokens: 60,
      cache_read_tokens: 2_000,
      web_search_requests: 1,
      speed: "standard",
    });
    expect(calls.at(-1)!.data.agent).toBe("a1b2");
  });

  test("tool calls begin with their input and end with output, duration and success", () => {
    expect(data(drafts, "tool.started").map(({ tool }) => tool)).toEqual([
      "Read",
      "Edit",
      "Bash",
      "mcp__Claude_Browser__navigate",
      "Bash",
      "Grep",
    ]);
    expect(data(drafts, "tool.started")[0]!.input).toBe('{"file_path":"/home/ada/app/greet.ts"}');
    expect(data(drafts, "tool.called")).toMatchObject([
      {
        tool: "Read",
        call_id: "toolu_1",
        duration_ms: 1_000,
        success: true,
        output: "1 a\n2 b",
        output_bytes: 7,
        input_bytes: 38,
      },
      { tool: "Edit", success: true, file_path: "/home/ada/app/greet.ts" },
      { tool: "Bash", success: true },
      { tool: "mcp__Claude_Browser__navigate", mcp_server: "Claude_Browser", success: false, error: "boom" },
    ]);
    expect(of(drafts, "tool.denied")).toMatchObject([
      { fact: "tool:toolu_5", data: { tool: "Bash", call_id: "toolu_5" } },
    ]);
  });

  test("files, commits and compactions", () => {
    expect(of(drafts, "file.changed")).toMatchObject([
      { fact: "file:toolu_1:/home/ada/app/greet.ts", data: { action: "read" } },
      { fact: "file:toolu_2:/home/ada/app/greet.ts", data: { action: "changed", lines_added: 2, lines_removed: 1 } },
    ]);
    expect(of(drafts, "commit.created")).toMatchObject([
      {
        fact: "commit:1a2b3c4d",
        data: { kind: "committed", message: "greet everybody", files: 1, call_id: "toolu_3" },
      },
    ]);
    expect(data(drafts, "session.compacted")).toEqual([{ trigger: "auto", tokens_before: 167_117 }]);
  });
});

describe("ids", () => {
  test("are the same for a copy of history under another session, folder and branch", () => {
    const records = sampleSession();
    const copies = records.map((entry) => ({ ...entry, sessionId: "copy", cwd: "/elsewhere", gitBranch: "other" }));
    const own = (drafts: Draft[]) =>
      drafts.filter((draft) => !draft.type.startsWith("session.") || draft.type === "session.compacted");
    expect(idsOf(own(map(copies)))).toEqual(idsOf(own(map(records))));
  });

  test("a later larger figure is another event of the same fact, a repeated or smaller one is none", () => {
    const lines = [1, 50, 50, 30].map((output, n) => answer(`u${n}`, "msg_g", { type: "text", text: "x" }, output));
    const calls = of(map(lines), "model.called");
    expect(calls.map((draft) => draft.data.output_tokens)).toEqual([1, 50]);
    expect(new Set(calls.map((draft) => draft.fact)).size).toBe(1);
    expect(idsOf(calls)).toHaveLength(2);
  });

  test("a line without message id stands for itself", () => {
    const lines = ["u1", "u2"].map((uuid) => answer(uuid, "", { type: "text", text: "x" }, 7));
    expect(of(map(lines), "model.called").map((draft) => draft.fact)).toEqual(["model:u1", "model:u2"]);
  });

  test("two prompts under one prompt id are two facts: commands run by the program itself", () => {
    const records = [
      prompt("u1", "go", { promptId: "p" }),
      prompt("u2", "<command-name>/exit</command-name>", { promptId: "p" }),
    ];
    expect(of(map(records), "prompt.submitted").map((draft) => draft.fact)).toEqual(["prompt:p", "prompt:u2"]);
  });
});

describe("oddities", () => {
  test("the file of a subagent starts no session and names its agent", () => {
    const drafts = map([prompt("u1", "do"), answer("u2", "msg_s", use("toolu_s", "Bash"), 5)], "agent-abc.jsonl");
    expect(drafts.map((draft) => draft.type)).toEqual(["model.called", "tool.started"]);
    expect(drafts.every((draft) => draft.data.agent === "abc")).toBe(true);
  });

  test("a result without its call, a call without id, a result that came before its call", () => {
    expect(of(map([result("u1", "toolu_unknown", "x")]), "tool.called")).toEqual([]);
    const backwards = [
      answer("u1", "m", use("toolu_b", "Bash"), 5, { timestamp: "2026-07-01T12:00:10.000Z" }),
      result("u2", "toolu_b", "x", { timestamp: "2026-07-01T12:00:05.000Z" }),
    ];
    expect(data(map(backwards), "tool.called")[0]!.duration_ms).toBeUndefined();
    expect(data(map([answer("u1", "m", { type: "tool_use", name: "X" }, 5)]), "tool.started")[0]!.call_id).toBe("u1:0");
  });

  test("long inputs, outputs, errors, prompts and paths are bounded", () => {
    const long = "ü👋".repeat(100_000);
    const drafts = map([
      prompt("u1", long, { cwd: long, gitBranch: long }),
      answer("u2", long, use(long, long, { file_path: long, content: long }), 5, { sessionId: long, requestId: long }),
      result("u3", long, long, {}, { is_error: true }),
    ]);
    expect(drafts.map((draft) => draft.type)).toContain("tool.called");
    expect(JSON.parse(data(drafts, "tool.started")[0]!.input as string).content).toMatch(/characters cut/);
  });

  test("a record without any time before it waits for nothing and gives nothing", () => {
    expect(map([prompt("u1", "hi", { timestamp: undefined })])).toEqual([]);
    expect(map([{ type: "summary", summary: "s", leafUuid: "elsewhere" }])).toEqual([]);
  });

  test("a title can wait for a record of another file", () => {
    const state = startTranscript({ name: "a.jsonl" });
    mapRecord(state, { type: "summary", summary: "Older work", leafUuid: "leaf" }, 1);
    expect(endTranscript(state)).toEqual([]);
    const [draft] = endTranscript(state, (uuid) =>
      uuid === "leaf" ? { time: 5_000_000, session: "older" } : undefined,
    );
    expect(draft).toMatchObject({
      type: "session.titled",
      session: "older",
      time: 5_000_000,
      data: { title: "Older work" },
    });
    expect(state.titles).toEqual([]);
  });
});

describe("whatever is in a file", () => {
  const values = fc.oneof(
    fc.jsonValue({ stringUnit: "binary" }),
    fc.double(),
    fc.string({ unit: fc.constantFrom("\ud83d", "a", "\udc00") }),
    fc.constantFrom("2026-01-01T00:00:00Z", "-1", "+275760-09-13"),
  );

  /** Puts a value somewhere inside a record. */
  function mutate(target: unknown, path: readonly number[], value: unknown): unknown {
    const [step, ...rest] = path;
    if (step === undefined || typeof target !== "object" || target === null) return value;
    if (Array.isArray(target))
      return target.map((item, n) => (n === step % target.length ? mutate(item, rest, value) : item));
    const keys = Object.keys(target);
    const key = keys[step % Math.max(1, keys.length)] ?? "x";
    return { ...target, [key]: mutate((target as Record<string, unknown>)[key], rest, value) };
  }
  const changes = fc.array(fc.record({ at: fc.nat(), path: fc.array(fc.nat(20), { maxLength: 6 }), value: values }), {
    maxLength: 8,
  });

  test("mapping never throws and every event is valid", () => {
    fc.assert(
      fc.property(changes, (list) => {
        const records: unknown[] = sampleSession();
        for (const { at, path, value } of list)
          records[at % records.length] = mutate(records[at % records.length], path, value);
        map(records);
      }),
      { numRuns: 500 },
    );
  });

  test("the state survives being kept as JSON after any record", () => {
    const records = sampleSession();
    let state = startTranscript({ name: "s.jsonl" });
    const drafts = records.flatMap((entry, index) => {
      state = JSON.parse(JSON.stringify(state)) as State;
      return mapRecord(state, entry, index + 1);
    });
    expect(drafts).toEqual(map(records));
  });

  test("the state stays small however long the file is", () => {
    const state = startTranscript({ name: "s.jsonl" });
    for (let n = 0; n < 3_000; n++) {
      mapRecord(
        state,
        answer(`u${n}`, `msg_${n}`, use(`toolu_${n}`, "Bash", { command: "x".repeat(100) }), 5, { sessionId: `s${n}` }),
        n,
      );
      mapRecord(state, { type: "summary", summary: `t${n}`, leafUuid: `other${n}` }, n);
    }
    mapRecord(state, record("system", "end"), 1);
    expect(JSON.stringify(state).length).toBeLessThan(60_000);
  });
});

describe("pull requests", () => {
  const link = {
    type: "pr-link",
    sessionId: "5e551010-0000-4000-8000-000000000001",
    prNumber: 7360,
    prUrl: "https://github.com/ada/app/pull/7360",
    prRepository: "ada/app",
    timestamp: "2026-07-13T10:53:29.126Z",
  };
  const made = (pr: unknown) => [
    answer("r1", "m1", use("t1", "Bash", { command: "gh pr create" }), 1),
    result("r2", "t1", "done", { toolUseResult: { stdout: "done", gitOperation: { pr } } }),
  ];

  test("a line of its own and a command tell the same one", () => {
    const { url, ...rest } = { url: link.prUrl, number: 7360, action: "created" };
    const drafts = of(map([...made({ url, ...rest }), link]), "pull_request.linked");
    expect(drafts.map(({ fact, branch, subject }) => ({ fact, branch, subject }))).toEqual(
      [1, 2].map(() => ({ fact: `pull:${link.sessionId}:ada/app#7360`, branch: "main", subject: "ada/app#7360" })),
    );
    expect(drafts.map((draft) => draft.data)).toEqual([
      { number: 7360, repository: "ada/app", url, action: "created", call_id: "t1" },
      { number: 7360, repository: "ada/app", url },
    ]);
  });

  test.each([
    ["https://gitlab.example/a/b/c/-/merge_requests/7", "a/b/c"],
    ["https://git.example/a/b/pulls/7", "a/b"],
    ["nonsense", undefined],
    [undefined, undefined],
  ])("the repository stands in the address: %s", (url, repository) => {
    expect(data(map(made({ url, number: 7 })), "pull_request.linked")).toMatchObject([{ number: 7, repository }]);
  });

  test.each([-1, 1.5, "7", null, undefined])("a number that is none (%s) is no pull request", (number) => {
    expect(of(map([...made({ number }), { ...link, prNumber: number }]), "pull_request.linked")).toEqual([]);
  });
});
