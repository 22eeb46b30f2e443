import { LIMITS } from "../../base/limits.ts";
import type { Draft } from "../../define/event.ts";
import { answerFact } from "../../events/facts.ts";
import { mcpCalled } from "../../events/mcp.ts";
import { modelCalled } from "../../events/model.ts";
import { toolCalled } from "../../events/tool.ts";
import { countIn, jsonIn, keyIn, messageIn, shortIn, textIn } from "./attributes.ts";
import type { Span } from "./batch.ts";
import type { Told, Vocabulary } from "./told.ts";

const CLIENT = 3;
const SERVER = 2;
const ERROR = 2;

/** Operations that ask a model. What an agent used in all (invoke_agent) is the sum of these, and is not counted again. */
const ASKS = new Set(["chat", "generate_content", "text_completion", "embeddings"]);

/** OpenTelemetry's conventions for generative AI and MCP, whoever uses them. */
export const genAi: Vocabulary = {
  session: ["gen_ai.conversation.id"],
  contents: new Set(["gen_ai.tool.call.arguments", "gen_ai.tool.call.result"]),
  span(span, told) {
    const { attributes } = span;
    const operation = textIn(attributes, "gen_ai.operation.name");
    const method = textIn(attributes, "mcp.method.name");
    const drafts: Draft[] = [];
    if (operation !== undefined && ASKS.has(operation)) drafts.push(answered(span, told));
    if (operation === "execute_tool") drafts.push(called(span, told));
    // both ends may tell of one request: the server's span counts where no client's span is above it
    if (method !== undefined && (span.kind === CLIENT || (span.kind === SERVER && span.parent_span_id === "")))
      drafts.push(requested(span, told, method));
    return drafts;
  },
};

/** GitHub Copilot, in editors and on the command line, speaks these conventions with attributes of its own beside them. */
export const copilot: Vocabulary = {
  ...genAi,
  assistant: "copilot",
  session: ["gen_ai.conversation.id", "session.id", "copilot_chat.chat_session_id"],
};

const durationOf = (span: Span): number | undefined =>
  span.start > 0 && span.end >= span.start ? (span.end - span.start) / 1_000 : undefined;

const failureOf = (span: Span): { success: boolean; error?: string } => {
  const type = shortIn(span.attributes, 4_000, "error.type");
  if (type === undefined && span.status !== ERROR) return { success: true };
  const message = span.status_message;
  return { success: false, error: [type, message].filter(Boolean).join(": ").slice(0, 4_000) || "error" };
};

function answered(span: Span, told: Told): Draft {
  const { attributes } = span;
  // the convention's input holds what came from and went to the cache
  const read = countIn(attributes, "gen_ai.usage.cache_read.input_tokens") ?? 0;
  const written = countIn(attributes, "gen_ai.usage.cache_creation.input_tokens") ?? 0;
  const input = countIn(attributes, "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens") ?? 0;
  const message_id = keyIn(attributes, 128, "gen_ai.response.id");
  const { success, error } = failureOf(span);
  const reasons = attributes["gen_ai.response.finish_reasons"];
  const reason = Array.isArray(reasons) ? reasons[0] : reasons;
  return modelCalled.of(
    { ...told.envelope, id: told.id("model.called"), fact: answerFact(message_id, undefined) },
    {
      model: shortIn(attributes, 256, "gen_ai.response.model", "gen_ai.request.model") ?? "unknown",
      provider: shortIn(attributes, 64, "gen_ai.provider.name", "gen_ai.system"),
      message_id,
      input_tokens: Math.max(0, input - read - written),
      output_tokens: countIn(attributes, "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens") ?? 0,
      cache_creation_tokens: written,
      cache_read_tokens: read,
      reasoning_tokens: countIn(attributes, "gen_ai.usage.reasoning.output_tokens"),
      duration_ms: durationOf(span),
      stop_reason: typeof reason === "string" ? reason.slice(0, 64) : undefined,
      ...(success ? undefined : { success, error }),
    },
  );
}

function called(span: Span, told: Told): Draft {
  const { attributes } = span;
  const tool = shortIn(attributes, 256, "gen_ai.tool.name") ?? (span.name.replace(/^execute_tool /, "") || "unknown");
  const call_id = keyIn(attributes, 128, "gen_ai.tool.call.id");
  return toolCalled.of(
    { ...told.envelope, id: told.id("tool.called"), subject: tool.slice(0, 256), fact: call_id && `tool:${call_id}` },
    {
      tool: tool.slice(0, 256),
      call_id,
      input: jsonIn(attributes, LIMITS.tool_input_chars_max, "gen_ai.tool.call.arguments"),
      output: messageIn(attributes, LIMITS.tool_output_chars_max, "gen_ai.tool.call.result"),
      duration_ms: durationOf(span),
      ...failureOf(span),
    },
  );
}

function requested(span: Span, told: Told, method: string): Draft {
  const { attributes } = span;
  const server =
    shortIn(attributes, 256, "mcp.server.name", "server.address") ?? (span.kind === SERVER ? "server" : "unknown");
  return mcpCalled.of(
    { ...told.envelope, id: told.id("mcp.called"), subject: method.slice(0, 128) },
    {
      server,
      method: method.slice(0, 128),
      tool: shortIn(attributes, 512, "gen_ai.tool.name", "gen_ai.prompt.name", "mcp.resource.uri"),
      request_id: keyIn(attributes, 128, "jsonrpc.request.id"),
      call_id: keyIn(attributes, 128, "gen_ai.tool.call.id"),
      duration_ms: durationOf(span),
      ...failureOf(span),
      input: jsonIn(attributes, LIMITS.tool_input_chars_max, "gen_ai.tool.call.arguments"),
      output: messageIn(attributes, LIMITS.tool_output_chars_max, "gen_ai.tool.call.result"),
      protocol: shortIn(attributes, 32, "mcp.protocol.version"),
    },
  );
}
