import { float, id, int, json, optional, ref, text, time } from "../src/define/field.ts";
import { defineMap } from "../src/define/projection.ts";
import { spanEnded } from "../src/events/telemetry.ts";

export default defineMap({
  version: 1,
  about: "One row an OpenTelemetry span, whoever made it.",
  on: [spanEnded],
  row: {
    event_id: id("event of the span"),
    session: optional(ref("session, where the span names one", { max: 128 })),
    started_at: time("when it started"),
    time: time("when it ended"),
    duration_ms: float("time from start to end", { unit: "ms" }),
    name: text("name of the span"),
    service: optional(text("service that made it")),
    scope: optional(text("instrumentation scope")),
    kind: optional(text("internal, server, client, producer or consumer")),
    status: optional(text("ok or error, where it was set")),
    status_message: optional(text("what went wrong", { private: true })),
    trace_id: ref("trace", { max: 32 }),
    span_id: ref("span", { max: 16 }),
    parent_span_id: optional(ref("span it is part of", { max: 16 })),
    attributes: optional(json("attributes as a JSON object", { private: true })),
    events: optional(json("events within the span", { private: true })),
    links: optional(json("links to other spans, with their attributes", { private: true })),
    resource: optional(json("attributes of the resource")),
    dropped: optional(int("attributes, events and links that are missing")),
  },
  map: (event) => {
    const data = event.data as Readonly<Record<string, never>>;
    const duration_ms = data.duration_ms as unknown as number;
    return [
      {
        event_id: event.id,
        session: event.session,
        started_at: event.time - Math.round(duration_ms * 1_000),
        time: event.time,
        duration_ms,
        name: data.name!,
        service: data.service,
        scope: data.scope,
        kind: data.kind,
        status: data.status,
        status_message: data.status_message,
        trace_id: data.trace_id!,
        span_id: data.span_id!,
        parent_span_id: data.parent_span_id,
        attributes: data.attributes,
        events: data.events,
        links: data.links,
        resource: data.resource,
        dropped: data.dropped,
      },
    ];
  },
});
