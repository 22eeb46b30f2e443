import { LIMITS } from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import type { Connection } from "../wire/connect.ts";
import { isAway } from "../wire/publish-error.ts";
import { sendRun } from "./send-run.ts";
import type { Mark, Spool, Spooled } from "./spool.ts";

export { isTooLarge } from "./send-run.ts";

/** Sends what a producer has spooled, oldest first. */
export interface Drain {
  /** Starts, where something waits and nothing is under way. */
  start(): void;
  /** The broker may have been away: what it was sent last and may not have on its disk is sent again. */
  again(): void;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
  close(): void;
}

export interface DrainOptions {
  readonly spool: () => Spool | undefined;
  readonly bus: () => Connection | undefined;
  /** Profile fast: what was acknowledged is kept until the broker has synced it, and is found to be there still. */
  readonly keep: () => boolean;
  /** The producer is about to end: nothing is tried again. */
  readonly ending: () => boolean;
  readonly send: (bus: Connection, item: Spooled) => Promise<{ readonly duplicate: boolean }>;
  /** Events that were acknowledged; less than none where they are to be sent again. */
  readonly onSent: (events: number) => void;
  readonly onTooLarge: (item: Spooled) => void;
  /** Something may have changed for whoever waits. */
  readonly onEnd: () => void;
  readonly log: Log;
}

/** Makes the way from a spool to the broker. */
export function createDrain(options: DrainOptions): Drain {
  const { spool: spoolOf, bus: busOf, keep, ending, send, onSent, onTooLarge, onEnd, log } = options;
  let draining: Promise<void> | undefined;
  let closed = false;
  /** What is kept, oldest first, by its last frame: when the first and the last of it were acknowledged. */
  let keeping: { readonly mark: Mark; readonly last: Spooled; readonly since: number; readonly at: number }[] = [];
  let timer: NodeJS.Timeout | undefined;

  const rewind = (spool: Spool): void => {
    if (spool.kept === 0) return;
    keeping = [];
    onSent(-spool.kept);
    spool.rewind();
  };

  const run = async (): Promise<void> => {
    let pause = 100;
    for (let spool = spoolOf(); !closed && spool && spool.events > 0; spool = spoolOf()) {
      const bus = busOf();
      if (!bus) return;
      const { turn } = spool.mark();
      const ran = await sendRun(spool, (item) => send(bus, item), keep);
      if (!ran) {
        if (spool.mark().turn !== turn) continue; // rewound meanwhile: these wait again
        return;
      }
      const { sent, error, tooLarge } = ran;
      onSent(sent.reduce((sum, { count }) => sum + count, 0));
      if (sent.length > 0 && keep()) hold(spool, sent.at(-1)!);
      if (tooLarge) onTooLarge(tooLarge);
      if (error === undefined) {
        if (!tooLarge) pause = 100;
        continue;
      }
      if (isAway(error)) rewind(spool);
      if (ending()) return;
      log.debug({ err: error }, "the spool waits for the broker");
      await new Promise((resolve) => setTimeout(resolve, pause).unref());
      pause = Math.min(pause * 2, 5_000);
    }
  };
  const start = (): void => {
    if (draining || closed || !spoolOf()?.events) return;
    draining = run().finally(() => {
      draining = undefined;
      onEnd();
    });
  };

  const hold = (spool: Spool, last: Spooled): void => {
    const at = performance.now();
    const before = keeping.at(-1);
    // what came within a moment is let go together, so that few frames are remembered, however many runs there were
    const since = before && at - before.since < LIMITS.keep_look_ms ? keeping.pop()!.since : at;
    // a copy: the frame may be a part of a whole segment
    keeping.push({ mark: spool.mark(), last: { ...last, frame: Uint8Array.from(last.frame) }, since, at });
    later();
  };
  const later = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      void look().then(() => {
        if (keeping.length > 0 && !closed) later();
      });
    }, LIMITS.keep_look_ms).unref();
  };
  /**
   * Lets go of what has been kept long enough, when the broker recognises the last of it as a repeat. Then it has all that came before too: what
   * a power cut takes is the end of a stream. Where it does not, it has been down without anybody noticing.
   */
  const look = async (): Promise<void> => {
    const old = performance.now() - LIMITS.keep_ms;
    const due = keeping.findLast(({ at }) => at <= old);
    const [spool, bus] = [spoolOf(), busOf()];
    if (!due || !spool || !bus || closed) return;
    const answer = await send(bus, due.last).catch(() => undefined); // asked again a little later
    if (!answer || closed || !keeping.includes(due)) return;
    if (answer.duplicate) {
      keeping = keeping.slice(keeping.indexOf(due) + 1);
      spool.release(due.mark);
      return onEnd(); // there is room again
    }
    log.warn("the broker has lost what it acknowledged last; it is sent again");
    rewind(spool);
    start();
  };

  return {
    start,
    again() {
      const spool = spoolOf();
      if (spool) rewind(spool);
      start();
    },
    idle: async () => draining,
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
