import type { OpenAPIHono } from "@hono/zod-openapi";
import { type Fields, fieldList } from "../../define/field.ts";
import type { ReadContext } from "../context.ts";
import { ANSWER_SCHEMA, argumentSchema, columnsText, inputSchema, type JsonSchema } from "../schema.ts";
import { STATUS } from "../status.ts";
import { describeCapture } from "./openapi-capture.ts";
import { describeOperation } from "./openapi-operation.ts";

const json = (schema: JsonSchema) => ({ "application/json": { schema } });
const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });

const ERROR_SCHEMA: JsonSchema = {
  type: "object",
  required: ["error"],
  properties: {
    error: {
      type: "object",
      required: ["code", "message", "hint"],
      properties: {
        code: { type: "string" },
        message: { type: "string" },
        hint: { type: "string", description: "what to do" },
      },
    },
  },
};
const ORDERED_SCHEMA: JsonSchema = {
  type: "object",
  required: ["ids", "seq"],
  properties: {
    ids: { type: "array", items: { type: "string" }, description: "events the order led to" },
    seq: { type: "integer", description: "sequence of the log at which the tables show its effect" },
  },
};
const EVENT_SCHEMA: JsonSchema = {
  type: "object",
  description: "a CloudEvent in JSON format; session, project, assistant and the like are extension attributes",
  required: ["type"],
  properties: {
    specversion: { type: "string", enum: ["1.0"] },
    id: { type: "string", description: "UUID; made where absent" },
    source: { type: "string" },
    type: { type: "string", description: "noun.verb_past, for example metric.measured" },
    time: { type: "string", format: "date-time" },
    subject: { type: "string" },
    session: { type: "string" },
    data: { type: "object" },
  },
};
const PUBLISHED_SCHEMA: JsonSchema = {
  type: "object",
  required: ["accepted", "rejected", "events"],
  properties: {
    accepted: { type: "integer" },
    rejected: { type: "integer" },
    events: {
      type: "array",
      description: "one result an event, in order",
      items: {
        type: "object",
        required: ["id", "status"],
        properties: {
          id: { type: ["string", "null"] },
          status: { type: "string", enum: ["accepted", "rejected"] },
          error: { type: "string" },
        },
      },
    },
  },
};

const failure = { description: "what went wrong and what to do", content: json(ref("Error")) };
const failures = { 400: failure, 401: failure, 403: failure, default: failure };
const good = (description: string, schema: JsonSchema) => ({
  responses: { 200: { description, content: json(schema) }, ...failures },
});

/** Arguments of a query as they stand in the address. */
const parametersOf = (input: Fields): object[] =>
  fieldList(input).map(([name, info]) => {
    const { description, ...schema } = argumentSchema(info);
    return {
      name,
      in: "query",
      required: !info.optional,
      description,
      schema,
      ...(info.kind === "list" && { style: "form", explode: false }),
    };
  });

type Route = Parameters<OpenAPIHono["openAPIRegistry"]["registerPath"]>[0];

/** Describes every route; queries and commands from their definitions. The document is at /openapi.json. */
export function describeRoutes(
  app: OpenAPIHono,
  { queries, commands, version }: Pick<ReadContext, "queries" | "commands" | "version">,
): void {
  // our own JSON Schemas stand where the registry would make them from zod schemas
  const path = (method: string, at: string, rest: object): void =>
    app.openAPIRegistry.registerPath({ method, path: at, ...rest } as Route);
  for (const [name, query] of queries) {
    path("get", `/api/query/${name}`, {
      operationId: name,
      tags: ["queries"],
      summary: query.title,
      description: `${query.about}\n\nColumns: ${columnsText(query.row)}.`,
      parameters: parametersOf(query.input),
      ...good("the answer", ref("Answer")),
    });
  }
  for (const [name, command] of commands) {
    path("post", `/api/command/${name}`, {
      operationId: name,
      tags: ["commands"],
      summary: command.title,
      description: command.about,
      requestBody: { required: true, content: json(inputSchema(command.input)) },
      ...good("the order is carried out and visible in the tables", ref("Ordered")),
    });
  }
  path("post", "/api/sql", {
    operationId: "sql",
    tags: ["sql"],
    summary: "One SELECT over the documented tables",
    requestBody: {
      required: true,
      content: json({
        type: "object",
        required: ["query"],
        properties: { query: { type: "string" }, format: { type: "string", enum: ["json", "csv"] } },
      }),
    },
    responses: {
      200: {
        description: "the answer; with format csv its rows under a line of names",
        headers: { "Weir-Truncated": { description: "true: CSV that lacks rows", schema: { type: "string" } } },
        content: { ...json(ref("Answer")), "text/csv": { schema: { type: "string" } } },
      },
      ...failures,
    },
  });
  const search = queries.get("search");
  if (search)
    path("get", "/api/events", {
      operationId: "read_events",
      tags: ["events"],
      summary: "Events as the query search finds them",
      description: `${search.about}\n\nColumns: ${columnsText(search.row)}.`,
      parameters: parametersOf(search.input),
      ...good("the answer", ref("Answer")),
    });
  describeCapture(path, { ref, good, failure });
  describeOperation(path, { ref, good, failure, failures });
  const schemas = {
    Answer: ANSWER_SCHEMA,
    Error: ERROR_SCHEMA,
    Ordered: ORDERED_SCHEMA,
    Event: EVENT_SCHEMA,
    Published: PUBLISHED_SCHEMA,
  };
  for (const [name, schema] of Object.entries(schemas))
    app.openAPIRegistry.registerComponent("schemas", name, schema as never);
  app.openAPIRegistry.register("Status", STATUS as never);
  app.openAPIRegistry.registerComponent("securitySchemes", "token", { type: "http", scheme: "bearer" });
  app.doc31("/openapi.json", {
    openapi: "3.1.0",
    info: {
      title: "weir",
      version,
      description: "The flight recorder for AI assistants and MCP servers",
      license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
    },
    security: [{ token: [] }],
    servers: [{ url: "/" }],
    tags: ["queries", "commands", "sql", "events", "capture", "operation", "mcp"].map((name) => ({ name })),
  });
}
