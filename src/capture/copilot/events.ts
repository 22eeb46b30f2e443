import { derivedId } from "../../base/id.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Draft } from "../../define/event.ts";
import { promptSubmitted, sessionCompacted, sessionStarted, sessionTitled } from "../../events/session.ts";
import { toolCalled, toolDenied, toolStarted } from "../../events/tool.ts";
import { modelSwitched } from "../../events/turn.ts";
import { boundJson, boundKey, boundText, idText, jsonBytes, short } from "../bound.ts";
import { countOf, isLoose, type Loose, looseOf, textOf, timeOf } from "../loose.ts";

/** A tool call that waits for its end, which does not repeat the tool's name. */
interface OpenCall {
  readonly id: string;
  readonly tool: string;
  readonly time: number;
  readonly mcp_server?: string | undefined;
  readonly input_bytes?: number | undefined;
}

/** What the mapping remembers of one session between two lines; plain bounded data. */
export interface State {
  readonly v: 1;
  readonly source: string;
  session?: string;
  cwd?: string | undefined;
  branch?: string | undefined;
  readonly calls: OpenCall[];
}

/** The state before the first line. */
export const startEvents = (file: { readonly host?: string }): State => ({
  v: 1,
  source: `copilot://${encodeURIComponent(file.host ?? "local")}`.slice(0, LIMITS.source_chars_max),
  calls: [],
});

/** One line: its own fields, its data, and what its events share. */
interface Context {
  readonly id: string;
  readonly time: number;
  readonly data: Loose;
  readonly agent: string | undefined;
  readonly envelope: Omit<Draft, "type" | "data" | "id">;
}

/**
 * Maps one line of a Copilot CLI session (`events.jsonl`) to events, and moves the state on. What a model's answer used is not written to
 * the file but for the sum at the end; it comes with the telemetry.
 */
export function mapEventRecord(state: State, record: unknown, _line: number): Draft[] {
  if (!isLoose(record) || !isLoose(record.data) || typeof record.type !== "string") return [];
  const time = timeOf(record.timestamp);
  if (time === undefined || !Object.hasOwn(TYPES, record.type)) return [];
  const { data } = record;
  if (record.type === "session.start") state.session ??= idText(data.sessionId);
  if (isLoose(data.context)) {
    state.cwd = short(data.context.cwd, 1024) ?? state.cwd;
    state.branch = short(data.context.branch, 512) ?? state.branch;
  }
  return TYPES[record.type]!(state, {
    id: idText(record.id) ?? `${time}`,
    time,
    data,
    agent: short(record.agentId, 256),
    envelope: {
      time,
      source: state.source,
      via: "transcript",
      assistant: "copilot",
      session: state.session,
      project: state.cwd,
      branch: state.branch,
    },
  });
}

const idOf = (c: Context, kind: string, ...parts: readonly string[]): string =>
  derivedId(c.time, "copilot", kind, c.envelope.session ?? "", ...parts);

const TYPES: Readonly<Record<string, (state: State, context: Context) => Draft[]>> = {
  "session.start": (_, c) => [
    sessionStarted.of(
      { ...c.envelope, id: idOf(c, "session.started") },
      {
        start: "startup",
        cwd: short(looseOf(c.data.context).cwd, 1024),
        model: short(c.data.selectedModel, 256),
        assistant_version: short(c.data.copilotVersion, 64),
        parent: idText(c.data.detachedFromSpawningParentSessionId),
      },
    ),
  ],
  "session.resume": (_, c) => [
    sessionStarted.of(
      { ...c.envelope, id: idOf(c, "session.started", c.id) },
      { start: "resume", cwd: short(looseOf(c.data.context).cwd, 1024), model: short(c.data.selectedModel, 256) },
    ),
  ],
  "session.title_changed": (_, c) => {
    const title = short(c.data.title, 2_000);
    return title === undefined
      ? []
      : [sessionTitled.of({ ...c.envelope, id: idOf(c, "session.titled", c.id) }, { title })];
  },
  "session.model_change": (_, c) => {
    const to_model = short(c.data.newModel, 256);
    if (to_model === undefined) return [];
    return [
      modelSwitched.of(
        { ...c.envelope, id: idOf(c, "model.switched", c.id), subject: to_model },
        { from_model: short(c.data.previousModel, 256), to_model, how: short(c.data.source, 64) },
      ),
    ];
  },
  "session.compaction_complete": (_, c) => {
    if (c.data.success === false) return [];
    return [
      sessionCompacted.of(
        { ...c.envelope, id: idOf(c, "session.compacted", c.id) },
        {
          trigger: short(c.data.trigger, 64),
          tokens_before: countOf(c.data.preCompactionTokens) || undefined,
          tokens_after: countOf(c.data.postCompactionTokens) || undefined,
          summary: short(c.data.summaryContent, LIMITS.prompt_chars_max),
        },
      ),
    ];
  },
  "user.message": (_, c) => {
    const text = textOf(c.data.content);
    // skills, subagents and the autopilot speak as the user too
    const machine = c.agent !== undefined || c.data.isAutopilotContinuation === true;
    const source = textOf(c.data.source) ?? "user";
    if (text === undefined || machine || source !== "user") return [];
    return [
      promptSubmitted.of(
        { ...c.envelope, id: idOf(c, "prompt.submitted", c.id) },
        {
          text: boundText(text, LIMITS.prompt_chars_max),
          chars: text.length,
          kind: /^\/[a-zA-Z]/.test(text) ? "command" : "text",
          message_id: c.id,
        },
      ),
    ];
  },
  "tool.execution_start": startedTool,
  "tool.execution_complete": endedTool,
};

const factOf = (call: OpenCall): string => boundKey(`tool:${call.id}`, 512);

function startedTool(state: State, c: Context): Draft[] {
  const id = idText(c.data.toolCallId);
  const tool = short(c.data.toolName, 256);
  if (id === undefined || tool === undefined) return [];
  const input = c.data.arguments;
  const call: OpenCall = {
    id,
    tool,
    time: c.time,
    mcp_server: short(c.data.mcpServerName, 256),
    input_bytes: input === undefined ? undefined : jsonBytes(input),
  };
  state.calls.push(call);
  if (state.calls.length > LIMITS.open_calls_max) state.calls.shift();
  return [
    toolStarted.of(
      { ...c.envelope, id: idOf(c, "tool.started", id), subject: tool, fact: factOf(call) },
      {
        tool,
        call_id: id,
        mcp_server: call.mcp_server,
        agent: c.agent,
        input: input === undefined ? undefined : boundJson(input, LIMITS.tool_input_chars_max),
      },
    ),
  ];
}

function endedTool(state: State, c: Context): Draft[] {
  const id = idText(c.data.toolCallId);
  const at = state.calls.findIndex((call) => call.id === id);
  if (at < 0) return [];
  const call = state.calls.splice(at, 1)[0]!;
  const { tool, mcp_server, input_bytes, time } = call;
  const about = { tool, call_id: call.id, mcp_server, agent: c.agent };
  const { message, code } = looseOf(c.data.error);
  const envelope = { ...c.envelope, subject: tool, fact: factOf(call) };
  if (/^(denied|rejected)$/.test(String(code)))
    return [
      toolDenied.of({ ...envelope, id: idOf(c, "tool.denied", call.id) }, { ...about, reason: short(message, 4_000) }),
    ];
  const output = textOf(looseOf(c.data.result).content);
  const success = c.data.success !== false;
  return [
    toolCalled.of(
      { ...envelope, id: idOf(c, "tool.called", call.id) },
      {
        ...about,
        input_bytes,
        output: output === undefined ? undefined : boundText(output, LIMITS.tool_output_chars_max),
        output_bytes: output === undefined ? undefined : Buffer.byteLength(output),
        duration_ms: c.time >= time ? (c.time - time) / 1_000 : undefined,
        success,
        ...(!success && { error: short(message, 4_000) ?? short(output, 4_000) ?? "error" }),
      },
    ),
  ];
}
