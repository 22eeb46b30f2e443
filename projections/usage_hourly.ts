import { text } from "../src/define/field.ts";
import { defineRollup } from "../src/define/projection.ts";

const NANO = 1_000_000_000;
const HOUR = 3_600_000_000;
const whole = (value: unknown): number => (value as number | null | undefined) ?? 0;

export default defineRollup({
  version: 1,
  about: "Tokens and cost of models by hour, model, project and assistant.",
  key: { model: text("model"), project: text("folder of the project"), assistant: text("assistant") },
  sums: {
    calls: { about: "answers", scale: 1 },
    errors: { about: "requests that failed", scale: 1 },
    input_tokens: { about: "input tokens without cached ones", scale: 1, unit: "token" },
    output_tokens: { about: "output tokens", scale: 1, unit: "token" },
    cache_creation_tokens: { about: "input tokens written to the cache", scale: 1, unit: "token" },
    cache_read_tokens: { about: "input tokens read from the cache", scale: 1, unit: "token" },
    cost_usd: { about: "list price of the answers whose model has one", scale: NANO, unit: "USD" },
    unpriced_calls: { about: "answers whose model has no known price", scale: 1 },
  },
  sketch: false,
  bucket_us: HOUR,
  coarser: { usage_daily: 24 * HOUR },
  of: {
    model_calls: (row) => [
      {
        time: row.time as number,
        key: [row.model as string, (row.project ?? null) as string | null, (row.assistant ?? null) as string | null],
        add: [
          1,
          row.success === false ? 1 : 0,
          whole(row.input_tokens),
          whole(row.output_tokens),
          whole(row.cache_creation_tokens),
          whole(row.cache_read_tokens),
          Math.round(whole(row.cost_usd) * NANO),
          row.cost_usd === undefined || row.cost_usd === null ? 1 : 0,
        ],
      },
    ],
  },
});
