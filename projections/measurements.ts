import { float, id, json, optional, ref, text, time } from "../src/define/field.ts";
import { attribute, defineCopy, field } from "../src/define/projection.ts";
import { metricMeasured } from "../src/events/measure.ts";

export default defineCopy({
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
  from: {
    event_id: attribute("id"),
    time: attribute("time"),
    session: attribute("session"),
    name: field("name"),
    value: field("value"),
    unit: field("unit"),
    labels: field("labels"),
  },
});
