import { float, json, optional, ref, text, time } from "../src/define/field.ts";
import { defineFold } from "../src/define/projection.ts";
import { thresholdSet } from "../src/events/measure.ts";
import { replaces, settingOf } from "../src/events/thresholds.ts";

export default defineFold({
  version: 2,
  about: "One row a static threshold, as it was last set.",
  on: [thresholdSet],
  key: "name",
  row: {
    name: ref("name of the threshold"),
    metric: text("metric it watches"),
    labels: optional(json("labels the series must carry")),
    above: optional(float("alert when a value is above")),
    below: optional(float("alert when a value is below")),
    severity: text("severity of its alerts"),
    removed: optional(text("'true' where it was taken away")),
    set_at: time("when"),
    set_by: optional(text("by whom")),
  },
  keyOf: (event) => (event.data as { name: string }).name,
  fold: (row, event) => {
    const next = settingOf(event);
    return row && !replaces(next, row) ? row : next;
  },
});
