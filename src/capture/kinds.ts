import type { Draft } from "../define/event.ts";
import type { LeafOf } from "./claude-code/session.ts";
import { endTranscript, mapRecord, startTranscript, type State as TranscriptState } from "./claude-code/transcript.ts";
import { endRollout, mapRolloutRecord, type State as RolloutState, startRollout } from "./codex/rollout.ts";
import { type State as EventsState, mapEventRecord, startEvents } from "./copilot/events.ts";
import type { TranscriptKind } from "./discover.ts";
import { type State as ChatState, mapChatRecord, startChat } from "./gemini/chat.ts";
import { listOf, looseOf } from "./loose.ts";

/** The pure mapping of one kind of transcript, its state hidden from the shell. */
export interface Mapping {
  start(file: { readonly name: string; readonly host?: string }): object;
  map(state: object, record: unknown, line: number): Draft[];
  /** Gives out what was held back; `leafOf` finds records of other files. */
  end(state: object, leafOf?: LeafOf): Draft[];
}

/** The mapping of each kind. */
export const MAPPINGS: Readonly<Record<TranscriptKind, Mapping>> = {
  "claude-code": {
    start: startTranscript,
    map: (state, record, line) => mapRecord(state as TranscriptState, record, line),
    end: (state, leafOf) => endTranscript(state as TranscriptState, leafOf),
  },
  codex: {
    start: startRollout,
    map: (state, record, line) => mapRolloutRecord(state as RolloutState, record, line),
    end: (state) => endRollout(state as RolloutState),
  },
  gemini: {
    start: startChat,
    map: (state, record, line) => mapChatRecord(state as ChatState, record, line),
    end: () => [],
  },
  copilot: {
    start: startEvents,
    map: (state, record, line) => mapEventRecord(state as EventsState, record, line),
    end: () => [],
  },
};

/** Uuids of records that titles in this state wait for. */
export const waitedFor = (state: unknown): string[] =>
  listOf(looseOf(state).titles).flatMap((entry) => {
    const leaf = looseOf(entry).leaf;
    return typeof leaf === "string" ? [leaf] : [];
  });

/** The last records a state remembers: uuid, time, session. */
export const recentOf = (state: unknown): readonly (readonly [string, number, string])[] =>
  listOf(looseOf(state).recent).filter(
    (entry): entry is [string, number, string] =>
      Array.isArray(entry) &&
      typeof entry[0] === "string" &&
      typeof entry[1] === "number" &&
      typeof entry[2] === "string",
  );
