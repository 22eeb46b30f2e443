import anomalies from "../../../projections/anomalies.ts";
import { choice, optional, text } from "../../define/field.ts";
import { defineQuery } from "../../define/query.ts";
import { contains, equals, period, pick, rows, rowsOf, statement, within } from "../statement.ts";

export default defineQuery({
  title: "Anomalies",
  about:
    "Values that left what their series showed lately, or crossed a threshold, newest first: series as metric{label=value}, the value, what was expected, and how many robust standard deviations away (score). `alerts` are what became of those that people should know of.",
  input: {
    ...period(30),
    series: optional(text("part of the series' name")),
    severity: optional(choice("only this severity", ["info", "warning", "critical"])),
    session: optional(text("only this session")),
    limit: rows(50),
  },
  row: pick(anomalies.row, [
    "time",
    "series",
    "kind",
    "severity",
    "score",
    "value",
    "expected_low",
    "expected_high",
    "method",
    "session",
    "event_id",
  ]),
  sql: (input) =>
    statement(
      [
        within("time", input),
        contains(["series"], "series", input.series),
        equals("severity", "severity", input.severity),
        equals("session", "session", input.session),
      ],
      (
        where,
      ) => `select time, series, kind, severity, score, value, expected_low, expected_high, method, session, event_id
from anomalies where ${where} order by time desc limit $rows`,
      { rows: rowsOf(input.limit, 50) },
    ),
});
