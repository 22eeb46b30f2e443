import { json, text } from "../src/define/field.ts";
import { defineRollup, type Share, shareKeys } from "../src/define/projection.ts";
import { observedOf } from "../src/events/observed.ts";

const MINUTE = 60_000_000;
type Row = Readonly<Record<string, unknown>>;
const keys = shareKeys();
const NONE: readonly number[] = [];

/** Labels as a JSON object in fixed order; the same series always has the same text. */
const labels = (entries: readonly (readonly [string, unknown])[]): string => {
  let out = "";
  for (const [name, value] of entries)
    if (value !== undefined && value !== null)
      out += `${out ? "," : ""}${JSON.stringify(name)}:${JSON.stringify(value)}`;
  return `{${out}}`;
};
const series = (row: Row, name: string, unit: string, value: unknown, of: string): Share[] =>
  value === undefined || value === null
    ? []
    : [{ time: row.time as number, key: keys(name, of, unit), add: NONE, value: value as number }];

const toolLabels = new Map<string, string>();
const labelsOfTool = (tool: string): string => {
  let text = toolLabels.get(tool);
  if (!text) {
    text = labels([["gen_ai.tool.name", tool]]);
    if (toolLabels.size < 10_000) toolLabels.set(tool, text);
  }
  return text;
};

export default defineRollup({
  version: 2,
  about:
    "Every metric by minute (metrics_hour and metrics_day: by hour and day) with count, sum, extremes and quantiles: within 1 percent, those of a histogram as exact as its buckets, empty where a histogram came without them; the names are OpenTelemetry's where it has one.",
  key: {
    name: text("name of the metric"),
    labels: json("attributes of the series as a JSON object"),
    unit: text("unit in UCUM notation"),
  },
  sums: {},
  sketch: true,
  bucket_us: MINUTE,
  coarser: { metrics_hour: 60 * MINUTE, metrics_day: 1_440 * MINUTE },
  of: {
    tool_calls: (row) => series(row, "tool.duration", "ms", row.duration_ms, labelsOfTool(row.tool as string)),
    model_calls: (row) => {
      const model = ["gen_ai.response.model", row.model] as const;
      const tokens = (type: string, value: unknown) =>
        series(row, "gen_ai.client.token.usage", "{token}", value, labels([model, ["gen_ai.token.type", type]]));
      const input = Number(row.input_tokens) + Number(row.cache_creation_tokens) + Number(row.cache_read_tokens);
      return [
        ...tokens("input", input),
        ...tokens("output", row.output_tokens),
        ...series(row, "gen_ai.client.operation.duration", "ms", row.duration_ms, labels([model])),
        ...series(row, "weir.cost", "USD", row.cost_usd, labels([model])),
      ];
    },
    mcp_calls: (row) =>
      series(
        row,
        "mcp.client.operation.duration",
        "ms",
        row.duration_ms,
        labels([
          ["mcp.method.name", row.method],
          ["gen_ai.tool.name", row.tool],
          ["weir.mcp.server", row.server],
        ]),
      ),
    measurements: (row) => {
      const [name, unit, of] = [row.name as string, (row.unit as string) ?? "", (row.labels as string) ?? "{}"];
      const observed = observedOf(row);
      if (!observed) return series(row, name, unit, row.value, of);
      return [{ time: row.time as number, key: keys(name, of, unit), add: NONE, observed }];
    },
  },
});
