import { createHash } from "node:crypto";
import { derivedId } from "../../base/id.ts";
import { LIMITS } from "../../base/limits.ts";
import { redactText } from "../../base/redact.ts";
import type { Draft } from "../../define/event.ts";
import { sessionCompacted, sessionStarted, sessionTitled } from "../../events/session.ts";
import { boundKey, boundText, short } from "../bound.ts";
import { countOf, isLoose, looseOf, textOf } from "../loose.ts";
import { type Context, idOf } from "./record.ts";
import { type Beginning, remember, type State } from "./state.ts";

const envelopeOf = (state: State, session: string, time: number) => ({
  time,
  session,
  source: state.source,
  via: "transcript",
  assistant: "claude-code",
});

/**
 * The start of each session in the file. It is held back until an answer tells the model, and then keeps the time of the session's
 * first record: in a resumed session that is the order to go on, not the history copied below it. Subagents start no session.
 */
export function startedSession(state: State, context: Context): Draft[] {
  const { record, session, time, agent } = context;
  const drafts: Draft[] = [];
  if (session === undefined || agent !== undefined) return drafts;
  if (state.beginning && state.beginning.session !== session) drafts.push(...releaseStart(state));
  if (!state.started.includes(session)) {
    remember(state.started, session, LIMITS.file_sessions_max);
    state.beginning = { session, time, records: 0 };
  }
  const beginning = state.beginning;
  if (!beginning) return drafts;
  beginning.cwd ??= short(record.cwd, 1024);
  beginning.branch ??= short(record.gitBranch, 512);
  beginning.assistant_version ??= short(record.version, 64);
  beginning.entrypoint ??= short(record.entrypoint, 64);
  const model = record.type === "assistant" ? short(looseOf(record.message).model, 256) : undefined;
  if (model !== "<synthetic>") beginning.model ??= model;
  beginning.records += 1;
  if (beginning.model !== undefined || beginning.records > LIMITS.held_records_max) drafts.push(...releaseStart(state));
  return drafts;
}

/** The held start of a session as an event, with what is known by now. */
export function releaseStart(state: State): Draft[] {
  const held: Beginning | undefined = state.beginning;
  if (!held) return [];
  state.beginning = undefined;
  const { session, time, branch, records: _, ...data } = held;
  const id = derivedId(time, "claude-code", "session.started", session);
  return [sessionStarted.of({ ...envelopeOf(state, session, time), id, project: data.cwd, branch }, data)];
}

/** `session.compacted` for the mark that a compaction leaves. */
export function compactedSession(context: Context): Draft[] {
  if (context.record.subtype !== "compact_boundary") return [];
  const about = looseOf(context.record.compactMetadata);
  return [
    sessionCompacted.of(
      { ...context.envelope, id: idOf(context, "session.compacted", context.own) },
      {
        trigger: short(about.trigger, 64),
        tokens_before: typeof about.preTokens === "number" ? countOf(about.preTokens) : undefined,
        tokens_after: typeof about.postTokens === "number" ? countOf(about.postTokens) : undefined,
      },
    ),
  ];
}

/** Finds the record a title belongs to: its time and session. */
export type LeafOf = (uuid: string) => { readonly time: number; readonly session: string } | undefined;

function titled(state: State, session: string, time: number, title: string): Draft {
  const id = derivedId(time, "claude-code", "session.titled", session, title);
  return sessionTitled.of({ ...envelopeOf(state, session, time), id }, { title });
}

const keyOf = (value: unknown, max: number): string | undefined => {
  const text = textOf(value);
  return text === undefined ? undefined : boundKey(text, max);
};

/** Enough to tell one title from the next, too little to try out what it was. */
const markOf = (session: string, title: string): string =>
  createHash("sha256").update(`${session} ${title}`).digest("hex").slice(0, 8);

/** Takes the title of a `summary`, `custom-title` or `ai-title` record; it is given out by {@link placeTitles}. */
export function noteTitle(state: State, record: Readonly<Record<string, unknown>>): void {
  const text = [record.summary, record.customTitle, record.aiTitle].find(
    (one) => typeof one === "string" && one !== "",
  );
  if (typeof text !== "string") return;
  // at every level, so that where reading stopped makes no difference to the event and its id
  const title = boundText(redactText(text), 2_000);
  const leaf = keyOf(record.leafUuid, 128);
  if (record.type === "summary") {
    if (leaf !== undefined) remember(state.titles, { title, leaf }, LIMITS.waiting_titles_max);
    return;
  }
  const session = keyOf(record.sessionId, LIMITS.session_chars_max) ?? state.session;
  if (session === undefined || state.titled === markOf(session, title)) return;
  state.titled = markOf(session, title);
  remember(state.titles, { title, session }, LIMITS.waiting_titles_max);
}

/** Gives out the titles whose session and time are known by now. A summary names a record, often of another file. */
export function placeTitles(state: State, leafOf: LeafOf): Draft[] {
  if (state.titles.length === 0) return [];
  const drafts: Draft[] = [];
  const waiting = state.titles.splice(0);
  for (const entry of waiting) {
    const at = entry.leaf === undefined ? ownSession(state, entry.session) : leafOf(entry.leaf);
    if (at) drafts.push(titled(state, at.session, at.time, entry.title));
    else state.titles.push(entry);
  }
  return drafts;
}

const ownSession = (state: State, session: string | undefined) =>
  session !== undefined && state.time > 0 ? { session, time: state.time } : undefined;

/** The records of this file that a title may point to. */
export const leafIn =
  (state: State): LeafOf =>
  (uuid) => {
    const found = state.recent.findLast((entry) => entry[0] === uuid);
    return found && { time: found[1], session: found[2] };
  };

/** Remembers a record as one that a title may point to. */
export function noteRecent(state: State, context: Context): void {
  if (context.session === undefined || !isLoose(context.record.message)) return;
  if (textOf(context.record.uuid) === undefined) return;
  remember(state.recent, [context.own, context.time, context.session], LIMITS.recent_records_max);
}
