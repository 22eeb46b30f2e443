import { float, int } from "../define/field.ts";

/** What questions about usage add up over the roll-up `usage`, as columns of their answers. */
export const usageSums = {
  calls: int("model answers"),
  errors: int("requests that failed"),
  input_tokens: int("input tokens without cached ones", { unit: "token" }),
  output_tokens: int("output tokens", { unit: "token" }),
  cache_creation_tokens: int("input tokens written to the cache", { unit: "token" }),
  cache_read_tokens: int("input tokens read from the cache", { unit: "token" }),
  cost_usd: float("list price of the calls that have one", { unit: "USD" }),
  unpriced_calls: int("calls whose model has no known price"),
};

/** Their names. */
export const USAGE_SUMS = Object.keys(usageSums);

/** Their part of a select. Sums of costs are rounded: their order must not be seen in the last digits. */
export const addedUsage = USAGE_SUMS.map((name) =>
  name === "cost_usd" ? `round(sum(${name}), 9) as ${name}` : `sum(${name})::bigint as ${name}`,
).join(", ");
