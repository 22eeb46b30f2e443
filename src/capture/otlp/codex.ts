import { LIMITS } from "../../base/limits.ts";
import type { Draft } from "../../define/event.ts";
import { modelCalled } from "../../events/model.ts";
import { promptSubmitted, sessionStarted } from "../../events/session.ts";
import { toolCalled, toolDenied } from "../../events/tool.ts";
import { amountIn, boolIn, countIn, jsonIn, keyIn, messageIn, shortIn, textIn } from "./attributes.ts";
import type { LogRecord } from "./batch.ts";
import type { Told, Vocabulary } from "./told.ts";

/** Codex CLI's own names: log events `codex.*`. Its spans stay generic; what they tell stands in the logs. */
export const codex: Vocabulary = {
  assistant: "codex",
  session: ["conversation.id", "session.id"],
  contents: new Set(["prompt", "arguments", "output"]),
  log(log, told) {
    const name = (textIn(log.attributes, "event.name") ?? log.event_name).replace(/^codex\./, "");
    return LOGS[name]?.(log, told) ?? [];
  },
};

const LOGS: Readonly<Record<string, (log: LogRecord, told: Told) => Draft[]>> = {
  conversation_starts: ({ attributes }, told) => [
    sessionStarted.of(
      { ...told.envelope, id: told.id("session.started") },
      {
        model: shortIn(attributes, 256, "model", "slug"),
        assistant_version: shortIn(attributes, 64, "app.version"),
        entrypoint: shortIn(attributes, 64, "originator"),
      },
    ),
  ],
  user_prompt: ({ attributes }, told) => {
    const text = messageIn(attributes, LIMITS.prompt_chars_max, "prompt");
    return [
      promptSubmitted.of(
        { ...told.envelope, id: told.id("prompt.submitted") },
        {
          text: text !== undefined && /^\[?redacted\]?$/i.test(text) ? undefined : text,
          chars: countIn(attributes, "prompt_length"),
          kind: "text",
        },
      ),
    ];
  },
  // one answer streams as many events; the last one carries what it used
  sse_event: answered,
  websocket_event: answered,
  tool_result: ({ attributes }, told) => {
    const call_id = keyIn(attributes, 128, "call_id");
    const tool = shortIn(attributes, 256, "tool_name") ?? "unknown";
    const success = boolIn(attributes, "success");
    const output = messageIn(attributes, LIMITS.tool_output_chars_max, "output");
    return [
      toolCalled.of(
        { ...told.envelope, id: told.id("tool.called"), subject: tool, fact: call_id && `tool:${call_id}` },
        {
          tool,
          call_id,
          mcp_server: shortIn(attributes, 256, "mcp_server"),
          input: jsonIn(attributes, LIMITS.tool_input_chars_max, "arguments"),
          output,
          duration_ms: amountIn(attributes, "duration_ms"),
          success,
          error: success === false ? (output?.slice(0, 4_000) ?? "error") : undefined,
        },
      ),
    ];
  },
  tool_decision: ({ attributes }, told) => {
    if (!/^(denied|abort|reject)/i.test(textIn(attributes, "decision") ?? "")) return [];
    const call_id = keyIn(attributes, 128, "call_id");
    const tool = shortIn(attributes, 256, "tool_name") ?? "unknown";
    return [
      toolDenied.of(
        { ...told.envelope, id: told.id("tool.denied"), subject: tool, fact: call_id && `tool:${call_id}` },
        { tool, call_id, reason: shortIn(attributes, 4_000, "source") },
      ),
    ];
  },
};

function answered({ attributes }: LogRecord, told: Told): Draft[] {
  const input = countIn(attributes, "input_token_count");
  if (textIn(attributes, "event.kind") !== "response.completed" || input === undefined) return [];
  // the input holds the cached part
  const cached = Math.min(input, countIn(attributes, "cached_token_count") ?? 0);
  return [
    modelCalled.of(
      { ...told.envelope, id: told.id("model.called") },
      {
        model: shortIn(attributes, 256, "model", "slug") ?? "unknown",
        provider: "openai",
        input_tokens: input - cached,
        output_tokens: countIn(attributes, "output_token_count") ?? 0,
        cache_creation_tokens: 0,
        cache_read_tokens: cached,
        reasoning_tokens: countIn(attributes, "reasoning_token_count"),
      },
    ),
  ];
}
