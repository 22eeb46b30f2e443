import alerts from "../../../projections/alerts.ts";
import { choice, optional, text } from "../../define/field.ts";
import { defineQuery } from "../../define/query.ts";
import { contains, equals, period, pick, rows, rowsOf, statement, when, within } from "../statement.ts";

export default defineQuery({
  title: "Alerts",
  about:
    "Alerts by when they were last raised, newest first: rule, severity, status (open, acknowledged, resolved), series, message, and how often. Use status=open for what needs somebody now. `alert` shows one with its history; the commands acknowledge_alert and resolve_alert take its id.",
  input: {
    ...period(90),
    status: optional(
      choice("only this status; `active` is open or acknowledged", ["open", "acknowledged", "resolved", "active"]),
    ),
    severity: optional(choice("only this severity", ["info", "warning", "critical"])),
    series: optional(text("part of the series' name")),
    limit: rows(50),
  },
  row: pick(alerts.row, [
    "id",
    "status",
    "severity",
    "rule",
    "series",
    "message",
    "value",
    "times",
    "raised_at",
    "last_at",
    "acknowledged_by",
    "resolved_at",
    "session",
  ]),
  sql: (input) =>
    statement(
      [
        within("last_at", input, 90),
        input.status === "active" ? when(true, "status <> 'resolved'") : equals("status", "status", input.status),
        equals("severity", "severity", input.severity),
        contains(["series"], "series", input.series),
      ],
      (
        where,
      ) => `select id, status, severity, rule, series, message, value, times, raised_at, last_at, acknowledged_by, resolved_at, session
from alerts where ${where} order by last_at desc, id limit $rows`,
      { rows: rowsOf(input.limit, 50) },
    ),
});
