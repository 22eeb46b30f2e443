import { LIMITS } from "../../base/limits.ts";
import type { Draft } from "../../define/event.ts";
import { toolCalled, toolDenied, toolStarted } from "../../events/tool.ts";
import { boundJson, boundKey, boundText, jsonBytes, short } from "../bound.ts";
import { isLoose, type Loose, listOf, looseOf, textOf } from "../loose.ts";
import { type Context, idOf } from "./record.ts";
import { type OpenCall, remember, type State } from "./state.ts";
import { workOf } from "./work.ts";

/** Sentences that stand in the result of a call that was not allowed. */
const DENIED = [
  "The user doesn't want to proceed with this tool use",
  "The user doesn't want to take this action right now",
  "This command requires approval",
];
const DENIED_RULE =
  /^(Permission to use .{1,200} (has been|was) denied|Claude requested permissions? to .{1,400}haven't granted it yet)/;

/** `tool.started` for each call that an assistant record makes. */
export function startedTools(state: State, context: Context, message: Loose): Draft[] {
  const drafts: Draft[] = [];
  for (const [index, block] of listOf(message.content).entries()) {
    if (!isLoose(block) || block.type !== "tool_use") continue;
    const call = openCall(context, block, index);
    remember(state.calls, call, LIMITS.open_calls_max);
    const { tool, mcp_server, agent } = call;
    drafts.push(
      toolStarted.of(
        {
          ...context.envelope,
          id: idOf(context, "tool.started", call.id),
          subject: tool,
          fact: `tool:${call.id}`,
        },
        { tool, call_id: call.id, mcp_server, agent, input: boundJson(block.input ?? {}, LIMITS.tool_input_chars_max) },
      ),
    );
  }
  return drafts;
}

function openCall(context: Context, block: Loose, index: number): OpenCall {
  const tool = short(block.name, 256) ?? "unknown";
  const input = looseOf(block.input);
  return {
    id: boundKey(textOf(block.id) ?? `${context.own}:${index}`, 128),
    tool,
    time: context.time,
    mcp_server: /^mcp__(.+?)__./.exec(tool)?.[1],
    agent: context.agent,
    file_path: short(input.file_path, 1024) ?? short(input.notebook_path, 1024),
    input_bytes: jsonBytes(block.input),
  };
}

/** `tool.called` or `tool.denied`, files and commits, for each result that a user record holds. */
export function endedTools(state: State, context: Context): Draft[] {
  const drafts: Draft[] = [];
  for (const block of listOf(looseOf(context.record.message).content)) {
    if (!isLoose(block) || block.type !== "tool_result") continue;
    const id = boundKey(textOf(block.tool_use_id) ?? "", 128);
    const at = state.calls.findIndex((call) => call.id === id);
    // a result whose call is not in this file says nothing that could be told: not even which tool it was
    if (at < 0) continue;
    const call = state.calls.splice(at, 1)[0]!;
    drafts.push(...ended(context, call, block));
  }
  return drafts;
}

function ended(context: Context, call: OpenCall, block: Loose): Draft[] {
  const { id, tool, mcp_server, agent, time, ...known } = call;
  const envelope = { ...context.envelope, subject: tool, fact: `tool:${id}` };
  const answer = answerOf(block.content);
  const failed = block.is_error === true;
  if (failed && isDenied(context.record, answer.text)) {
    const reason = boundText(answer.text || (textOf(context.record.toolDenialKind) ?? "denied"), 4_000);
    return [
      toolDenied.of(
        { ...envelope, id: idOf(context, "tool.denied", id) },
        { tool, call_id: id, mcp_server, agent, reason },
      ),
    ];
  }
  const called = toolCalled.of(
    { ...envelope, id: idOf(context, "tool.called", id) },
    {
      tool,
      call_id: id,
      mcp_server,
      agent,
      output: boundText(answer.text, LIMITS.tool_output_chars_max),
      output_bytes: answer.bytes,
      // parallel calls and replayed lines can go back in time
      duration_ms: context.time >= time ? (context.time - time) / 1000 : undefined,
      success: !failed,
      error: failed ? boundText(answer.text || "error", 4_000) : undefined,
      ...known,
    },
  );
  return failed ? [called] : [called, ...workOf(context, call)];
}

const isDenied = (record: Loose, text: string): boolean =>
  textOf(record.toolDenialKind) !== undefined ||
  DENIED.some((sentence) => text.startsWith(sentence)) ||
  DENIED_RULE.test(text.slice(0, 1_000));

/** Text and size of a tool's answer, which is text or a list of blocks. */
function answerOf(content: unknown): { text: string; bytes: number } {
  if (typeof content === "string") return { text: content, bytes: Buffer.byteLength(content) };
  const texts: string[] = [];
  let bytes = 0;
  for (const block of listOf(content).filter(isLoose)) {
    const data = textOf(block.text) ?? textOf(looseOf(block.source).data) ?? "";
    bytes += Buffer.byteLength(data);
    texts.push(textOf(block.text) ?? `[${textOf(block.type) ?? "block"}]`);
  }
  return { text: texts.join("\n"), bytes };
}
