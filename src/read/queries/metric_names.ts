import { int, optional, text, time } from "../../define/field.ts";
import { defineQuery } from "../../define/query.ts";
import { contains, period, rows, rowsOf, statement, within } from "../statement.ts";

export default defineQuery({
  title: "Names of metrics",
  about:
    "Which metrics there are: name, unit, number of series, an example of their labels, number of values, and the day of the last. The day in which the period begins counts whole. Use it before `metrics` to learn a name and its labels. weir itself records tool.duration, gen_ai.client.token.usage, gen_ai.client.operation.duration, weir.cost and mcp.client.operation.duration.",
  input: { ...period(30), name: optional(text("part of the name", { max: 200 })), limit: rows(100) },
  row: {
    name: text("name of the metric"),
    unit: text("unit in UCUM notation"),
    series: int("number of series"),
    labels: text("labels of one of the series, as JSON"),
    values: int("number of values"),
    last_day: time("day of the last value"),
  },
  sql: (input) =>
    statement(
      [within("time", input, 30, "day"), contains(["name"], "name", input.name)],
      (
        where,
      ) => `select name, unit, count(distinct labels) as series, max(labels) as labels, sum("count")::bigint as "values", max(time) as last_day
from metrics_day where ${where} group by name, unit order by name, unit limit $rows`,
      { rows: rowsOf(input.limit, 100) },
    ),
});
