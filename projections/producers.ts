import { ref, text } from "../src/define/field.ts";
import { defineRollup } from "../src/define/projection.ts";

export default defineRollup({
  version: 1,
  about:
    "How many events of a producer stand in the table events, by producer, epoch and way in; the highest number is `max`.",
  key: {
    producer: ref("producer"),
    epoch: text("epoch of its numbering"),
    via: text("how weir learned of the events"),
  },
  sums: { events: { about: "events", scale: 1 } },
  sketch: false,
  of: {
    events: (row) =>
      row.producer
        ? [
            {
              key: [row.producer as string, String(row.epoch ?? 0), (row.via ?? null) as string | null],
              add: [1],
              value: row.n as number | undefined,
            },
          ]
        : [],
  },
});
