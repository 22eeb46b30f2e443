import { bytes, id, int, optional, text, time } from "../src/define/field.ts";
import { defineFold } from "../src/define/projection.ts";
import { inputRejected, inputRetried } from "../src/events/flow.ts";

export default defineFold({
  version: 1,
  about: "One row a rejected input, with its redacted bytes and what became of it.",
  on: [inputRejected, inputRetried],
  key: "id",
  row: {
    id: id("id of the rejection"),
    time: time("when it arrived"),
    reason: text("why"),
    detail: text("what exactly is wrong"),
    source: optional(text("where it came from")),
    input_type: optional(text("type it claimed to be")),
    input_id: optional(text("id it claimed")),
    original: optional(bytes("the input", { private: true })),
    content_type: optional(text("media type of `original`")),
    part: optional(int("number of this part, from 0")),
    parts: optional(int("how many parts there are")),
    events: int("events rejected with it"),
    status: text("open or retried"),
    sent: optional(id("event sent in its place")),
  },
  keyOf: (event) => (event.type === inputRetried.type ? (event.data as { rejected: string }).rejected : event.id),
  open: (row) => row.status === "open",
  fold: (row, event) => {
    if (event.type === inputRetried.type) {
      const sent = (event.data as { sent: string }).sent;
      return row
        ? { ...row, status: "retried", sent }
        : {
            id: (event.data as { rejected: string }).rejected,
            time: event.time,
            reason: "unknown",
            detail: "",
            events: 0,
            status: "retried",
            sent,
          };
    }
    const data = event.data as {
      reason: string;
      detail: string;
      input_type?: string;
      input_id?: string;
      original?: Uint8Array;
      content_type?: string;
      part?: number;
      parts?: number;
      events?: number;
    };
    return {
      id: event.id,
      time: event.time,
      reason: data.reason,
      detail: data.detail,
      source: event.source,
      input_type: data.input_type,
      input_id: data.input_id,
      original: data.original,
      content_type: data.content_type,
      part: data.part,
      parts: data.parts,
      events: data.events ?? 1,
      status: row?.status ?? "open",
      sent: row?.sent,
    };
  },
});
