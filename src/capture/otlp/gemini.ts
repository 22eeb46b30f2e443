import { LIMITS } from "../../base/limits.ts";
import type { Draft } from "../../define/event.ts";
import { modelCalled } from "../../events/model.ts";
import { promptSubmitted, sessionCompacted, sessionStarted } from "../../events/session.ts";
import { toolCalled, toolDenied } from "../../events/tool.ts";
import { amountIn, boolIn, countIn, jsonIn, messageIn, shortIn, textIn } from "./attributes.ts";
import type { Attributes, LogRecord } from "./batch.ts";
import type { Told, Vocabulary } from "./told.ts";

/** Gemini CLI's own names: log events `gemini_cli.*`. Its spans stay generic: they tell the same requests and calls again. */
export const gemini: Vocabulary = {
  assistant: "gemini-cli",
  session: ["session.id"],
  contents: new Set(["prompt", "function_args", "error"]),
  log(log, told) {
    const name = (textIn(log.attributes, "event.name") ?? log.event_name).replace(/^gemini_cli\./, "");
    return LOGS[name]?.(log, told) ?? [];
  },
};

const LOGS: Readonly<Record<string, (log: LogRecord, told: Told) => Draft[]>> = {
  config: ({ attributes }, told) => [
    sessionStarted.of(
      { ...told.envelope, id: told.id("session.started") },
      { model: shortIn(attributes, 256, "model"), start: "startup" },
    ),
  ],
  user_prompt: ({ attributes }, told) => [
    promptSubmitted.of(
      { ...told.envelope, id: told.id("prompt.submitted") },
      {
        text: messageIn(attributes, LIMITS.prompt_chars_max, "prompt"),
        chars: countIn(attributes, "prompt_length"),
        kind: "text",
        prompt_id: shortIn(attributes, 128, "prompt_id"),
      },
    ),
  ],
  api_response: ({ attributes }, told) => [answered(attributes, told, undefined)],
  api_error: ({ attributes }, told) => [
    answered(attributes, told, messageIn(attributes, 4_000, "error", "error_type", "status_code") ?? "error"),
  ],
  tool_call: ({ attributes }, told) => {
    const tool = shortIn(attributes, 256, "function_name") ?? "unknown";
    const call = {
      tool,
      mcp_server: shortIn(attributes, 256, "mcp_server_name"),
      input: jsonIn(attributes, LIMITS.tool_input_chars_max, "function_args"),
    };
    if (textIn(attributes, "decision") === "reject")
      return [
        toolDenied.of(
          { ...told.envelope, id: told.id("tool.denied"), subject: tool },
          { ...call, reason: "rejected by the user" },
        ),
      ];
    const success = boolIn(attributes, "success");
    return [
      toolCalled.of(
        { ...told.envelope, id: told.id("tool.called"), subject: tool },
        {
          ...call,
          duration_ms: amountIn(attributes, "duration_ms"),
          success,
          error: success === false ? (messageIn(attributes, 4_000, "error", "error_type") ?? "error") : undefined,
        },
      ),
    ];
  },
  chat_compression: ({ attributes }, told) => [
    sessionCompacted.of(
      { ...told.envelope, id: told.id("session.compacted") },
      {
        tokens_before: countIn(attributes, "tokens_before"),
        tokens_after: countIn(attributes, "tokens_after"),
      },
    ),
  ],
};

function answered(attributes: Attributes, told: Told, error: string | undefined): Draft {
  const input = countIn(attributes, "input_token_count") ?? 0;
  // the prompt's count holds the cached part; thoughts are counted beside the output
  const cached = Math.min(input, countIn(attributes, "cached_content_token_count") ?? 0);
  const thoughts = countIn(attributes, "thoughts_token_count") ?? 0;
  return modelCalled.of(
    { ...told.envelope, id: told.id("model.called") },
    {
      model: shortIn(attributes, 256, "model") ?? "unknown",
      provider: "gcp.gemini",
      input_tokens: input - cached + (countIn(attributes, "tool_token_count") ?? 0),
      output_tokens: (countIn(attributes, "output_token_count") ?? 0) + thoughts,
      cache_creation_tokens: 0,
      cache_read_tokens: cached,
      reasoning_tokens: thoughts,
      duration_ms: amountIn(attributes, "duration_ms"),
      ...(error === undefined ? undefined : { success: false, error }),
    },
  );
}
