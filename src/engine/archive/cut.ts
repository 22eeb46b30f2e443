import { LIMITS } from "../../base/limits.ts";
import { dayOf } from "./manifest.ts";

/** Bounds of one segment. */
export interface SegmentBounds {
  readonly bytes: number;
  readonly events: number;
}

/** Bounds of the segments of a log of that size. */
export const boundsOf = (logBytes: number): SegmentBounds => ({
  bytes: Math.min(LIMITS.archive_segment_bytes_max, Math.floor(logBytes * LIMITS.archive_segment_share)),
  events: LIMITS.archive_segment_events_max,
});

/** What is known of a message before it is taken into a segment. */
export interface Weighed {
  readonly stored_us: number;
  readonly bytes: number;
  readonly events: number;
}

/** Decides where a segment ends: within its bounds, and within the day on which its messages were stored. */
export class Cut {
  day = "";
  messages = 0;
  bytes = 0;
  events = 0;
  private readonly bounds: SegmentBounds;
  constructor(bounds: SegmentBounds) {
    this.bounds = bounds;
  }

  /** Whether a message belongs into this segment; the first one always does. */
  fits({ stored_us, bytes, events }: Weighed): boolean {
    if (this.messages === 0) return true;
    return (
      this.day === dayOf(stored_us) &&
      this.bytes + bytes <= this.bounds.bytes &&
      this.events + events <= this.bounds.events
    );
  }

  add({ stored_us, bytes, events }: Weighed): void {
    if (this.messages === 0) this.day = dayOf(stored_us);
    this.messages++;
    this.bytes += bytes;
    this.events += events;
  }
}
