import { derivedId } from "../../base/id.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Draft } from "../../define/event.ts";
import { boundKey, short } from "../bound.ts";
import { type Loose, textOf, timeOf } from "../loose.ts";
import type { State } from "./state.ts";

/** One record with what every event made from it shares. */
export interface Context {
  readonly record: Loose;
  readonly time: number;
  readonly session: string | undefined;
  /** What identifies the record: its uuid, else its time and line. */
  readonly own: string;
  /** The subagent that wrote it, where it was not the main thread. */
  readonly agent: string | undefined;
  readonly envelope: Omit<Draft, "type" | "data" | "id">;
}

/** Reads what a record shares with its events; undefined while no time is known. Moves the state's time, session and folder on. */
export function contextOf(state: State, record: Loose, line: number): Context | undefined {
  const time = timeOf(record.timestamp) ?? state.time;
  const session = textOf(record.sessionId);
  if (session !== undefined) state.session = boundKey(session, LIMITS.session_chars_max);
  state.cwd = short(record.cwd, 1024) ?? state.cwd;
  state.branch = short(record.gitBranch, 512) ?? state.branch;
  state.time = time;
  if (time === 0) return undefined;
  const agent = short(record.agentId, 256) ?? state.agent ?? (record.isSidechain === true ? "sidechain" : undefined);
  return {
    record,
    time,
    session: state.session,
    own: boundKey(textOf(record.uuid) ?? `${time}:${line}`, 128),
    agent,
    envelope: {
      time,
      source: state.source,
      via: "transcript",
      assistant: "claude-code",
      session: state.session,
      project: state.cwd,
      branch: state.branch,
    },
  };
}

/** An id made of what identifies a fact, so that a copy of the record in another file or session gives the same. */
export const idOf = (context: Context, kind: string, ...parts: readonly (string | number)[]): string =>
  derivedId(context.time, "claude-code", kind, ...parts);
