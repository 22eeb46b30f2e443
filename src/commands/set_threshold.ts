import { WeirError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import { defineCommand } from "../define/command.ts";
import { choice, float, json, optional, ref, text } from "../define/field.ts";
import { thresholdSet } from "../events/measure.ts";

export default defineCommand({
  title: "Set a threshold",
  about:
    'Sets or changes a static threshold: whenever a value of the metric is above or below the limit, an anomaly is recorded and an alert raised. The name identifies the threshold; the same name again changes it. Metrics are those of the query metric_names, for example tool.duration in milliseconds with labels {"gen_ai.tool.name":"Bash"}.',
  role: "operator",
  input: {
    name: ref("name of the threshold, for people", { max: 128 }),
    metric: text("metric it watches, for example tool.duration", { max: 256 }),
    above: optional(float("alert when a value is above this")),
    below: optional(float("alert when a value is below this")),
    labels: optional(json("labels the series must carry, as a JSON object of texts", { max: 4_000 })),
    severity: optional(choice("severity of its alerts; warning where absent", ["info", "warning", "critical"])),
  },
  room: ({ name }) => ({
    query: "thresholds",
    name,
    max: LIMITS.thresholds_max,
    full: `${LIMITS.thresholds_max} thresholds are set already`,
    hint: "remove_threshold takes one away",
  }),
  decide: ({ name, metric, above, below, labels, severity }, now_us) => {
    if (above === undefined && below === undefined) {
      throw new WeirError("bad_input", "a threshold needs a limit", { hint: "give above, below, or both" });
    }
    if (above !== undefined && below !== undefined && below > above) {
      throw new WeirError(
        "bad_input",
        `below=${below} is larger than above=${above}: every value would raise an alert`,
      );
    }
    if (metric.trim() === "")
      throw new WeirError("bad_input", "metric is empty", { hint: "the query metric_names lists metrics" });
    checkLabels(labels);
    return [
      thresholdSet.of(
        { time: now_us, subject: name },
        { name, metric, labels, above, below, severity: severity ?? "warning" },
      ),
    ];
  },
});

function checkLabels(labels: string | undefined): void {
  if (labels === undefined) return;
  const parsed: unknown = JSON.parse(labels);
  const texts =
    typeof parsed === "object" &&
    parsed !== null &&
    !Array.isArray(parsed) &&
    Object.values(parsed).every((v) => typeof v === "string");
  if (!texts)
    throw new WeirError("bad_input", "labels is no JSON object of texts", {
      hint: 'for example {"gen_ai.tool.name":"Bash"}',
    });
}
