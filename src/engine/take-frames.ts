import { readFrame } from "../wire/frame.ts";
import type { Reader, Stored } from "../wire/read.ts";
import type { Placed } from "./apply/portion.ts";

/**
 * Takes the frames that wait, up to the bounds or up to the sequence `until`. `place.seq` is the last sequence looked at. Sequences that are missing,
 * and frames that cannot be read, are told as lost and passed by: what is there is still worth having.
 */
export function takeFrames(
  reader: Reader,
  place: { seq: number },
  bounds: { readonly events: number; readonly bytes: number; readonly until?: number | undefined },
  tell: {
    lost(first: number, last: number, at: Stored): void;
    took?(message: Stored): void;
  },
): Placed[] {
  const batch: Placed[] = [];
  const { until = Number.POSITIVE_INFINITY } = bounds;
  let events = 0;
  let bytes = 0;
  for (
    let message = reader.peek();
    message && events < bounds.events && bytes < bounds.bytes;
    message = reader.peek()
  ) {
    if (message.seq > until) break;
    if (message.seq !== place.seq + 1) tell.lost(place.seq + 1, message.seq - 1, message);
    reader.shift();
    place.seq = message.seq;
    try {
      const frame = readFrame(message.data);
      batch.push({ seq: message.seq, frame });
      events += frame.count;
      bytes += frame.unpacked; // what it takes in the tables; on the wire it may be a thousandth of it
      tell.took?.(message);
    } catch {
      bytes += message.data.length;
      tell.lost(message.seq, message.seq, message);
    }
  }
  return batch;
}
