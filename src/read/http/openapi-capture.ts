import type { JsonSchema } from "../schema.ts";

/** Describes one route: method, path, and the rest of the operation. */
export type Describe = (method: string, at: string, rest: object) => void;

interface Parts {
  readonly ref: (name: string) => JsonSchema;
  readonly good: (description: string, schema: JsonSchema) => { readonly responses: object };
  readonly failure: object;
}

const BINARY: JsonSchema = { type: "string", format: "binary" };
const RETRY_AFTER = { "Retry-After": { description: "seconds", schema: { type: "integer" } } };

const header = (name: string, description: string) => ({
  name,
  in: "header",
  required: false,
  description,
  schema: { type: "string" },
});

/** Describes the ways in: events, telemetry after OTLP, and hooks. */
export function describeCapture(path: Describe, { ref, good, failure }: Parts): void {
  const busy = { ...failure, headers: RETRY_AFTER };
  const later = {
    429: { ...busy, description: "more waits than can be taken; send it again later" },
    503: { ...busy, description: "broker and spool take nothing; send it again later" },
  };
  const event = { schema: ref("Event") };
  const list = { schema: { type: "array", items: ref("Event") } };
  const events = good("what became of each event; 400 where none was accepted", ref("Published"));
  path("post", "/api/events", {
    operationId: "publish_events",
    tags: ["events"],
    summary: "Publish events; answers when they are durable",
    description:
      "CloudEvents 1.0 in structured mode (one), batch mode (at most 1,000) or binary mode, where the attributes stand in headers and the body is " +
      "the data; or MessagePack: one event as a map, a list of them, or a frame. Bodies are not compressed.",
    parameters: [
      header("ce-specversion", "binary mode: 1.0"),
      header(
        "ce-type",
        "binary mode: type of the event; other attributes stand in headers named alike, percent-encoded",
      ),
    ],
    requestBody: {
      required: true,
      content: {
        "application/cloudevents+json": event,
        "application/cloudevents-batch+json": list,
        "application/json": {
          schema: { oneOf: [ref("Event"), list.schema, { type: "object", description: "data, in binary mode" }] },
        },
        "application/msgpack": { schema: BINARY },
      },
    },
    ...events,
    responses: {
      ...events.responses,
      400: {
        ...failure,
        description: "none was accepted, or the body cannot be read",
        content: { "application/json": { schema: { oneOf: [ref("Published"), ref("Error")] } } },
      },
      413: { ...failure, description: "too large, or too many events" },
      415: failure,
      ...later,
      504: failure,
    },
  });
  for (const signal of ["traces", "metrics", "logs"]) {
    const answer = (description: string) => ({
      description,
      content: {
        "application/x-protobuf": { schema: BINARY },
        "application/json": { schema: { type: "object" } },
      },
    });
    path("post", `/v1/${signal}`, {
      operationId: `export_${signal}`,
      tags: ["capture"],
      summary: `OTLP: export ${signal}; answers when they are durable`,
      description: "An export request of OTLP over HTTP. The token of capture opens it too.",
      parameters: [header("Content-Encoding", "gzip, or none")],
      requestBody: {
        required: true,
        content: {
          "application/x-protobuf": { schema: BINARY },
          "application/json": { schema: { type: "object" } },
        },
      },
      responses: {
        200: answer("taken; partialSuccess counts items that were not"),
        400: answer("it cannot be read; sending it again does not help"),
        401: failure,
        403: failure,
        413: answer("too large"),
        415: answer("a media type or encoding that is not taken"),
        429: { ...answer("more waits than can be taken; send it again later"), headers: RETRY_AFTER },
        503: { ...answer("broker and spool take nothing; send it again later"), headers: RETRY_AFTER },
        504: { ...answer("not durable yet; sending it again changes nothing where it arrived"), headers: RETRY_AFTER },
      },
    });
  }
  path("post", "/hooks/{assistant}", {
    operationId: "take_hook",
    tags: ["capture"],
    summary: "One payload of an assistant's hook",
    description:
      "Whatever is sent is taken, and answered without a body once it is on the disk. The token of capture opens it too.",
    parameters: [
      {
        name: "assistant",
        in: "path",
        required: true,
        description: "for example claude-code",
        schema: { type: "string" },
      },
    ],
    requestBody: { required: true, content: { "application/json": { schema: { type: "object" } } } },
    responses: { 204: { description: "on the disk" }, 401: failure, 403: failure, 404: failure },
  });
}
