import { defineEvent } from "../define/event.ts";
import { float, int, json, optional, ref, text } from "../define/field.ts";

/** What spans and log records say of who made them. */
const origin = {
  service: optional(text("service that made it (service.name)", { max: 256 })),
  scope: optional(text("instrumentation scope that made it", { max: 256 })),
  resource: optional(json("the other attributes of the resource as a JSON object", { max: 8_000 })),
} as const;

export const spanEnded = defineEvent("span.ended", 1, "An OpenTelemetry span ended.", {
  name: text("name of the span", { max: 512 }),
  trace_id: ref("trace, 32 hexadecimal digits", { max: 32 }),
  span_id: ref("span, 16 hexadecimal digits", { max: 16 }),
  parent_span_id: optional(ref("span it is part of", { max: 16 })),
  kind: optional(text("internal, server, client, producer or consumer", { max: 16 })),
  ...origin,
  duration_ms: float("time from start to end", { min: 0, unit: "ms" }),
  status: optional(text("ok or error, where it was set", { max: 8 })),
  status_message: optional(text("what went wrong", { max: 4_000, private: true })),
  attributes: optional(json("attributes as a JSON object", { private: true })),
  events: optional(json("events within the span: time, name and attributes", { private: true })),
  links: optional(json("links to other spans, with their attributes", { private: true })),
  trace_state: optional(text("W3C trace state", { max: 512 })),
  dropped: optional(int("attributes, events and links that are missing", { min: 0 })),
});

export const logRecorded = defineEvent("log.recorded", 1, "An OpenTelemetry log record was written.", {
  name: optional(text("name of the event, where it is one", { max: 256 })),
  severity: optional(text("severity as the producer calls it", { max: 32 })),
  severity_number: optional(int("severity from 1 (trace) to 24 (fatal)", { min: 0 })),
  body: optional(text("the message, or a structured body as JSON", { max: 65_536, private: true })),
  ...origin,
  trace_id: optional(ref("trace it belongs to", { max: 32 })),
  span_id: optional(ref("span it belongs to", { max: 16 })),
  attributes: optional(json("attributes as a JSON object", { private: true })),
  dropped: optional(int("attributes that are missing", { min: 0 })),
});

export default [spanEnded, logRecorded] as const;
