import { optional, text, time } from "../../define/field.ts";
import { defineQuery } from "../../define/query.ts";
import { ALWAYS, equals, period, rows, rowsOf, spanning, statement } from "../statement.ts";
import { addedUsage, USAGE_SUMS, usageSums } from "../usage-sums.ts";

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
    ...usageSums,
    first_day: time("first day it was used in the period"),
    last_day: time("last day it was used in the period"),
  },
  sql: (input) => {
    const span = spanning("usage", ["model", "project", "assistant", ...USAGE_SUMS], input, ALWAYS);
    return statement(
      [equals("project", "project", input.project), equals("assistant", "assistant", input.assistant)],
      (
        where,
      ) => `select model, ${addedUsage}, date_trunc('day', min(time)) as first_day, date_trunc('day', max(time)) as last_day
from (${span.sql}) where ${where} group by model order by cost_usd desc, calls desc, model limit $rows`,
      { ...span.values, rows: rowsOf(input.limit, 50) },
    );
  },
});
