import { derivedId } from "../../base/id.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Draft } from "../../define/event.ts";
import { modelCalled } from "../../events/model.ts";
import { promptSubmitted, sessionStarted, sessionTitled } from "../../events/session.ts";
import { toolCalled, toolDenied } from "../../events/tool.ts";
import { boundJson, boundKey, boundText, idText, jsonBytes, short } from "../bound.ts";
import { countOf, isLoose, type Loose, listOf, looseOf, textOf, timeOf } from "../loose.ts";
import { textOfParts } from "./parts.ts";

/** What the mapping remembers of one chat between two lines; plain bounded data. */
export interface State {
  readonly v: 1;
  readonly source: string;
  session?: string;
  time: number;
  /** Messages and calls that were told already: a message is written again, whole, with everything that is added to it. */
  readonly told: string[];
}

/** The state before the first line. */
export const startChat = (file: { readonly host?: string }): State => ({
  v: 1,
  source: `gemini-cli://${encodeURIComponent(file.host ?? "local")}`.slice(0, LIMITS.source_chars_max),
  time: 0,
  told: [],
});

/**
 * Maps one line of a Gemini CLI chat to events, and moves the state on. A line is the head, a change of it (`$set`), a step back (`$rewindTo`), or
 * a message. Taking a step back undoes nothing that happened. The prompt's tokens include the cached ones; thoughts stand beside the output.
 */
export function mapChatRecord(state: State, record: unknown, _line: number): Draft[] {
  if (!isLoose(record)) return [];
  const { $set: set } = record;
  if (isLoose(set)) return titled(state, set);
  if (textOf(record.projectHash) !== undefined && textOf(record.sessionId) !== undefined) return started(state, record);
  const id = idText(record.id);
  const time = timeOf(record.timestamp);
  if (id === undefined || time === undefined) return [];
  state.time = time;
  const message: Message = { record, id, time };
  if (record.type === "user") return prompted(state, message);
  return record.type === "gemini" ? [...answered(state, message), ...called(state, message)] : [];
}

interface Message {
  readonly record: Loose;
  readonly id: string;
  readonly time: number;
}

const envelopeOf = (state: State, time: number): Omit<Draft, "type" | "data" | "id"> => ({
  time,
  source: state.source,
  via: "transcript",
  assistant: "gemini-cli",
  session: state.session,
});

const idOf = (time: number, kind: string, ...parts: readonly string[]): string =>
  derivedId(time, "gemini-cli", kind, ...parts);

/** Whether this is told for the first time, as far back as is remembered; ids make the second time harmless. */
function isNew(state: State, what: string): boolean {
  if (state.told.includes(what)) return false;
  state.told.push(what);
  if (state.told.length > LIMITS.open_calls_max) state.told.shift();
  return true;
}

function started(state: State, head: Loose): Draft[] {
  if (state.session !== undefined) return []; // a chat that goes on is given its head again
  state.session = idText(head.sessionId)!;
  const time = timeOf(head.startTime) ?? state.time;
  if (time === 0) return [];
  state.time = time;
  return [
    sessionStarted.of(
      { ...envelopeOf(state, time), id: idOf(time, "session.started", state.session) },
      { agent: head.kind === "subagent" ? "subagent" : undefined },
    ),
  ];
}

function titled(state: State, set: Loose): Draft[] {
  const title = short(set.summary, 2_000);
  const time = timeOf(set.lastUpdated) ?? state.time;
  if (title === undefined || time === 0) return [];
  const id = idOf(time, "session.titled", state.session ?? "", title);
  return [sessionTitled.of({ ...envelopeOf(state, time), id }, { title })];
}

/** A prompt, as it was shown where that differs. Answers of tools are written as messages of the user too, without text. */
function prompted(state: State, { record, id, time }: Message): Draft[] {
  const parts = record.displayContent ?? record.content;
  if (listOf(parts).some((part) => looseOf(part).functionResponse !== undefined)) return [];
  const text = textOfParts(parts);
  if (text === undefined || !isNew(state, `prompt ${id}`)) return [];
  return [
    promptSubmitted.of(
      { ...envelopeOf(state, time), id: idOf(time, "prompt.submitted", id) },
      {
        text: boundText(text, LIMITS.prompt_chars_max),
        chars: text.length,
        kind: /^\/[a-zA-Z]/.test(text) ? "command" : "text",
        message_id: id,
      },
    ),
  ];
}

function answered(state: State, { record, id, time }: Message): Draft[] {
  if (!isLoose(record.tokens) || !isNew(state, `answer ${id}`)) return [];
  const { input, output, cached, thoughts, tool } = record.tokens;
  const read = Math.min(countOf(input), countOf(cached));
  const reasoning_tokens = countOf(thoughts);
  const key = boundKey(`gemini-cli:${state.session ?? ""}:${id}`, 480);
  return [
    modelCalled.of(
      { ...envelopeOf(state, time), id: idOf(time, "model.called", key), fact: `model:${key}` },
      {
        model: short(record.model, 256) ?? "unknown",
        provider: "gcp.gemini",
        input_tokens: countOf(input) - read + countOf(tool),
        output_tokens: countOf(output) + reasoning_tokens,
        cache_creation_tokens: 0,
        cache_read_tokens: read,
        reasoning_tokens,
      },
    ),
  ];
}

/** The calls of a message that have ended; a chat does not tell when they began. */
function called(state: State, { record, time: written }: Message): Draft[] {
  return listOf(record.toolCalls).flatMap((value): Draft[] => {
    const call = looseOf(value);
    const call_id = idText(call.id);
    const { status } = call;
    if (call_id === undefined || !["success", "error", "cancelled"].includes(String(status))) return [];
    if (!isNew(state, `call ${call_id}`)) return [];
    const time = timeOf(call.timestamp) ?? written;
    const tool = short(call.name, 256) ?? "unknown";
    const kind = status === "cancelled" ? "tool.denied" : "tool.called";
    const envelope = {
      ...envelopeOf(state, time),
      id: idOf(time, kind, call_id),
      subject: tool,
      fact: boundKey(`tool:${call_id}`, 512),
    };
    const common = {
      tool,
      call_id,
      agent: short(call.agentId, 256),
      input: boundJson(call.args ?? {}, LIMITS.tool_input_chars_max),
    };
    const output = textOfParts(call.result) ?? textOf(call.resultDisplay);
    if (status === "cancelled") return [toolDenied.of(envelope, { ...common, reason: "cancelled" })];
    return [
      toolCalled.of(envelope, {
        ...common,
        output: output === undefined ? undefined : boundText(output, LIMITS.tool_output_chars_max),
        output_bytes: output === undefined ? undefined : Buffer.byteLength(output),
        input_bytes: jsonBytes(call.args ?? {}),
        success: status === "success",
        ...(status === "error" && { error: boundText(output || "error", 4_000) }),
      }),
    ];
  });
}
