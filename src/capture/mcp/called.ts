import { LIMITS } from "../../base/limits.ts";
import { redactText, redactValue } from "../../base/redact.ts";
import type { Draft } from "../../define/event.ts";
import { mcpCalled } from "../../events/mcp.ts";
import { boundJson, boundKey, boundText } from "../bound.ts";
import { isLoose, listOf, looseOf, textOf } from "../loose.ts";
import type { Message } from "./message.ts";
import type { Call } from "./pairing.ts";
import type { Payloads } from "./payloads.ts";
import { resultTypeOf } from "./rounds.ts";
import type { Used } from "./usage.ts";

/** Where a call was recorded. */
export interface CallOrigin {
  readonly server: string;
  readonly payloads: Payloads;
  readonly project: string;
}

interface Outcome {
  readonly success: boolean;
  readonly error_type?: string;
  readonly error?: string;
}

function outcomeOf(answer: Call["answer"], payloads: Payloads): Outcome {
  if (typeof answer === "string") return { success: false, error_type: answer, error: answer };
  if (answer.error) {
    const code = String(answer.error.code ?? "_OTHER").slice(0, 64);
    const message = payloads === "off" ? "" : clean(String(answer.error.message ?? ""), payloads);
    return { success: false, error_type: code, error: boundText(message ? `${code}: ${message}` : code, 4_000) };
  }
  if (!isLoose(answer.result) || answer.result.isError !== true) return { success: true };
  const said = payloads === "off" ? undefined : textIn(answer.result.content);
  const error = said === undefined ? "tool_error" : `tool_error: ${clean(said, payloads)}`;
  return { success: false, error_type: "tool_error", error: boundText(error, 4_000) };
}

/** The first text of a tool's answer. */
const textIn = (content: unknown): string | undefined =>
  listOf(content)
    .map((part) => textOf(looseOf(part).text))
    .find((text) => text !== undefined);

const clean = (text: string, payloads: Payloads): string => (payloads === "full" ? text : redactText(text));
/** The beginning of a message without its last word: half of a token is not recognised as one. */
const beginning = (cut: string): string => cut.replace(/[^\s"'`<>]{0,512}$/, "");

function payloadOf(message: Message, value: unknown, max: number, payloads: Payloads): string | undefined {
  if (payloads === "off") return undefined;
  if (message.cut !== undefined) {
    const note = ` … [the beginning of ${message.bytes} bytes]`;
    return boundText(clean(beginning(message.cut), payloads), max - note.length) + note;
  }
  if (value === undefined) return undefined;
  return boundJson(payloads === "full" ? value : redactValue(value), max);
}

/** The tool, prompt or resource a request concerns. */
function targetOf(params: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const ref = isLoose(params?.ref) ? params.ref : {};
  for (const value of [params?.name, params?.uri, ref.name, ref.uri])
    if (typeof value === "string") return boundKey(value, 512);
  return undefined;
}

const keyIn = (value: unknown, max: number): string | undefined =>
  typeof value === "string" && value !== "" ? boundKey(value, max) : undefined;

/** The event of a call that is over. */
export function calledOf(call: Call, { server, payloads, project }: CallOrigin, used: Used = {}): Draft {
  const { request, answer } = call;
  const meta = isLoose(request.params?._meta) ? request.params._meta : {};
  const method = boundKey(call.method, 128);
  const input = payloadOf(request, request.params, LIMITS.tool_input_chars_max, payloads);
  return mcpCalled.of(
    {
      time: call.ended,
      subject: method,
      traceparent: keyIn(meta.traceparent, 64) ?? keyIn(call.traceparent, 64),
      project,
    },
    {
      server,
      method,
      tool: targetOf(request.params),
      request_id: boundKey(`${call.asker}:${JSON.stringify(call.id)}`, 128),
      call_id: keyIn(meta["claudecode/toolUseId"], 128),
      duration_ms: Math.max(0, call.ended - call.begun) / 1_000,
      ...outcomeOf(answer, payloads),
      // what was cut is no JSON any more, but a JSON text holds it
      input: request.cut === undefined || input === undefined ? input : JSON.stringify(input),
      output:
        typeof answer === "string"
          ? undefined
          : payloadOf(answer, answer.error ?? answer.result, LIMITS.tool_output_chars_max, payloads),
      ...(typeof answer === "string" ? {} : { result_type: keyIn(resultTypeOf(answer), 64) }),
      round: call.round,
      request_bytes: request.bytes,
      ...(typeof answer === "string" ? {} : { response_bytes: answer.bytes }),
      protocol: keyIn(call.protocol, 32),
      client: keyIn(call.client, 256),
      mcp_session: keyIn(call.mcp_session, 256),
      ...used,
    },
  );
}
