import { LIMITS } from "../../base/limits.ts";
import type { Draft } from "../../define/event.ts";
import { answerFact } from "../../events/facts.ts";
import { modelCalled } from "../../events/model.ts";
import { promptSubmitted, sessionCompacted, sessionStarted } from "../../events/session.ts";
import { toolCalled, toolDenied, toolStarted, UNNAMED_TOOL, VAGUE_TOOLS } from "../../events/tool.ts";
import { looseOf } from "../loose.ts";
import { amountIn, boolIn, countIn, jsonIn, keyIn, messageIn, parsed, shortIn, textIn } from "./attributes.ts";
import type { Attributes, LogRecord, Span } from "./batch.ts";
import type { Told, Vocabulary } from "./told.ts";

/** What stands in place of content that the user did not allow to be exported. */
const HIDDEN = /^[<[]?redacted[>\]]?$/i;
/** How hooks and transcripts call the ways a session starts. */
const STARTS: Readonly<Record<string, string>> = { fresh: "startup", resume: "resume", continue: "resume" };

/**
 * Claude Code's own names (logs, metrics and spans of `com.anthropic.claude_code`). A request id, tool-use id or prompt id makes its facts the
 * same as those of transcripts and hooks. Metrics of tokens and cost stay metrics: the requests they sum up come as logs.
 */
export const claudeCode: Vocabulary = {
  assistant: "claude-code",
  session: ["session.id"],
  contents: new Set(["prompt", "tool_input", "tool_parameters", "error"]),
  log(log, told) {
    const name = (textIn(log.attributes, "event.name") ?? (log.event_name || String(log.body ?? ""))).replace(
      /^claude_code\./,
      "",
    );
    return LOGS[name]?.(log, told) ?? [];
  },
  span(span, told) {
    return SPANS[span.name]?.(span, told) ?? [];
  },
  point(point, told) {
    const start = textIn(point.attributes, "start_type");
    // agents_view opens a list, no conversation
    if (point.name !== "claude_code.session.count" || !told.envelope.session || start === "agents_view") return [];
    return [
      sessionStarted.of(
        { ...told.envelope, id: told.id("session.started") },
        {
          start: start && (STARTS[start] ?? start),
          assistant_version: shortIn(point.attributes, 64, "app.version"),
          entrypoint: shortIn(point.attributes, 64, "app.entrypoint"),
        },
      ),
    ];
  },
};

const LOGS: Readonly<Record<string, (log: LogRecord, told: Told) => Draft[]>> = {
  user_prompt: ({ attributes }, told) => {
    const prompt_id = keyIn(attributes, 128, "prompt.id");
    const message_id = keyIn(attributes, 128, "message.uuid");
    const key = prompt_id ?? message_id;
    const text = messageIn(attributes, LIMITS.prompt_chars_max, "prompt");
    return [
      promptSubmitted.of(
        { ...told.envelope, id: told.id("prompt.submitted"), fact: key && `prompt:${key}` },
        {
          text: text !== undefined && HIDDEN.test(text) ? undefined : text,
          chars: countIn(attributes, "prompt_length"),
          kind: textIn(attributes, "command_name") === undefined ? "text" : "command",
          prompt_id,
          message_id,
        },
      ),
    ];
  },
  api_request: ({ attributes }, told) => [answered(attributes, told, {})],
  // only the last failure of a request is logged
  api_error: ({ attributes }, told) => [
    answered(attributes, told, {
      success: false,
      error: messageIn(attributes, 4_000, "error", "status_code") ?? "error",
    }),
  ],
  tool_result: ({ attributes }, told) => {
    const success = boolIn(attributes, "success");
    const call = callOf(attributes);
    return [
      toolCalled.of(
        { ...told.envelope, id: told.id("tool.called"), subject: call.tool, fact: factOfCall(call.call_id) },
        {
          ...call,
          duration_ms: amountIn(attributes, "duration_ms"),
          success,
          error: success === false ? (messageIn(attributes, 4_000, "error", "error_type") ?? "error") : undefined,
          input_bytes: countIn(attributes, "tool_input_size_bytes"),
          output_bytes: countIn(attributes, "tool_result_size_bytes"),
        },
      ),
    ];
  },
  tool_decision: ({ attributes }, told) => {
    if (textIn(attributes, "decision") !== "reject") return [];
    const call = callOf(attributes);
    return [
      toolDenied.of(
        { ...told.envelope, id: told.id("tool.denied"), subject: call.tool, fact: factOfCall(call.call_id) },
        { ...call, reason: shortIn(attributes, 4_000, "source") },
      ),
    ];
  },
  compaction: ({ attributes }, told) =>
    boolIn(attributes, "success") === false
      ? []
      : [
          sessionCompacted.of(
            { ...told.envelope, id: told.id("session.compacted") },
            {
              trigger: shortIn(attributes, 64, "trigger"),
              tokens_before: countIn(attributes, "pre_tokens"),
              tokens_after: countIn(attributes, "post_tokens"),
            },
          ),
        ],
};

const SPANS: Readonly<Record<string, (span: Span, told: Told) => Draft[]>> = {
  "claude_code.llm_request": ({ attributes }, told) => {
    // without this id nothing tells that the log of the same request is the same
    if (textIn(attributes, "request_id") === undefined) return [];
    const failed = boolIn(attributes, "success") === false;
    return [
      answered(attributes, told, {
        stop_reason: shortIn(attributes, 64, "stop_reason"),
        ...(failed
          ? { success: false, error: messageIn(attributes, 4_000, "error", "status_code") ?? "error" }
          : undefined),
      }),
    ];
  },
  // its duration holds the time a person took to decide: the execution inside tells how long the tool ran
  "claude_code.tool": ({ attributes, start }, told) => {
    const call = callOf(attributes);
    return [
      toolStarted.of(
        {
          ...told.envelope,
          time: start || told.time,
          id: told.id("tool.started"),
          subject: call.tool,
          fact: factOfCall(call.call_id),
        },
        call,
      ),
    ];
  },
  "claude_code.tool.execution": ({ attributes }, told) => {
    const call_id = callIdOf(attributes);
    if (call_id === undefined) return [];
    const success = boolIn(attributes, "success");
    return [
      toolCalled.of(
        { ...told.envelope, id: told.id("tool.called"), fact: factOfCall(call_id) },
        {
          tool: shortIn(attributes, 256, "tool_name") ?? UNNAMED_TOOL,
          call_id,
          duration_ms: amountIn(attributes, "duration_ms"),
          success,
          error: success === false ? (messageIn(attributes, 4_000, "error") ?? "error") : undefined,
        },
      ),
    ];
  },
};

function answered(attributes: Attributes, told: Told, more: { success?: false; error?: string; stop_reason?: string }) {
  const request_id = keyIn(attributes, 128, "request_id");
  return modelCalled.of(
    { ...told.envelope, id: told.id("model.called"), fact: answerFact(undefined, request_id) },
    {
      model: shortIn(attributes, 256, "model", "gen_ai.request.model") ?? "unknown",
      provider: "anthropic",
      request_id,
      input_tokens: countIn(attributes, "input_tokens") ?? 0,
      output_tokens: countIn(attributes, "output_tokens") ?? 0,
      cache_creation_tokens: countIn(attributes, "cache_creation_tokens") ?? 0,
      cache_read_tokens: countIn(attributes, "cache_read_tokens") ?? 0,
      duration_ms: amountIn(attributes, "duration_ms"),
      speed: speedOf(textIn(attributes, "speed")),
      agent:
        textIn(attributes, "query_source") === "subagent"
          ? (shortIn(attributes, 256, "agent.name") ?? "subagent")
          : undefined,
      reported_cost_usd: amountIn(attributes, "cost_usd"),
      ...more,
    },
  );
}

/** Transcripts say standard where telemetry says normal. */
const speedOf = (speed: string | undefined): string | undefined =>
  speed === undefined ? undefined : speed === "normal" ? "standard" : speed.slice(0, 32);

const callIdOf = (attributes: Attributes) => keyIn(attributes, 128, "tool_use_id", "gen_ai.tool.call.id");
const factOfCall = (call_id: string | undefined) => call_id && `tool:${call_id}`;

/** Names of MCP tools are masked unless the user allowed details; the parameters then tell them. */
function callOf(attributes: Attributes) {
  const name = shortIn(attributes, 256, "tool_name");
  const parameters = looseOf(parsed(textIn(attributes, "tool_parameters") ?? ""));
  const server = typeof parameters.mcp_server_name === "string" ? parameters.mcp_server_name : undefined;
  const of = typeof parameters.mcp_tool_name === "string" ? parameters.mcp_tool_name : undefined;
  const masked = VAGUE_TOOLS.includes(name ?? UNNAMED_TOOL);
  return {
    tool: masked && server && of ? `mcp__${server}__${of}`.slice(0, 256) : (name ?? UNNAMED_TOOL),
    call_id: callIdOf(attributes),
    mcp_server: server?.slice(0, 256),
    input: jsonIn(attributes, LIMITS.tool_input_chars_max, "tool_input"),
  };
}
