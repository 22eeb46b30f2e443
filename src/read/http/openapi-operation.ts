import type { JsonSchema } from "../schema.ts";
import type { Describe } from "./openapi-capture.ts";

interface Parts {
  readonly ref: (name: string) => JsonSchema;
  readonly good: (description: string, schema: JsonSchema) => { readonly responses: object };
  readonly failure: object;
  readonly failures: object;
}

/** Long operations: their route below `/api/`, the id of the operation, and what it does. */
const OPERATIONS: readonly (readonly [route: string, id: string, summary: string])[] = [
  ["verify", "verify", "Compare log and tables, and look at every file of the archive"],
  ["archive", "archive", "Move the older part of the log into the archive now"],
  ["archive/new", "new_archive", "Begin a new archive, and put the old one aside"],
  ["rebuild", "rebuild", "Make the tables again from the log"],
  ["snapshot", "snapshot", "Copy the tables into a file for programs that read them directly"],
];

/** Describes what is asked of weir itself: status, health, metrics and long operations; and MCP, which has a protocol of its own. */
export function describeOperation(path: Describe, { ref, good, failure, failures }: Parts): void {
  path("get", "/api/status", {
    operationId: "live_status",
    tags: ["operation"],
    summary: "How weir is doing",
    ...good("the status", ref("Status")),
  });
  path("get", "/health", {
    operationId: "health",
    tags: ["operation"],
    security: [],
    summary: "Whether weir works; needs no token",
    responses: { 200: { description: "ok or degraded" }, 503: { description: "failing" } },
  });
  path("get", "/metrics", {
    operationId: "prometheus",
    tags: ["operation"],
    summary: "Metrics in Prometheus text format",
    responses: { 200: { description: "metrics" }, ...failures },
  });
  for (const [route, operationId, summary] of OPERATIONS)
    path("post", `/api/${route}`, {
      operationId,
      tags: ["operation"],
      summary,
      description: "One long operation runs at a time.",
      responses: {
        200: {
          description: 'lines of JSON: {"progress": …} while it works, then {"result": …} or {"error": {…}}',
          content: { "application/x-ndjson": { schema: { type: "string" } } },
        },
        ...failures,
        409: { ...failure, description: "another long operation is under way" },
      },
    });
  path("post", "/mcp", {
    operationId: "mcp",
    tags: ["mcp"],
    summary: "The MCP server: JSON-RPC over streamable HTTP, one tool a query and a command",
    requestBody: { required: true, content: { "application/json": { schema: { type: "object" } } } },
    responses: {
      200: {
        description: "the answer, as JSON or as an event stream",
        content: {
          "application/json": { schema: { type: "object" } },
          "text/event-stream": { schema: { type: "string" } },
        },
      },
      202: { description: "a notification was taken" },
      ...failures,
    },
  });
}
