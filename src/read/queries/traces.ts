import { bool, float, int, optional, ref, text, time } from "../../define/field.ts";
import { defineQuery } from "../../define/query.ts";
import { period, rows, rowsOf, statement, within } from "../statement.ts";

export default defineQuery({
  title: "Traces",
  about:
    "OpenTelemetry traces that were sent to weir, newest first: when each began, its first span's name and service, how many spans it has, how many of them failed, and how long it took. Narrow by service, session, slowness or failure; take a trace_id from here to `spans` to see it whole.",
  input: {
    ...period(7),
    service: optional(text("only traces in which this service made a span", { max: 256 })),
    session: optional(text("only this session")),
    min_ms: optional(float("only traces that took at least this long", { min: 0, unit: "ms" })),
    failed: optional(bool("true: only traces in which a span failed")),
    limit: rows(50),
  },
  row: {
    trace_id: ref("trace"),
    started_at: time("start of its first span"),
    duration_ms: float("from the first start to the last end", { unit: "ms" }),
    name: text("name of its root, or of its first span"),
    service: optional(text("service of that span")),
    session: optional(ref("session it belongs to")),
    spans: int("spans"),
    errors: int("spans that failed"),
  },
  sql: (input) =>
    statement(
      [within("time", input, 7)],
      (where) => `select trace_id, min(started_at) as started_at,
  (epoch_us(max(time)) - epoch_us(min(started_at))) / 1000.0 as duration_ms,
  arg_min(name, (case when parent_span_id is null then 0 else 1 end, started_at, span_id)) as name,
  arg_min(service, (case when parent_span_id is null then 0 else 1 end, started_at, span_id)) as service,
  max(session) as session, count(*) as spans, count(*) filter (where status = 'error') as errors
from spans where ${where} group by trace_id having ${having(input)} order by started_at desc, trace_id limit $rows`,
      {
        rows: rowsOf(input.limit, 50),
        ...(input.service === undefined ? {} : { service: input.service }),
        ...(input.session === undefined ? {} : { session: input.session }),
        ...(input.min_ms === undefined ? {} : { min_ms: input.min_ms }),
      },
    ),
});

function having(input: { service?: string; session?: string; min_ms?: number; failed?: boolean }): string {
  const held = [
    input.service === undefined ? undefined : "count(*) filter (where service = $service) > 0",
    input.session === undefined ? undefined : "count(*) filter (where session = $session) > 0",
    input.min_ms === undefined ? undefined : "(epoch_us(max(time)) - epoch_us(min(started_at))) / 1000.0 >= $min_ms",
    input.failed ? "count(*) filter (where status = 'error') > 0" : undefined,
  ].filter((part) => part !== undefined);
  return held.length === 0 ? "true" : held.join(" and ");
}
