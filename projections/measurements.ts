import { float, id, int, json, optional, ref, type ShapeOf, text, time } from "../src/define/field.ts";
import { defineMap } from "../src/define/projection.ts";
import { metricMeasured } from "../src/events/measure.ts";

export default defineMap({
  version: 2,
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
    kind: optional(text("gauge, sum, histogram, exponential_histogram or summary")),
    count: optional(int("observations behind the value, which is their mean then")),
    sum: optional(float("sum of the observations")),
    min: optional(float("smallest observation")),
    max: optional(float("largest observation")),
    buckets: optional(json("bounds and counts of the observations, or quantiles")),
  },
  map: (event) => {
    const data = event.data as ShapeOf<typeof metricMeasured.fields>;
    return [
      {
        event_id: event.id,
        time: event.time,
        session: event.session,
        name: data.name,
        value: data.value,
        unit: data.unit,
        labels: data.labels,
        kind: data.kind,
        count: data.count,
        sum: data.sum,
        min: data.min,
        max: data.max,
        buckets: data.buckets,
      },
    ];
  },
});
