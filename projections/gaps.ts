import { id, int, optional, text, time } from "../src/define/field.ts";
import { defineMap } from "../src/define/projection.ts";
import { eventsDropped, gapClosed, gapFound, logLost } from "../src/events/flow.ts";

export default defineMap({
  version: 1,
  about:
    "One row each time events were missing, arrived after all, or were given up: numbers of a producer, or sequences of the log.",
  on: [gapFound, gapClosed, eventsDropped, logLost],
  row: {
    event_id: id("event"),
    time: time("when it was noticed"),
    what: text("found, closed, dropped or lost"),
    of: text("producer or stream whose numbers they are"),
    epoch: optional(int("epoch of the producer's numbering")),
    first: optional(int("first number")),
    last: optional(int("last number")),
    events: optional(int("how many events")),
    place: optional(text("limit at which events were given up")),
  },
  map: (event) => {
    const d = event.data as {
      stream: string;
      first_seq: number;
      last_seq: number;
      where: string;
      count: number;
      first_n: number;
      last_n: number;
      of_producer: string;
      of_epoch: number;
    };
    const at = { event_id: event.id, time: event.time };
    if (event.type === logLost.type)
      return [{ ...at, what: "lost", of: d.stream, first: d.first_seq, last: d.last_seq }];
    if (event.type === eventsDropped.type)
      return [
        {
          ...at,
          what: "dropped",
          of: event.producer ?? event.source,
          first: d.first_n,
          last: d.last_n,
          events: d.count,
          place: d.where,
        },
      ];
    const what = event.type === gapFound.type ? "found" : "closed";
    return [
      {
        ...at,
        what,
        of: d.of_producer,
        epoch: d.of_epoch,
        first: d.first_n,
        last: d.last_n,
        events: d.last_n - d.first_n + 1,
      },
    ];
  },
});
