import { derivedId } from "../../../base/id.ts";
import { LIMITS } from "../../../base/limits.ts";
import type { Draft } from "../../../define/event.ts";
import { toolCalled, toolDenied, toolStarted } from "../../../events/tool.ts";
import { permissionRequested, toolsAnswered } from "../../../events/turn.ts";
import { boundJson, boundKey, boundText, jsonBytes } from "../../bound.ts";
import { isLoose, listOf, looseOf, textOf } from "../../loose.ts";
import { workOf } from "../work.ts";
import type { HookContext, Payload } from "./payload.ts";

/** The call a payload is about; undefined where it names no tool. */
function callOf(p: Payload, c: HookContext) {
  const tool = p.text("tool_name", 256);
  if (tool === undefined) return undefined;
  const call_id = p.key("tool_use_id", 128);
  const input = p.any("tool_input");
  const about = looseOf(input);
  return {
    envelope: { ...c.envelope, subject: tool, ...(call_id === undefined ? {} : { fact: `tool:${call_id}` }) },
    call: {
      tool,
      call_id,
      mcp_server: c.mcp_server ?? /^mcp__(.+?)__./.exec(tool)?.[1],
      input: input === undefined ? undefined : boundJson(input, LIMITS.tool_input_chars_max),
      agent: c.agent,
    },
    input_bytes: input === undefined ? undefined : jsonBytes(input),
    file_path: boundPath(about.file_path) ?? boundPath(about.notebook_path),
  };
}

const boundPath = (value: unknown): string | undefined => {
  const text = textOf(value);
  return text === undefined ? undefined : boundText(text, 1024);
};

export function startedTool(p: Payload, c: HookContext): Draft[] | undefined {
  const found = callOf(p, c);
  if (!found) return undefined;
  const { permission_mode, effort, prompt_id } = c;
  return [toolStarted.of(found.envelope, { ...found.call, permission_mode, effort, prompt_id })];
}

export function calledTool(p: Payload, c: HookContext): Draft[] | undefined {
  const found = callOf(p, c);
  if (!found) return undefined;
  const { envelope, call, input_bytes, file_path } = found;
  const response = p.any("tool_response");
  const called = toolCalled.of(envelope, {
    ...call,
    output: response === undefined ? undefined : boundText(outputOf(response), LIMITS.tool_output_chars_max),
    output_bytes: response === undefined ? undefined : jsonBytes(response),
    duration_ms: p.number("duration_ms"),
    success: true,
    input_bytes,
    file_path,
  });
  if (call.call_id === undefined) return [called];
  // the structured answer is what the transcript keeps as toolUseResult
  const id = boundKey(call.call_id, 128);
  const context = {
    record: { toolUseResult: response },
    time: c.time,
    session: c.session,
    own: id,
    agent: c.agent,
    envelope: c.envelope,
  };
  const work = workOf(context, {
    id,
    tool: call.tool,
    time: c.time,
    ...(file_path === undefined ? {} : { file_path }),
  });
  return [called, ...work.map((draft) => ({ ...draft, id: derivedId(c.time, "hook", draft.id ?? "") }))];
}

export function failedTool(p: Payload, c: HookContext): Draft[] | undefined {
  const found = callOf(p, c);
  if (!found) return undefined;
  const { envelope, call, input_bytes, file_path } = found;
  return [
    toolCalled.of(envelope, {
      ...call,
      duration_ms: p.number("duration_ms"),
      success: false,
      error: p.text("error", 4_000) ?? "error",
      input_bytes,
      file_path,
      interrupted: p.bool("is_interrupt"),
    }),
  ];
}

export function deniedTool(p: Payload, c: HookContext): Draft[] | undefined {
  const found = callOf(p, c);
  return found && [toolDenied.of(found.envelope, { ...found.call, reason: p.text("reason", 4_000) })];
}

/** The question to a person; it carries no id of the call. */
export function requestedPermission(p: Payload, c: HookContext): Draft[] | undefined {
  const found = callOf(p, c);
  if (!found) return undefined;
  const { tool, mcp_server, input } = found.call;
  const { fact: _, ...envelope } = found.envelope as typeof found.envelope & { fact?: string };
  return [
    permissionRequested.of(envelope, {
      tool,
      mcp_server,
      input,
      suggestions: p.json("permission_suggestions"),
      permission_mode: c.permission_mode,
      agent: c.agent,
      prompt_id: c.prompt_id,
    }),
  ];
}

/** The calls of one answer have all ended; each was told by itself already. */
export function answeredTools(p: Payload, c: HookContext): Draft[] | undefined {
  const calls = p.any("tool_calls");
  if (!Array.isArray(calls)) return undefined;
  const ids = calls.flatMap((call) => textOf(looseOf(call).tool_use_id) ?? []);
  return [
    toolsAnswered.of(c.envelope, {
      calls: boundJson(ids, 65_536),
      count: calls.length,
      agent: c.agent,
      prompt_id: c.prompt_id,
    }),
  ];
}

/** What a tool answered as text: its own words where it has some, else the structured answer as JSON. */
function outputOf(response: unknown): string {
  if (typeof response === "string") return response;
  if (Array.isArray(response)) return blocksOf(response) ?? boundJson(response, LIMITS.tool_output_chars_max);
  const answer = looseOf(response);
  if (typeof answer.stdout === "string" || typeof answer.stderr === "string")
    return [answer.stdout, answer.stderr].filter((text) => typeof text === "string" && text !== "").join("\n");
  const content = looseOf(answer.file).content ?? answer.content ?? answer.result;
  if (typeof content === "string") return content;
  return blocksOf(listOf(content)) ?? boundJson(response, LIMITS.tool_output_chars_max);
}

/** The texts of a list of content blocks; undefined where it is none. */
function blocksOf(blocks: readonly unknown[]): string | undefined {
  if (blocks.length === 0 || !blocks.every((block) => isLoose(block) && typeof block.type === "string"))
    return undefined;
  return blocks
    .map((block) => textOf(looseOf(block).text) ?? `[${String(looseOf(block).type).slice(0, 64)}]`)
    .join("\n");
}
