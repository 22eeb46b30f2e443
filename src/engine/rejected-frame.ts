import { derivedId } from "../base/id.ts";
import { LIMITS } from "../base/limits.ts";
import { redactText } from "../base/redact.ts";
import type { Event } from "../define/event.ts";
import { inputRejected } from "../events/flow.ts";
import { currentGuard } from "../events/guard.ts";
import type { Stored } from "../wire/read.ts";

/** Events of a frame by its header, which anybody may have written. */
const countOf = (message: Stored): number =>
  Math.min(LIMITS.frame_events_max, Math.max(0, Math.trunc(Number(message.headers?.get("Weir-Count"))) || 0));

/** The events that keep a frame nobody can read: its redacted bytes, in parts that fit a frame. */
export function rejectedFrame(message: Stored, stream: string, why: string): Event[] {
  const bytes = Buffer.from(redactText(Buffer.from(message.data).toString("latin1")), "latin1");
  const parts = Math.max(1, Math.ceil(bytes.length / LIMITS.rejected_part_bytes_max));
  const events: Event[] = Array.from({ length: parts }, (_, part) => ({
    id: derivedId(message.stored_us, stream, message.seq, part),
    type: inputRejected.type,
    v: inputRejected.v,
    source: `weir://${stream.toLowerCase()}/${message.seq}`,
    time: message.stored_us,
    via: "weir",
    data: {
      reason: "undecodable",
      detail: why,
      original: bytes.subarray(part * LIMITS.rejected_part_bytes_max, (part + 1) * LIMITS.rejected_part_bytes_max),
      content_type: "application/vnd.msgpack",
      part,
      parts,
      events: part === 0 ? countOf(message) : 0,
    },
  }));
  return events.map((event) => currentGuard().protect(event));
}
