import logs from "../../../projections/logs.ts";
import { int, optional, text } from "../../define/field.ts";
import { defineQuery } from "../../define/query.ts";
import { contains, equals, period, pick, rows, rowsOf, statement, within } from "../statement.ts";

export default defineQuery({
  title: "Log records",
  about:
    "OpenTelemetry log records and events that were sent to weir, newest first: an assistant's own telemetry (hooks that ran, MCP connections, skills, plugins) and what other programs logged. Find them by name, service, session, severity, trace, or a part of the message.",
  input: {
    ...period(7),
    name: optional(text("only events of this name, for example mcp_server_connection", { max: 256 })),
    text: optional(text("part of the message or the attributes", { max: 200 })),
    service: optional(text("only this service", { max: 256 })),
    session: optional(text("only this session")),
    trace_id: optional(text("only this trace", { max: 32 })),
    min_severity: optional(int("from this severity on: 9 info, 13 warning, 17 error", { min: 1 })),
    limit: rows(100),
  },
  row: pick(logs.row, [
    "time",
    "name",
    "severity",
    "body",
    "service",
    "session",
    "attributes",
    "trace_id",
    "span_id",
    "event_id",
  ]),
  sql: (input) =>
    statement(
      [
        within("time", input, 7),
        equals("name", "name", input.name),
        contains(["body", "attributes"], "text", input.text),
        equals("service", "service", input.service),
        equals("session", "session", input.session),
        equals("trace_id", "trace_id", input.trace_id?.toLowerCase()),
        input.min_severity === undefined
          ? undefined
          : { sql: "severity_number >= $min_severity", values: { min_severity: input.min_severity } },
      ],
      (where) =>
        `select time, name, severity, left(body, 2000) as body, service, session, attributes, trace_id, span_id, event_id
from logs where ${where} order by time desc, event_id desc limit $rows`,
      { rows: rowsOf(input.limit, 100) },
    ),
});
