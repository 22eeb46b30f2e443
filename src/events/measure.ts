import { defineEvent } from "../define/event.ts";
import { choice, float, int, json, optional, ref, text, time } from "../define/field.ts";

export const metricMeasured = defineEvent("metric.measured", 1, "One value of a named metric.", {
  name: text("name of the metric, after OpenTelemetry where it has one", { max: 256 }),
  value: float("the value"),
  unit: optional(text("unit in UCUM notation: ms, By, {token}, 1", { max: 32 })),
  labels: optional(json("attributes of the series as a JSON object of texts", { max: 4_000 })),
  kind: optional(
    text("gauge, sum (what was added since the last value), histogram, exponential_histogram or summary", { max: 32 }),
  ),
  count: optional(int("observations behind the value, which is their mean then", { min: 0 })),
  sum: optional(float("sum of the observations")),
  min: optional(float("smallest observation")),
  max: optional(float("largest observation")),
  buckets: optional(json("bounds and counts of the observations, or quantiles, as a JSON object", { max: 32_000 })),
});

export const anomalyDetected = defineEvent("anomaly.detected", 1, "A value of a series left what was expected.", {
  series: text("series it happened in, as metric{label=value}", { max: 1_000 }),
  kind: choice("too high or too low", ["high", "low"]),
  severity: choice("how far out", ["info", "warning", "critical"]),
  score: float("how many robust standard deviations away"),
  value: float("the value seen"),
  expected_low: float("lower end of what was expected"),
  expected_high: float("upper end of what was expected"),
  method: text("how it was found", { max: 64 }),
});

export const thresholdSet = defineEvent(
  "threshold.set",
  1,
  "A static threshold was set, changed or taken away.",
  {
    name: ref("name of the threshold", { max: 128 }),
    metric: text("metric it watches, for example tool.duration", { max: 256 }),
    labels: optional(json("labels the series must carry, as a JSON object", { max: 4_000 })),
    above: optional(float("alert when a value is above")),
    below: optional(float("alert when a value is below")),
    severity: choice("severity of its alerts", ["info", "warning", "critical"]),
    removed: optional(text("'true' takes the threshold away", { max: 8 })),
  },
  { audited: true },
);

export const clockTicked = defineEvent(
  "clock.ticked",
  1,
  "A minute passed; decisions on silence are made on this event.",
  {
    minute: time("start of the minute"),
  },
);

export default [metricMeasured, anomalyDetected, thresholdSet, clockTicked] as const;
