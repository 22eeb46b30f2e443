/** Records of a small session of Claude Code, made by hand: one of each kind the importer reads. */

const SESSION = "5e551010-0000-4000-8000-000000000001";
let second = 0;

const stamp = (s: number): string => new Date(Date.UTC(2026, 6, 1, 12, 0, 0) + s * 1000).toISOString();

/** A record of a type with what every record carries. */
export function record(type: string, uuid: string, fields: object = {}): Record<string, unknown> {
  second += 1;
  return {
    type,
    uuid,
    parentUuid: null,
    isSidechain: false,
    sessionId: SESSION,
    timestamp: stamp(second),
    cwd: "/home/ada/app",
    gitBranch: "main",
    version: "2.1.217",
    entrypoint: "cli",
    userType: "external",
    ...fields,
  };
}

const usage = (output: number) => ({
  input_tokens: 4,
  output_tokens: output,
  cache_creation_input_tokens: 100,
  cache_read_input_tokens: 2_000,
  cache_creation: { ephemeral_5m_input_tokens: 40, ephemeral_1h_input_tokens: 60 },
  server_tool_use: { web_search_requests: 1 },
  speed: "standard",
});

/** One line of an answer: one block, with the answer's usage as it was then. */
export const answer = (uuid: string, id: string, block: object, output: number, fields: object = {}) =>
  record("assistant", uuid, {
    requestId: `req_${id}`,
    message: {
      id,
      model: "claude-opus-4-8",
      role: "assistant",
      content: [block],
      stop_reason: null,
      usage: usage(output),
    },
    ...fields,
  });

/** The result of a tool call. */
export const result = (uuid: string, call: string, content: unknown, more: object = {}, block: object = {}) =>
  record("user", uuid, {
    message: { role: "user", content: [{ type: "tool_result", tool_use_id: call, content, ...block }] },
    ...more,
  });

/** A prompt as it was typed. */
export const prompt = (uuid: string, text: unknown, fields: object = {}) =>
  record("user", uuid, { message: { role: "user", content: text }, ...fields });

const call = (id: string, name: string, input: object) => ({ type: "tool_use", id, name, input });

/** A whole small session. Times go on by a second a record. */
export function sampleSession(): Record<string, unknown>[] {
  second = 0;
  const patch = [{ oldStart: 1, oldLines: 2, newStart: 1, newLines: 3, lines: [" a", "-b", "+c", "+d"] }];
  return [
    { type: "summary", summary: "Fix the greeting", leafUuid: "r05" },
    { type: "custom-title", customTitle: "Greeting", sessionId: SESSION },
    { type: "queue-operation", operation: "enqueue", timestamp: stamp(0), sessionId: SESSION, content: "hello" },
    prompt("r01", "Greet in three languages 👋", { promptId: "p1", origin: { kind: "human" } }),
    answer("r02", "msg_1", { type: "thinking", thinking: "hm", signature: "x" }, 1),
    answer("r03", "msg_1", { type: "text", text: "Reading." }, 1),
    answer("r04", "msg_1", call("toolu_1", "Read", { file_path: "/home/ada/app/greet.ts" }), 57),
    result("r05", "toolu_1", "1 a\n2 b", {
      toolUseResult: { type: "text", file: { filePath: "/home/ada/app/greet.ts" } },
    }),
    answer(
      "r06",
      "msg_2",
      call("toolu_2", "Edit", { file_path: "/home/ada/app/greet.ts", old_string: "b", new_string: "c" }),
      20,
    ),
    result("r07", "toolu_2", "updated", {
      toolUseResult: { filePath: "/home/ada/app/greet.ts", structuredPatch: patch },
    }),
    answer("r08", "msg_3", call("toolu_3", "Bash", { command: "git commit -m greet" }), 30),
    result("r09", "toolu_3", "[main 1a2b3c4d] greet everybody\n 1 file changed, 2 insertions(+), 1 deletion(-)", {
      toolUseResult: {
        stdout: "[main 1a2b3c4d] greet everybody\n 1 file changed, 2 insertions(+), 1 deletion(-)",
        gitOperation: { commit: { sha: "1a2b3c4d", kind: "committed" } },
      },
    }),
    answer("r10", "msg_4", call("toolu_4", "mcp__Claude_Browser__navigate", { url: "https://example.org" }), 9),
    result("r11", "toolu_4", [{ type: "text", text: "boom" }], { toolUseResult: "Error: boom" }, { is_error: true }),
    answer("r12", "msg_5", call("toolu_5", "Bash", { command: "rm -rf /" }), 9),
    result(
      "r13",
      "toolu_5",
      "The user doesn't want to proceed with this tool use. The tool use was rejected",
      { toolUseResult: "User rejected tool use", toolDenialKind: "user-rejected" },
      { is_error: true },
    ),
    prompt("r14", [{ type: "text", text: "[Request interrupted by user for tool use]" }]),
    prompt(
      "r15",
      "<command-name>/review</command-name>\n<command-message>review</command-message>\n<command-args>greet.ts</command-args>",
    ),
    prompt("r16", "<local-command-stdout>ok</local-command-stdout>"),
    prompt("r17", "<bash-input>npm test</bash-input>"),
    prompt("r18", "<bash-stdout>fine</bash-stdout>"),
    prompt("r19", "Caveat", { isMeta: true }),
    prompt("r20", "<task-notification>done</task-notification>", { origin: { kind: "task-notification" } }),
    record("system", "r21", { subtype: "compact_boundary", compactMetadata: { trigger: "auto", preTokens: 167_117 } }),
    prompt("r22", "This session is being continued", { isCompactSummary: true }),
    record("progress", "r23", {
      data: { type: "agent_progress", message: answer("x", "msg_9", { type: "text", text: "no" }, 999) },
    }),
    answer("r24", "msg_6", { type: "text", text: "API Error" }, 5, {
      message: { model: "<synthetic>", content: [], usage: usage(5) },
    }),
    answer("r25", "msg_7", call("toolu_7", "Grep", { pattern: "x" }), 3, { isSidechain: true, agentId: "a1b2" }),
    prompt("r26", "look for x", { isSidechain: true, agentId: "a1b2" }),
  ];
}

export const sampleText = (records: readonly unknown[]): string =>
  records.map((entry) => `${JSON.stringify(entry)}\n`).join("");
