import { sendSpan, sent, traceparentOf } from "../base/telemetry.ts";
import type { Connection } from "../wire/connect.ts";
import { publishFrame } from "../wire/publish.ts";
import { inSubject } from "../wire/subjects.ts";
import { tracesOf, type Unnumbered } from "./frames.ts";
import type { Spooled } from "./spool.ts";

/** Sends a producer's frames, each with a span whose context its header carries. */
export function createSend(): {
  /** Remembers the contexts of a frame's events; a frame that waited on disk has none, its events keep theirs. */
  traced(frame: Uint8Array, events: readonly Unnumbered[]): void;
  send(bus: Connection, item: Spooled): Promise<{ duplicate: boolean }>;
} {
  const traces = new WeakMap<Uint8Array, readonly (string | undefined)[]>();
  return {
    traced(frame, events) {
      traces.set(frame, tracesOf(events));
    },
    async send(bus, { partition, frame, count, id }) {
      const subject = inSubject(partition);
      const span = sendSpan(subject, traces.get(frame) ?? [], count);
      return publishFrame(bus, subject, frame, { count, id, trace: traceparentOf(span) }).then(
        (stored) => {
          sent(span);
          return stored;
        },
        (error: unknown) => {
          sent(span, error);
          throw error;
        },
      );
    },
  };
}
