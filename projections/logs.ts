import { id, int, json, optional, ref, text, time } from "../src/define/field.ts";
import { defineMap } from "../src/define/projection.ts";
import { logRecorded } from "../src/events/telemetry.ts";

export default defineMap({
  version: 1,
  about: "One row an OpenTelemetry log record, whoever wrote it.",
  on: [logRecorded],
  row: {
    event_id: id("event of the record"),
    session: optional(ref("session, where the record names one", { max: 128 })),
    time: time("when it was written"),
    name: optional(text("name of the event, where it is one")),
    severity: optional(text("severity as the producer calls it")),
    severity_number: optional(int("severity from 1 (trace) to 24 (fatal)")),
    body: optional(text("the message, or a structured body as JSON", { private: true })),
    service: optional(text("service that wrote it")),
    scope: optional(text("instrumentation scope")),
    trace_id: optional(ref("trace it belongs to", { max: 32 })),
    span_id: optional(ref("span it belongs to", { max: 16 })),
    attributes: optional(json("attributes as a JSON object", { private: true })),
    resource: optional(json("attributes of the resource")),
  },
  map: (event) => {
    const data = event.data as Readonly<Record<string, never>>;
    return [
      {
        event_id: event.id,
        session: event.session,
        time: event.time,
        name: data.name,
        severity: data.severity,
        severity_number: data.severity_number,
        body: data.body,
        service: data.service,
        scope: data.scope,
        trace_id: data.trace_id,
        span_id: data.span_id,
        attributes: data.attributes,
        resource: data.resource,
      },
    ];
  },
});
