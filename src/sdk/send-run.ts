import { WeirError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import type { Spool, Spooled } from "./spool.ts";

/** Whether no broker will ever take a frame, because it has no room in a message. */
export const isTooLarge = (error: unknown): boolean => error instanceof WeirError && error.code === "limit_reached";

/** What became of a run of frames. */
export interface Run {
  /** Frames that were acknowledged, the oldest ones. */
  readonly sent: readonly Spooled[];
  /** Why the next one was not; those behind it may have arrived, are sent again, and recognised by their ids. */
  readonly error?: unknown;
  /** The next one, where it would stand in the way of all others for ever: it is taken out of the spool too. */
  readonly tooLarge?: Spooled;
}

/**
 * Sends the oldest frames of a spool, one after the other on the wire without waiting for each acknowledgement: the broker stores them in this order.
 * What was acknowledged is taken, and with `keep` stays on disk. Undefined: nothing waits, or the spool was rewound meanwhile and all wait again.
 */
export async function sendRun(
  spool: Spool,
  send: (item: Spooled) => Promise<unknown>,
  keep: () => boolean,
): Promise<Run | undefined> {
  const items = spool.peekRun(LIMITS.spool_run_frames);
  if (items.length === 0) return undefined;
  const { turn } = spool.mark();
  const results = await Promise.allSettled(items.map(send));
  if (spool.mark().turn !== turn) return undefined;
  const bad = results.findIndex(({ status }) => status === "rejected");
  const sent = bad < 0 ? items : items.slice(0, bad);
  if (sent.length > 0) spool.taken(sent.length, keep());
  if (bad < 0) return { sent };
  const error: unknown = (results[bad] as PromiseRejectedResult).reason;
  if (!isTooLarge(error)) return { sent, error };
  spool.taken(1, keep());
  return { sent, tooLarge: items[bad]! };
}
