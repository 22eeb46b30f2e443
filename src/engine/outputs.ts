import { LIMITS } from "../base/limits.ts";
import type { Event } from "../define/event.ts";
import { encodeEvents, encodePassed, type Passed } from "../wire/encode.ts";

/** Events of frames that are handed on. */
export const keptOf = (passed: readonly Passed[]): number =>
  passed.reduce(
    (sum, { frame, changes }) =>
      sum + frame.count - changes.reduce((n, c) => n + (c.dropped?.reduce((a, b) => a + b, 0) ?? 0), 0),
    0,
  );

/** Output frames of a batch; usually one. Emitted events that would make it too large follow in frames of their own. */
export function outputs(passed: readonly Passed[], emitted: readonly Event[]): { data: Uint8Array; count: number }[] {
  const kept = keptOf(passed);
  const small =
    emitted.length > 0 &&
    kept + emitted.length <= LIMITS.frame_events_max &&
    emitted.every((e) => e.type !== "input.rejected");
  const out: { data: Uint8Array; count: number }[] = [];
  const main = encodePassed(passed, small ? emitted : []);
  if (!small) for (const part of chunksOf(emitted)) out.push({ data: encodeEvents(part), count: part.length });
  if (main) out.push({ data: main, count: kept + (small ? emitted.length : 0) });
  return out;
}

/** Emitted events in portions that fit a frame by count and bytes. */
function chunksOf(events: readonly Event[]): Event[][] {
  const out: Event[][] = [];
  let bytes = 0;
  for (const event of events) {
    const original = (event.data as { original?: Uint8Array }).original?.length ?? 0;
    const size = 1_024 + original;
    const last = out.at(-1);
    if (!last || last.length >= LIMITS.frame_events_max || bytes + size > LIMITS.frame_bytes_max) {
      out.push([event]);
      bytes = size;
    } else {
      last.push(event);
      bytes += size;
    }
  }
  return out;
}
