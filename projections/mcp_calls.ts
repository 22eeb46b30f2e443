import { bool, float, id, int, json, optional, ref, text, time } from "../src/define/field.ts";
import { defineMap } from "../src/define/projection.ts";
import { mcpCalled } from "../src/events/mcp.ts";

export default defineMap({
  version: 1,
  about: "One row a request that passed the recording proxy.",
  on: [mcpCalled],
  row: {
    event_id: id("event of the request"),
    session: optional(ref("session", { max: 128 })),
    time: time("when the answer passed"),
    server: text("MCP server", { max: 256 }),
    method: text("MCP method"),
    tool: optional(text("tool, prompt or resource")),
    duration_ms: optional(float("time from request to answer", { unit: "ms" })),
    success: bool("whether an answer without error came"),
    error: optional(text("error code and message", { private: true })),
    cpu: optional(float("CPU of the server's process tree", { unit: "percent of one core" })),
    memory_mb: optional(float("memory of the server's process tree", { unit: "MB" })),
    disk_io_kb: optional(float("disk input and output during the request", { unit: "kB" })),
    request_bytes: optional(int("size of the request", { unit: "byte" })),
    response_bytes: optional(int("size of the answer", { unit: "byte" })),
    protocol: optional(text("MCP protocol revision")),
    client: optional(text("client's name and version")),
    project: optional(text("folder of the project")),
    input: optional(json("parameters as JSON", { private: true })),
    output: optional(text("answer, cut", { private: true })),
  },
  map: (event) => {
    const data = event.data as Readonly<Record<string, never>>;
    return [
      {
        event_id: event.id,
        session: event.session,
        time: event.time,
        server: data.server!,
        method: data.method!,
        tool: data.tool,
        duration_ms: data.duration_ms,
        success: data.success!,
        error: data.error,
        cpu: data.cpu,
        memory_mb: data.memory_mb,
        disk_io_kb: data.disk_io_kb,
        request_bytes: data.request_bytes,
        response_bytes: data.response_bytes,
        protocol: data.protocol,
        client: data.client,
        project: event.project,
        input: data.input,
        output: data.output,
      },
    ];
  },
});
