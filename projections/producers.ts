import { ref, text } from "../src/define/field.ts";
import { defineRollup, shareKeys } from "../src/define/projection.ts";

const keys = shareKeys();
const ONE = [1];
let epochs: readonly [unknown, string] = [undefined, ""];
/** The same number gives the same text for thousands of events. */
const epochText = (epoch: unknown): string => {
  if (epochs[0] !== epoch) epochs = [epoch, String(epoch ?? 0)];
  return epochs[1];
};

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
              key: keys(row.producer as string, epochText(row.epoch), row.via as string | undefined),
              add: ONE,
              value: row.n as number | undefined,
            },
          ]
        : [],
  },
});
