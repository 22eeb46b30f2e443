import type { EventDefinition } from "../src/define/event.ts";
import { id, json, optional, text, time } from "../src/define/field.ts";
import { defineMap } from "../src/define/projection.ts";
import { CATALOG } from "../src/events/catalog.ts";

export default defineMap({
  version: 2,
  about: "One row an order that a person or an assistant gave.",
  on: CATALOG.filter((definition) => definition.audited) as unknown as readonly EventDefinition[],
  row: {
    event_id: id("event"),
    time: time("when"),
    actor: optional(text("who")),
    action: text("what was ordered"),
    about: json("what it was about, as JSON"),
  },
  map: (event) =>
    event.actor
      ? [
          {
            event_id: event.id,
            time: event.time,
            actor: event.actor,
            action: event.type,
            about: JSON.stringify(event.data),
          },
        ]
      : [],
});
