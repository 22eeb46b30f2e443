import { LIMITS } from "../../../base/limits.ts";
import type { Draft } from "../../../define/event.ts";
import { toolCalled, toolDenied, toolStarted } from "../../../events/tool.ts";
import { permissionRequested, toolsAnswered } from "../../../events/turn.ts";
import { boundJson, boundKey, boundText, jsonBytes } from "../../bound.ts";
import { isLoose, listOf, looseOf, parsedJson, textOf } from "../../loose.ts";
import { PATHS } from "../outline.ts";
import type { HookContext, Payload } from "../payload.ts";

/** The call a payload is about; undefined where it names no tool. */
function callOf(p: Payload, c: HookContext) {
  const tool = p.text("tool_name", 256);
  if (tool === undefined) return undefined;
  const call_id = p.key("tool_use_id", 128);
  const input = parsedJson(p.any("tool_input"));
  const about = looseOf(input);
  const key = c.calls_in === undefined ? call_id : `${c.calls_in}:${call_id}`;
  return {
    envelope: { ...c.envelope, subject: tool, ...(call_id === undefined ? {} : { fact: `tool:${key}` }) },
    call: {
      tool,
      call_id,
      mcp_server: c.mcp_server ?? /^mcp__(.+?)__./.exec(tool)?.[1],
      input: input === undefined ? undefined : boundJson(input, LIMITS.tool_input_chars_max),
      agent: c.agent,
    },
    input_bytes: input === undefined ? undefined : jsonBytes(input),
    file_path: PATHS.map((name) => boundPath(about[name])).find((path) => path !== undefined),
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

/** What a tool answered, as its assistant says it. */
export interface Answer {
  readonly output?: string | undefined;
  /** Whether it worked, where that is known. */
  readonly success?: boolean | undefined;
  readonly error?: string | undefined;
  /** The call was not made: a person or a rule refused it. */
  readonly denied?: boolean | undefined;
}

/** The end of a call, its answer read by `read`; `more` makes events of what the answer tells besides. */
export const answered =
  (
    read: (response: unknown, p: Payload) => Answer,
    more?: (p: Payload, c: HookContext, call: { id: string; tool: string; file_path?: string | undefined }) => Draft[],
  ) =>
  (p: Payload, c: HookContext): Draft[] | undefined => {
    const found = callOf(p, c);
    if (!found) return undefined;
    const { envelope, call, input_bytes, file_path } = found;
    const response = p.any("tool_response");
    const { output, success, error, denied } = read(response, p);
    if (denied)
      return [toolDenied.of(envelope, { ...call, reason: error === undefined ? undefined : boundText(error, 4_000) })];
    const called = toolCalled.of(envelope, {
      ...call,
      output: output === undefined ? undefined : boundText(output, LIMITS.tool_output_chars_max),
      output_bytes: response === undefined ? undefined : jsonBytes(response),
      duration_ms: p.number("duration_ms"),
      success,
      ...(success === false && { error: boundText(error || output || "error", 4_000) }),
      input_bytes,
      file_path,
      interrupted: p.bool("is_interrupt"),
    });
    if (!more || call.call_id === undefined) return [called];
    return [called, ...more(p, c, { id: boundKey(call.call_id, 128), tool: call.tool, file_path })];
  };

const textAnswered = (response: unknown): string | undefined =>
  response === undefined ? undefined : outputOf(response);

/** A call that worked. */
export const calledTool = answered((response) => ({ output: textAnswered(response), success: true }));

/** A call that ended; the assistant does not say whether it worked. */
export const endedTool = answered((response) => ({ output: textAnswered(response) }));

/** A call that failed, where the assistant calls a hook of its own for that. */
export const failedTool = answered((response, p) => ({
  output: textAnswered(response),
  success: false,
  error: p.text("error", 4_000),
}));

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
export function outputOf(response: unknown): string {
  if (typeof response === "string") return response;
  if (Array.isArray(response)) return blocksOf(response) ?? boundJson(response, LIMITS.tool_output_chars_max);
  const answer = looseOf(response);
  if (typeof answer.stdout === "string" || typeof answer.stderr === "string")
    return [answer.stdout, answer.stderr].filter((text) => typeof text === "string" && text !== "").join("\n");
  const content = looseOf(answer.file).content ?? answer.content ?? answer.result ?? answer.output;
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
