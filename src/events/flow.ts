import { defineEvent } from "../define/event.ts";
import { bytes, choice, id, int, optional, ref, text } from "../define/field.ts";

export const inputRejected = defineEvent(
  "input.rejected",
  1,
  "Input was not taken; its redacted bytes are kept so that it can be repaired.",
  {
    reason: choice("why", ["undecodable", "unknown_type", "unknown_version", "invalid", "clock", "too_large"]),
    detail: text("what exactly is wrong", { max: 2_000 }),
    input_type: optional(text("type the input claimed to be", { max: 256 })),
    input_id: optional(text("id the input claimed", { max: 256 })),
    original: optional(bytes("the input: a CloudEvent as JSON, or the bytes of a frame", { private: true })),
    content_type: optional(text("media type of `original`", { max: 64 })),
    part: optional(int("number of this part where the input needed several, from 0", { min: 0 })),
    parts: optional(int("how many parts there are", { min: 1 })),
    events: optional(int("how many events were rejected with it", { min: 0 })),
  },
);

export const inputRetried = defineEvent(
  "input.retried",
  1,
  "A rejected input was repaired and sent again.",
  { rejected: id("id of the input.rejected event"), sent: id("id of the event sent in its place") },
  { audited: true },
);

export const eventsDropped = defineEvent(
  "events.dropped",
  1,
  "A producer gave up events at a limit, and says how many.",
  {
    where: text("limit or place: spool_full, buffer_full, …", { max: 64 }),
    count: int("how many events", { min: 0 }),
    first_n: optional(int("first number given up", { min: 0 })),
    last_n: optional(int("last number given up", { min: 0 })),
  },
);

export const gapFound = defineEvent("gap.found", 1, "Numbers of a producer are missing.", {
  of_producer: ref("producer whose numbers are missing", { max: 64 }),
  of_epoch: int("epoch of the numbering", { min: 0 }),
  first_n: int("first missing number", { min: 0 }),
  last_n: int("last missing number", { min: 0 }),
});

export const gapClosed = defineEvent("gap.closed", 1, "Missing numbers of a producer arrived after all.", {
  of_producer: ref("producer", { max: 64 }),
  of_epoch: int("epoch of the numbering", { min: 0 }),
  first_n: int("first number that arrived", { min: 0 }),
  last_n: int("last number that arrived", { min: 0 }),
});

export const logLost = defineEvent("log.lost", 1, "Sequences are missing in the broker's log: stored data was lost.", {
  stream: text("stream", { max: 64 }),
  first_seq: int("first missing sequence", { min: 0 }),
  last_seq: int("last missing sequence", { min: 0 }),
});

export default [inputRejected, inputRetried, eventsDropped, gapFound, gapClosed, logLost] as const;
