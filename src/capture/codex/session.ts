import { LIMITS } from "../../base/limits.ts";
import type { Draft } from "../../define/event.ts";
import { promptSubmitted, sessionCompacted, sessionStarted, sessionTitled } from "../../events/session.ts";
import { boundText, idText, short } from "../bound.ts";
import { isLoose, looseOf, textOf, timeOf } from "../loose.ts";
import { type Context, envelopeOf, idOf, turnOf } from "./record.ts";
import type { State } from "./state.ts";

/** Takes the head of a rollout. A forked one repeats the head of the session it came from; the first one is its own. */
export function noteMeta(state: State, context: Context): void {
  const { payload } = context;
  const session = idText(payload.id) ?? idText(payload.session_id);
  // the head is written when the first turn begins; its own timestamp is the session's
  const time = timeOf(payload.timestamp) ?? context.time;
  if (state.session !== undefined) {
    // older versions do not say that a session is a fork, but the other one's head follows
    if (state.beginning && session !== state.session)
      state.copied = { began_ms: state.beginning.time / 1000, turns: false };
    return;
  }
  state.session = session;
  if (payload.forked_from_id !== undefined && payload.forked_from_id !== null)
    state.copied = { began_ms: Math.floor(time / 1000), turns: false };
  state.cwd = short(payload.cwd, 1024);
  state.branch = short(looseOf(payload.git).branch, 512);
  state.provider = short(payload.model_provider, 64);
  const spawned = looseOf(looseOf(looseOf(payload.source).subagent).thread_spawn);
  const subagent = isLoose(payload.source) && payload.source.subagent !== undefined;
  state.agent = subagent
    ? (short(spawned.agent_role, 256) ?? short(looseOf(payload.source).subagent, 256) ?? "subagent")
    : undefined;
  state.beginning = {
    time,
    records: 0,
    cwd: state.cwd,
    assistant_version: short(payload.cli_version, 64),
    entrypoint: short(payload.source, 64) ?? short(payload.originator, 64),
    parent: idText(payload.forked_from_id) ?? idText(spawned.parent_thread_id),
    agent: state.agent,
  };
}

/** The start of the session, once its model is known or enough records passed without. */
export function startedSession(state: State): Draft[] {
  if (!state.beginning) return [];
  state.beginning.records += 1;
  return state.model !== undefined || state.beginning.records > LIMITS.held_records_max ? releaseStart(state) : [];
}

/** The held start of the session as an event, with what is known by now. */
export function releaseStart(state: State): Draft[] {
  if (!state.beginning || state.session === undefined) return [];
  const { time, records: _, ...data } = state.beginning;
  state.beginning = undefined;
  const id = idOf(time, "session.started", state.session);
  return [sessionStarted.of({ ...envelopeOf(state, time), id, project: data.cwd }, { ...data, model: state.model })];
}

/** Takes what a turn is run with. */
export function noteTurn(state: State, context: Context): void {
  const { payload } = context;
  const turn = idText(payload.turn_id);
  if (turn !== undefined && turn !== state.turn) {
    state.turn = turn;
    state.turn_prompts = 0;
    state.turn_calls = 0;
  }
  state.model = short(payload.model, 256) ?? state.model;
  state.cwd = short(payload.cwd, 1024) ?? state.cwd;
}

/** A prompt. It has no id: turn and place in the turn stand for it. */
export function submittedPrompt(state: State, context: Context): Draft[] {
  const { payload, time, envelope } = context;
  // older versions marked the texts they put in themselves
  const kind = textOf(payload.kind);
  if (kind !== undefined && kind !== "plain") return [];
  const text = textOf(payload.message) ?? "";
  const key = `${turnOf(state)}:${state.turn_prompts++}`;
  return [
    promptSubmitted.of(
      { ...envelope, id: idOf(time, "prompt.submitted", key), fact: `prompt:${key}` },
      { text: boundText(text, LIMITS.prompt_chars_max), chars: text.length, kind: "text" },
    ),
  ];
}

/** A compaction, told by a record and by an event after it; either can be missing. */
export function compactedSession(state: State, context: Context, byRecord: boolean): Draft[] {
  const told = state.compacted;
  state.compacted = byRecord;
  if (!byRecord && told) return [];
  const id = idOf(context.time, "session.compacted", turnOf(state));
  return [sessionCompacted.of({ ...context.envelope, id }, {})];
}

/** The name a session was given. */
export function titledSession(context: Context): Draft[] {
  const title = short(context.payload.thread_name, 2_000);
  if (title === undefined) return [];
  const id = idOf(context.time, "session.titled", context.envelope.session ?? "", title);
  return [sessionTitled.of({ ...context.envelope, id }, { title })];
}
