import { LIMITS } from "../../base/limits.ts";
import { redactText } from "../../base/redact.ts";
import type { Draft } from "../../define/event.ts";
import { toolCalled, toolDenied, toolStarted } from "../../events/tool.ts";
import { fileChanged } from "../../events/work.ts";
import { boundJson, boundKey, boundText, idText, jsonBytes, short } from "../bound.ts";
import { isLoose, type Loose, listOf, looseOf, parsedJson, textOf } from "../loose.ts";
import { type Context, idOf, turnOf } from "./record.ts";
import type { OpenCall, State } from "./state.ts";

/** A tool call of any kind: named functions, free-form tools, shell calls, searches. Undefined where the item is none. */
export function startedTool(state: State, context: Context): Draft[] {
  const { payload } = context;
  switch (payload.type) {
    case "function_call":
      return started(state, context, nameOf(payload), parsedJson(payload.arguments));
    case "custom_tool_call":
      return started(state, context, nameOf(payload), payload.input);
    case "local_shell_call":
      return started(state, context, "local_shell", payload.action);
    case "tool_search_call":
      return started(state, context, "tool_search_call", payload.arguments);
    case "web_search_call":
      return searched(state, context);
    default:
      return [];
  }
}

/** Functions of an MCP server come with the server as namespace: `mcp__server` and `tool`. */
function nameOf(payload: Loose): string {
  const name = textOf(payload.name) ?? "unknown";
  const space = textOf(payload.namespace);
  return space?.startsWith("mcp__") && !name.startsWith("mcp__") ? `${space.replace(/__$/, "")}__${name}` : name;
}

function started(state: State, context: Context, name: string, input: unknown): Draft[] {
  const tool = boundText(name, 256);
  const call: OpenCall = {
    id: idText(context.payload.call_id) ?? `${turnOf(state)}:${state.turn_calls++}`,
    tool,
    time: context.time,
    mcp_server: /^mcp__(.+?)__./.exec(tool)?.[1],
    input_bytes: jsonBytes(input),
  };
  state.calls.push(call);
  if (state.calls.length > LIMITS.open_calls_max) state.calls.shift();
  return [startedDraft(state, context, call, input)];
}

function startedDraft(state: State, context: Context, call: OpenCall, input: unknown): Draft {
  return toolStarted.of(
    {
      ...context.envelope,
      id: idOf(context.time, "tool.started", call.id),
      subject: call.tool,
      fact: boundKey(`tool:${call.id}`, 512),
    },
    {
      tool: call.tool,
      call_id: call.id,
      mcp_server: call.mcp_server,
      agent: state.agent,
      input: boundJson(input ?? {}, LIMITS.tool_input_chars_max),
    },
  );
}

/** A search the provider ran: begun and ended by one item; its id stands in the event before it. */
function searched(state: State, context: Context): Draft[] {
  const { payload, time } = context;
  const id = idText(payload.id) ?? state.web_search ?? `${turnOf(state)}:${state.turn_calls++}`;
  state.web_search = undefined;
  const call: OpenCall = { id, tool: "web_search_call", time };
  const success = payload.status !== "failed";
  return [
    startedDraft(state, context, call, payload.action),
    calledDraft(state, context, call, "", success, undefined),
  ];
}

/** `tool.called` or `tool.denied` for an output item. */
export function endedTool(state: State, context: Context): Draft[] {
  const id = idText(context.payload.call_id);
  const at = state.calls.findIndex((call) => call.id === id);
  if (at < 0) return [];
  const call = state.calls.splice(at, 1)[0]!;
  const { text, ok } = outputOf(context.payload);
  if (/^(exec command|patch|mcp tool call|.{0,40}) ?(was )?rejected by (the )?user/.test(text.slice(0, 200))) {
    return [
      toolDenied.of(
        {
          ...context.envelope,
          id: idOf(context.time, "tool.denied", call.id),
          subject: call.tool,
          fact: `tool:${call.id}`,
        },
        {
          tool: call.tool,
          call_id: call.id,
          mcp_server: call.mcp_server,
          agent: state.agent,
          reason: boundText(text, 4_000),
        },
      ),
    ];
  }
  return [calledDraft(state, context, call, text, call.ok ?? ok, call.failure)];
}

function calledDraft(
  state: State,
  context: Context,
  call: OpenCall,
  text: string,
  success: boolean,
  failure?: string,
): Draft {
  const { id, tool, time, mcp_server, input_bytes } = call;
  return toolCalled.of(
    {
      ...context.envelope,
      id: idOf(context.time, "tool.called", id),
      subject: tool,
      fact: boundKey(`tool:${id}`, 512),
    },
    {
      tool,
      call_id: id,
      mcp_server,
      agent: state.agent,
      input_bytes,
      output: boundText(text, LIMITS.tool_output_chars_max),
      output_bytes: Buffer.byteLength(text),
      duration_ms: context.time >= time ? (context.time - time) / 1000 : undefined,
      success,
      error: success ? undefined : boundText(failure || text || "error", 4_000),
    },
  );
}

/** Text and success of an output: a text, blocks, or an object; the program's exit code stands in the first lines of the text. */
function outputOf(payload: Loose): { text: string; ok: boolean } {
  const { output } = payload;
  if (isLoose(output)) return { text: outputText(output.content), ok: output.success !== false };
  const text = outputText(output);
  const old = text.startsWith('{"output"') ? parsedJson(text) : undefined;
  if (isLoose(old)) {
    const code = looseOf(old.metadata).exit_code;
    return { text: textOf(old.output) ?? "", ok: code === undefined || code === 0 };
  }
  const head = text.slice(0, 400);
  const code = /^(?:Process exited with code|Exit code:) (-?\d+)$/m.exec(head)?.[1];
  const failed = /^(apply_patch verification failed|aborted|failed to|Error:|unsupported call|tool call failed)/i.test(
    head,
  );
  return { text, ok: code === undefined ? !failed : code === "0" };
}

function outputText(value: unknown): string {
  if (typeof value === "string") return value;
  return listOf(value)
    .map((block) => textOf(looseOf(block).text) ?? "")
    .join("\n");
}

/** What events beside the items tell of a call. */
export function noteCallEvent(state: State, context: Context): Draft[] {
  const { payload } = context;
  const id = idText(payload.call_id);
  if (payload.type === "web_search_end") state.web_search = id;
  const call = state.calls.find((open) => open.id === id);
  if (payload.type === "mcp_tool_call_end" && call) {
    call.mcp_server = short(looseOf(payload.invocation).server, 256) ?? call.mcp_server;
    const result = looseOf(payload.result);
    call.ok = result.Err === undefined && looseOf(result.Ok).is_error !== true && looseOf(result.Ok).isError !== true;
    // the state is kept in clear
    if (typeof result.Err === "string") call.failure = boundText(redactText(result.Err), 4_000);
  }
  if (payload.type !== "patch_apply_end") return [];
  if (call && typeof payload.success === "boolean") call.ok = payload.success;
  return payload.success === false || id === undefined ? [] : changedFiles(context, id);
}

const ACTIONS: Readonly<Record<string, "created" | "changed" | "removed">> = {
  add: "created",
  update: "changed",
  delete: "removed",
};

function changedFiles(context: Context, call_id: string): Draft[] {
  const drafts: Draft[] = [];
  for (const [name, value] of Object.entries(looseOf(context.payload.changes)).slice(0, LIMITS.json_keys_max)) {
    const change = looseOf(value);
    const from = boundText(name, 1024);
    const moved = short(change.move_path, 1024);
    const path = moved ?? from;
    if (path === "") continue;
    const fact = boundKey(`file:${call_id}:${path}`, 512);
    const id = idOf(context.time, "file.changed", fact);
    const subject = boundKey(path, LIMITS.subject_chars_max);
    drafts.push(
      fileChanged.of(
        { ...context.envelope, id, subject, fact },
        {
          path,
          action: moved === undefined ? (ACTIONS[textOf(change.type) ?? ""] ?? "changed") : "renamed",
          call_id,
          from_path: moved === undefined ? undefined : from,
          ...patchLines(change),
        },
      ),
    );
  }
  return drafts;
}

function patchLines(change: Loose): { lines_added?: number; lines_removed?: number } {
  const { content, unified_diff } = change;
  if (typeof unified_diff === "string") {
    const lines = unified_diff.split("\n");
    return {
      lines_added: lines.filter((line) => line.startsWith("+")).length,
      lines_removed: lines.filter((line) => line.startsWith("-")).length,
    };
  }
  if (typeof content !== "string") return {};
  const lines = content.replace(/\n$/, "").split("\n").length;
  return change.type === "delete" ? { lines_removed: lines } : { lines_added: lines };
}
