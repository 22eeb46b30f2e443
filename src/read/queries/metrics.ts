import { WeirError } from "../../base/errors.ts";
import { bool, choice, float, int, json, optional, text, time } from "../../define/field.ts";
import { type Bound, defineQuery } from "../../define/query.ts";
import { mergedQuantiles } from "../merge-quantiles.ts";
import { type Condition, period, rows, rowsOf, statement, within } from "../statement.ts";

const HOUR_US = 3_600_000_000;
const LABELS_MAX = 16;

/** Series that carry every label asked for. */
function labelled(asked: string | undefined): Condition[] {
  if (asked === undefined) return [];
  const labels: unknown = JSON.parse(asked);
  if (typeof labels !== "object" || labels === null || Array.isArray(labels))
    throw new WeirError("bad_input", "labels is no JSON object", { hint: 'for example {"gen_ai.tool.name":"Bash"}' });
  const entries = Object.entries(labels);
  if (entries.length > LABELS_MAX) throw new WeirError("bad_input", `labels has more than ${LABELS_MAX} entries`);
  return entries.map(([name, value], k) => {
    if (/["\\*]/.test(name)) throw new WeirError("bad_input", "a label's name has no quotes, backslashes or asterisks");
    const values: Record<string, Bound> = { [`label${k}`]: `$."${name}"`, [`is${k}`]: String(value) };
    // labels are kept as they were sent: one that is no JSON would fail the whole statement
    const own = "case when json_valid(labels) then labels end";
    return { sql: `json_extract_string(${own}, $label${k}) = $is${k}`, values };
  });
}

/** The finest step that keeps a series readable. */
function stepFor(input: { since?: number; until?: number }): "minute" | "hour" | "day" {
  if (input.since === undefined) return "minute";
  const us = input.until === undefined ? undefined : input.until - input.since;
  return us !== undefined && us <= 6 * HOUR_US ? "minute" : us !== undefined && us > 14 * 24 * HOUR_US ? "day" : "hour";
}

export default defineQuery({
  title: "Metric over time",
  about:
    'One metric over time: count, sum, mean, extremes and quantiles (within 1 percent; of a histogram as exact as its buckets, empty where it came without) for each minute, hour or day, by series or, with `together`, over all series at once. Names come from `metric_names`; `labels` picks series, for example {"gen_ai.tool.name":"Bash"}. Without a period it shows the last 6 hours by minute. The step in which the period begins counts whole. Newest first.',
  input: {
    name: text("name of the metric", { max: 256 }),
    labels: optional(json("labels the series must carry, as a JSON object", { max: 4_000 })),
    ...period(0.25),
    step: optional(choice("width of a step; chosen by the period where absent", ["minute", "hour", "day"])),
    together: optional(bool("one row a step over all series, instead of one a step and series")),
    limit: rows(500),
  },
  row: {
    time: time("start of the step"),
    labels: optional(json("labels of the series; absent with `together`")),
    unit: text("unit in UCUM notation"),
    count: int("number of values"),
    sum: float("sum of the values"),
    mean: optional(float("mean")),
    min: optional(float("smallest value")),
    max: optional(float("largest value")),
    p50: optional(float("median")),
    p95: optional(float("95th percentile")),
    p99: optional(float("99th percentile")),
  },
  sql: (input) => {
    const step = input.step ?? stepFor(input);
    const days = step === "minute" ? 0.25 : step === "hour" ? 14 : 365;
    const columns = input.together
      ? 'time, null::varchar as labels, unit, sum("count")::bigint as "count", sum("sum") as "sum", min("min") as "min", max("max") as "max", list(sketch) as sketches'
      : 'time, labels, unit, "count", "sum", "min", "max", p50, p95, p99';
    return statement(
      [
        { sql: "name = $name", values: { name: input.name } },
        within("time", input, days, step),
        ...labelled(input.labels),
      ],
      (where) =>
        `select ${columns} from metrics_${step} where ${where} ${input.together ? "group by time, unit" : ""} order by time desc, labels limit $rows`,
      { rows: rowsOf(input.limit, 500) },
    );
  },
  after: (answered) => ({
    rows: answered.map(({ sketches, ...row }) => {
      const mean = Number(row.count) > 0 ? Number(row.sum) / Number(row.count) : null;
      return { ...row, mean, ...(sketches !== undefined && mergedQuantiles(sketches, Number(row.count))) };
    }),
  }),
});
