import { defineEvent } from "../define/event.ts";
import { bool, float, int, json, optional, ref, text } from "../define/field.ts";

export const mcpCalled = defineEvent("mcp.called", 1, "One request passed between an MCP client and a server.", {
  server: text("name of the server", { max: 256 }),
  method: text("MCP method (mcp.method.name)", { max: 128 }),
  tool: optional(text("tool, prompt or resource it concerns", { max: 512 })),
  request_id: optional(ref("JSON-RPC id of the request, with its direction", { max: 128 })),
  call_id: optional(ref("the assistant's id of the tool call it belongs to", { max: 128 })),
  duration_ms: optional(float("time from request to answer", { min: 0, unit: "ms" })),
  success: bool("whether an answer without error came"),
  error: optional(text("error code and message, or tool_error and what the tool said", { max: 4_000, private: true })),
  error_type: optional(
    text(
      "error.type of OpenTelemetry: the JSON-RPC code, tool_error, http_STATUS, unreachable, cancelled, server_died, or unanswered when the connection ended first",
      { max: 64 },
    ),
  ),
  input: optional(json("parameters as JSON", { private: true })),
  output: optional(text("answer, cut to a bounded length", { private: true })),
  result_type: optional(
    text("resultType of the answer; input_required: the client is to ask again with what is wanted", { max: 64 }),
  ),
  round: optional(
    int("which round of a call this is, from 2 on, where the one before was answered with input_required", { min: 1 }),
  ),
  request_bytes: optional(int("size of the request", { min: 0, unit: "byte" })),
  response_bytes: optional(int("size of the answer", { min: 0, unit: "byte" })),
  protocol: optional(text("MCP protocol revision", { max: 32 })),
  client: optional(text("client's name and version", { max: 256 })),
  mcp_session: optional(ref("session the server gave the client (mcp.session.id), over HTTP", { max: 256 })),
  cpu: optional(float("CPU of the server's process tree", { min: 0, unit: "percent of one core" })),
  memory_mb: optional(float("memory of the server's process tree", { min: 0, unit: "MB" })),
  disk_io_kb: optional(
    float("disk input and output of the server's process tree during the request", { min: 0, unit: "kB" }),
  ),
});

export const mcpServerDied = defineEvent(
  "mcp_server.died",
  1,
  "A supervised MCP server ended and nobody had asked it to.",
  {
    server: text("name of the server", { max: 256 }),
    exit_code: optional(int("exit code; absent where a signal ended it", { min: 0 })),
    signal: optional(text("signal that ended it", { max: 32 })),
    uptime_ms: float("how long it had run", { min: 0, unit: "ms" }),
    unanswered: int("requests it left unanswered", { min: 0 }),
    stderr: optional(text("last lines it wrote to stderr", { max: 8_192, private: true })),
    restart_in_ms: optional(float("pause before it is started again; absent where it is not", { min: 0, unit: "ms" })),
  },
);

export default [mcpCalled, mcpServerDied] as const;
