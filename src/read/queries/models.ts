import { float, int, optional, text, time } from "../../define/field.ts";
import { defineQuery } from "../../define/query.ts";
import { ALWAYS, equals, period, rows, rowsOf, spanning, statement } from "../statement.ts";

const SUMS = [
  "calls",
  "errors",
  "input_tokens",
  "output_tokens",
  "cache_creation_tokens",
  "cache_read_tokens",
  "cost_usd",
  "unpriced_calls",
];

export default defineQuery({
  title: "Models",
  about:
    "Models used in a period, one row a model: answers, failures, tokens by kind, cost, and the day of first and last use. The most expensive first. Use `usage` for the same over time or by project.",
  input: {
    ...period(ALWAYS),
    project: optional(text("only this project's folder")),
    assistant: optional(text("only this assistant")),
    limit: rows(50),
  },
  row: {
    model: text("model"),
    calls: int("answers"),
    errors: int("requests that failed"),
    input_tokens: int("input tokens without cached ones", { unit: "token" }),
    output_tokens: int("output tokens", { unit: "token" }),
    cache_creation_tokens: int("input tokens written to the cache", { unit: "token" }),
    cache_read_tokens: int("input tokens read from the cache", { unit: "token" }),
    cost_usd: float("list price of the calls that have one", { unit: "USD" }),
    unpriced_calls: int("calls whose model has no known price"),
    first_day: time("first day it was used in the period"),
    last_day: time("last day it was used in the period"),
  },
  sql: (input) => {
    const span = spanning("usage", ["model", "project", "assistant", ...SUMS], input, ALWAYS);
    return statement(
      [equals("project", "project", input.project), equals("assistant", "assistant", input.assistant)],
      (
        where,
      ) => `select model, sum(calls)::bigint as calls, sum(errors)::bigint as errors, sum(input_tokens)::bigint as input_tokens,
  sum(output_tokens)::bigint as output_tokens, sum(cache_creation_tokens)::bigint as cache_creation_tokens, sum(cache_read_tokens)::bigint as cache_read_tokens,
  round(sum(cost_usd), 9) as cost_usd, sum(unpriced_calls)::bigint as unpriced_calls, date_trunc('day', min(time)) as first_day, date_trunc('day', max(time)) as last_day
from (${span.sql}) where ${where} group by model order by cost_usd desc, calls desc, model limit $rows`,
      { ...span.values, rows: rowsOf(input.limit, 50) },
    );
  },
});
