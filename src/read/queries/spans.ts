import spans from "../../../projections/spans.ts";
import { bool, float, optional, text } from "../../define/field.ts";
import { defineQuery } from "../../define/query.ts";
import { contains, equals, period, pick, rows, rowsOf, statement, when, within } from "../statement.ts";

export default defineQuery({
  title: "Spans",
  about:
    "Single OpenTelemetry spans in the order they started, with attributes. Give a trace_id to see one trace whole: parent_span_id makes it a tree. Without one, find spans by service, session, name, slowness or failure.",
  input: {
    ...period(30),
    trace_id: optional(text("only this trace", { max: 32 })),
    session: optional(text("only this session")),
    service: optional(text("only this service", { max: 256 })),
    name: optional(text("part of the span's name", { max: 200 })),
    min_ms: optional(float("only spans that took at least this long", { min: 0, unit: "ms" })),
    failed: optional(bool("true: only spans that failed")),
    limit: rows(200),
  },
  row: pick(spans.row, [
    "started_at",
    "duration_ms",
    "name",
    "service",
    "kind",
    "status",
    "status_message",
    "session",
    "trace_id",
    "span_id",
    "parent_span_id",
    "attributes",
    "events",
    "event_id",
  ]),
  sql: (input) =>
    statement(
      [
        within("time", input),
        equals("trace_id", "trace_id", input.trace_id?.toLowerCase()),
        equals("session", "session", input.session),
        equals("service", "service", input.service),
        contains(["name"], "name", input.name),
        input.min_ms === undefined ? undefined : { sql: "duration_ms >= $min_ms", values: { min_ms: input.min_ms } },
        when(input.failed, "status = 'error'"),
      ],
      (
        where,
      ) => `select started_at, duration_ms, name, service, kind, status, left(status_message, 500) as status_message, session, trace_id,
  span_id, parent_span_id, attributes, events, event_id
from spans where ${where} order by started_at, span_id limit $rows`,
      { rows: rowsOf(input.limit, 200) },
    ),
});
