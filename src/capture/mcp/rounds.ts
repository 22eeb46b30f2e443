import { LIMITS } from "../../base/limits.ts";
import { remember } from "../../base/remember.ts";
import { boundKey } from "../bound.ts";
import { isLoose } from "../loose.ts";
import type { Message } from "./message.ts";

/**
 * Counts the rounds of a call, from revision 2026-07-28 on: a server may answer with what it wants to know, and the client asks again, under
 * another id, with the server's state. Only the state tells which call is gone on with; without one the round is not known.
 */
export interface Rounds {
  /** The round that a request begins; undefined where it is the first, or not known. */
  of(request: Message): number | undefined;
  /** A request of this round was answered. */
  answered(round: number | undefined, answer: Message): void;
}

const STATE_CHARS = 256;
const stateOf = (holder: unknown): string | undefined =>
  isLoose(holder) && typeof holder.requestState === "string" ? boundKey(holder.requestState, STATE_CHARS) : undefined;

/** `resultType` of an answer, where it has one. */
export const resultTypeOf = ({ result }: Message): string | undefined =>
  isLoose(result) && typeof result.resultType === "string" ? result.resultType : undefined;

export function createRounds(statesMax: number = LIMITS.mcp_pending_max): Rounds {
  const states = new Map<string, number>();
  return {
    of({ params }) {
      const state = stateOf(params);
      const before = state === undefined ? undefined : states.get(state);
      return before === undefined ? undefined : before + 1;
    },
    answered(round, answer) {
      if (resultTypeOf(answer) !== "input_required") return;
      const state = stateOf(answer.result);
      if (state === undefined) return;
      remember(states, state, round ?? 1, statesMax);
    },
  };
}
