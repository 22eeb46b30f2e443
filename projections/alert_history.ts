import { float, id, optional, ref, text, time } from "../src/define/field.ts";
import { defineMap } from "../src/define/projection.ts";
import { alertAcknowledged, alertRaised, alertResolved } from "../src/events/alert.ts";

export default defineMap({
  version: 1,
  about: "One row each thing that happened to an alert.",
  on: [alertRaised, alertAcknowledged, alertResolved],
  row: {
    event_id: id("event"),
    alert: ref("id of the alert"),
    time: time("when"),
    what: text("raised, acknowledged or resolved"),
    actor: optional(text("who, where a person did it")),
    value: optional(float("value that raised it")),
    note: optional(text("what they said, or the alert's message")),
  },
  map: (event) => {
    const data = event.data as { alert: string; value?: number; message?: string; note?: string };
    return [
      {
        event_id: event.id,
        alert: data.alert,
        time: event.time,
        what: event.type.slice("alert.".length),
        actor: event.actor,
        value: data.value,
        note: data.note ?? data.message,
      },
    ];
  },
});
