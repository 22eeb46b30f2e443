import { msOfId } from "../../base/id.ts";
import { idText } from "../bound.ts";
import { countOf, isLoose, looseOf } from "../loose.ts";
import type { Context } from "./record.ts";
import type { State } from "./state.ts";

/** A copy is written in one go: after a pause of this length, in microseconds, a line is no part of it. Only asked where turns have no ids. */
const PAUSE_US = 1_000_000;

/** UUIDv7, which sessions and turns have for ids: it begins with the time it was made. */
const UUID7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/**
 * Whether a record repeats the history of the session that this one was forked from. Codex writes that history behind the head of the new
 * file as it was, but with the time of the copying, so a copy cannot be told from new work by its time, and the original tells it all. It ends
 * with the first turn that began after the session did; in files whose turns have no ids with the first pause.
 */
export function isCopied(state: State, record: unknown, context: Context, before: number): boolean {
  const { copied } = state;
  if (!copied || !isLoose(record)) return false;
  const turn = idText(context.payload.turn_id);
  if (turn !== undefined && UUID7.test(turn)) {
    copied.turns = true;
    if (msOfId(turn) < copied.began_ms) return true;
  } else if (copied.turns || record.type === "session_meta" || context.time - before < PAUSE_US) return true;
  state.copied = undefined;
  return false;
}

/** Keeps of a copied record what later ones are compared with: the session's totals go on from those of the other one. */
export function noteCopied(state: State, context: Context): void {
  if (context.payload.type === "token_count") state.totals = totalsOf(context.payload) ?? state.totals;
}

/** The cumulative figures of a token count as one text. */
export function totalsOf(payload: Context["payload"]): string | undefined {
  const total = looseOf(payload.info).total_token_usage;
  if (!isLoose(total)) return undefined;
  const { input_tokens, cached_input_tokens, output_tokens, total_tokens } = total;
  return [input_tokens, cached_input_tokens, output_tokens, total_tokens].map(countOf).join("/");
}
