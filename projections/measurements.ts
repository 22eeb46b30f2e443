import { float, id, json, optional, ref, text, time } from "../src/define/field.ts";
import { defineMap } from "../src/define/projection.ts";
import { metricMeasured } from "../src/events/measure.ts";

export default defineMap({
  version: 1,
  about: "One row a measured value, as it was sent.",
  on: [metricMeasured],
  row: {
    event_id: id("event"),
    time: time("when it was measured"),
    session: optional(ref("session")),
    name: text("name of the metric"),
    value: float("the value"),
    unit: optional(text("unit in UCUM notation")),
    labels: optional(json("attributes of the series as a JSON object")),
  },
  map: (event) => {
    const data = event.data as { name: string; value: number; unit?: string; labels?: string };
    return [
      {
        event_id: event.id,
        time: event.time,
        session: event.session,
        name: data.name,
        value: data.value,
        unit: data.unit,
        labels: data.labels,
      },
    ];
  },
});
