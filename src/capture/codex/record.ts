import { derivedId } from "../../base/id.ts";
import type { Draft } from "../../define/event.ts";
import type { Loose } from "../loose.ts";
import type { State } from "./state.ts";

/** One record with what every event made from it shares. */
export interface Context {
  readonly payload: Loose;
  readonly time: number;
  readonly envelope: Omit<Draft, "type" | "data" | "id">;
}

/** What an event shares with the others of its session at a time. */
export const envelopeOf = (state: State, time: number): Omit<Draft, "type" | "data" | "id"> => ({
  time,
  source: state.source,
  via: "transcript",
  assistant: "codex",
  session: state.session,
  project: state.cwd,
  branch: state.branch,
});

/** An id made of what identifies a fact, whatever file it was met in. */
export const idOf = (time: number, kind: string, ...parts: readonly (string | number)[]): string =>
  derivedId(time, "codex", kind, ...parts);

/** The turn a record belongs to; where none is known, the session. */
export const turnOf = (state: State): string => state.turn ?? state.session ?? "unknown";
