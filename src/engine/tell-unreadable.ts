import type { Log } from "../base/log.ts";
import { soon } from "../base/wait.ts";

/**
 * Tells frames that cannot be read: the first at once with its reason, those that follow as a count every `ms`. Somebody who sends nothing but such frames must
 * not fill the log of whoever runs weir; each is kept as rejected input with its reason anyway.
 */
export function tellUnreadable(
  log: Log,
  stream: string,
  ms: number,
): { note(seq: number, why: string): void; end(): void } {
  let since: { count: number; seq: number; why: string } | undefined;
  const tell = (): boolean => {
    if (!since?.count) return false;
    const { count, seq, why } = since;
    log.warn({ stream, count, last_seq: seq, last_reason: why }, "more frames cannot be read; see weir rejected list");
    since = { count: 0, seq, why };
    return true;
  };
  const later = soon(() => {
    // after a pause the next is a first one again
    if (tell()) later.in(ms);
    else since = undefined;
  });
  return {
    note(seq, why) {
      if (since) {
        since = { count: since.count + 1, seq, why };
        return;
      }
      log.warn({ stream, seq, reason: why }, "a frame cannot be read; see weir rejected list");
      since = { count: 0, seq, why };
      later.in(ms);
    },
    end() {
      later.never();
      tell();
    },
  };
}
