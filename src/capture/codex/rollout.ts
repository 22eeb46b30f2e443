import type { Draft } from "../../define/event.ts";
import { modelCalled } from "../../events/model.ts";
import { boundKey } from "../bound.ts";
import { countOf, isLoose, looseOf, timeOf } from "../loose.ts";
import { isCopied, noteCopied, totalsOf } from "./copied.ts";
import { type Context, envelopeOf, idOf, turnOf } from "./record.ts";
import {
  compactedSession,
  noteMeta,
  noteTurn,
  releaseStart,
  startedSession,
  submittedPrompt,
  titledSession,
} from "./session.ts";
import type { State } from "./state.ts";
import { endedTool, noteCallEvent, startedTool } from "./tools.ts";

export { type RolloutFile, type State, startRollout } from "./state.ts";

/**
 * Maps one record of a Codex rollout to events, and moves the state on.
 *
 * Tokens: each `token_count` carries the session's totals and the last answer's part. The same totals can be sent again; the part counts
 * only when the totals moved. Input includes cached tokens there and does not here. Prompts stand twice in a rollout: as item and as
 * event; the event is read, because items also hold what the program put in. History that a fork repeats makes no events.
 */
export function mapRolloutRecord(state: State, record: unknown, _line: number): Draft[] {
  if (!isLoose(record) || !isLoose(record.payload)) return [];
  const before = state.time;
  const time = timeOf(record.timestamp) ?? before;
  state.time = time;
  if (time === 0) return [];
  const context: Context = { payload: record.payload, time, envelope: envelopeOf(state, time) };
  if (isCopied(state, record, context, before)) {
    noteCopied(state, context);
    return [];
  }
  if (record.type === "session_meta") noteMeta(state, context);
  else if (record.type === "turn_context") noteTurn(state, context);
  // an event of a file whose head is missing belongs to no session, but is still told
  const drafts = startedSession(state);
  if (record.type === "response_item") drafts.push(...item(state, context));
  else if (record.type === "event_msg") drafts.push(...message(state, context));
  else if (record.type === "compacted") drafts.push(...compactedSession(state, context, true));
  return drafts;
}

/** Gives out what was held back. Mapping may go on with the same state afterwards. */
export const endRollout = (state: State): Draft[] => releaseStart(state);

function item(state: State, context: Context): Draft[] {
  const type = context.payload.type;
  if (typeof type === "string" && type.endsWith("_output")) return endedTool(state, context);
  return startedTool(state, context);
}

function message(state: State, context: Context): Draft[] {
  switch (context.payload.type) {
    case "task_started":
    case "turn_started":
      noteTurn(state, { ...context, payload: { turn_id: context.payload.turn_id } });
      return [];
    case "user_message":
      return submittedPrompt(state, context);
    case "token_count":
      return calledModel(state, context);
    case "context_compacted":
      return compactedSession(state, context, false);
    case "thread_name_updated":
      return titledSession(context);
    default:
      return noteCallEvent(state, context);
  }
}

function calledModel(state: State, context: Context): Draft[] {
  const info = looseOf(context.payload.info);
  const totals = totalsOf(context.payload);
  if (totals === undefined || totals === state.totals || !isLoose(info.last_token_usage)) return [];
  state.totals = totals;
  const last = info.last_token_usage;
  const cached = countOf(last.cached_input_tokens);
  // turn and totals name the answer, whatever file tells it
  const key = boundKey(`codex:${turnOf(state)}:${totals}`, 480);
  return [
    modelCalled.of(
      { ...context.envelope, id: idOf(context.time, "model.called", key), fact: `model:${key}` },
      {
        model: state.model ?? "unknown",
        provider: state.provider,
        input_tokens: Math.max(0, countOf(last.input_tokens) - cached),
        output_tokens: countOf(last.output_tokens),
        cache_creation_tokens: 0,
        cache_read_tokens: cached,
        reasoning_tokens: countOf(last.reasoning_output_tokens),
        agent: state.agent,
      },
    ),
  ];
}
