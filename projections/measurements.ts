import { float, id, int, json, optional, ref, text, time } from "../src/define/field.ts";
import { attribute, defineCopy, field } from "../src/define/projection.ts";
import { metricMeasured } from "../src/events/measure.ts";

export default defineCopy({
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
  from: {
    event_id: attribute("id"),
    time: attribute("time"),
    session: attribute("session"),
    name: field("name"),
    value: field("value"),
    unit: field("unit"),
    labels: field("labels"),
    kind: field("kind"),
    count: field("count"),
    sum: field("sum"),
    min: field("min"),
    max: field("max"),
    buckets: field("buckets"),
  },
});
