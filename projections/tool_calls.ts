import { bool, float, id, int, json, optional, ref, text, time } from "../src/define/field.ts";
import { defineFold } from "../src/define/projection.ts";
import { type Merge, mergeSources } from "../src/events/merge.ts";
import { toolCalled, toolDenied, toolStarted, VAGUE_TOOLS } from "../src/events/tool.ts";

const STATUS = ["running", "denied", "done", "failed"];

const merge: Merge = mergeSources({
  own: ["call", "event_id", "sources", "parts"],
  // of two sources that both know a thing, the one closer to the tool is right
  order: ["proxy", "sdk", "api", "otlp", "hook", "transcript"],
  earliest: ["time"],
  rank: (said) => STATUS.indexOf(said.status as string),
  ranked: ["status", "success", "error"],
  vague: { tool: VAGUE_TOOLS },
});

export default defineFold({
  version: 1,
  about: "One row a call of a tool, with the best of every source that saw it.",
  on: [toolStarted, toolCalled, toolDenied],
  key: "call",
  row: {
    call: ref("key of the call: the assistant's id of it, else the event's id"),
    session: optional(ref("session", { max: 128 })),
    time: time("first moment known of the call: its beginning where a source told it, else its end"),
    tool: text("tool as the assistant calls it", { max: 256 }),
    mcp_server: optional(text("MCP server that offers it", { max: 256 })),
    duration_ms: optional(float("time the call took", { unit: "ms" })),
    success: optional(bool("whether it succeeded; empty while it runs")),
    error: optional(text("what went wrong", { private: true })),
    status: text("running, done, failed or denied", { max: 16 }),
    project: optional(text("folder of the project")),
    branch: optional(text("git branch")),
    assistant: optional(text("assistant")),
    agent: optional(text("subagent that called")),
    input: optional(json("input as JSON", { private: true })),
    output: optional(text("what the tool answered", { private: true })),
    input_bytes: optional(int("size of the input", { unit: "byte" })),
    output_bytes: optional(int("size of the output", { unit: "byte" })),
    file_path: optional(text("file it was about")),
    cpu: optional(float("CPU of the tool's process", { unit: "percent of one core" })),
    memory_mb: optional(float("memory of the tool's process", { unit: "MB" })),
    event_id: id("first event about the call"),
    sources: text("how weir learned of it, comma-separated"),
    parts: optional(json("what each source said, where there are several", { private: true })),
  },
  keyOf: (event) => event.fact ?? event.id,
  open: (row) => row.status === "running",
  fold: (row, event) => {
    const data = event.data as Readonly<Record<string, unknown>>;
    const denied = event.type === toolDenied.type;
    const done = event.type === toolCalled.type;
    const failed = done && data.success === false;
    // one literal: building rows by spreading costs more than all else here
    const made = {
      call: event.fact ?? event.id,
      session: event.session,
      time: event.time,
      tool: data.tool as string,
      mcp_server: data.mcp_server as string | undefined,
      duration_ms: data.duration_ms as number | undefined,
      success: done ? ((data.success as boolean | undefined) ?? true) : denied ? false : undefined,
      error: (denied ? data.reason : data.error) as string | undefined,
      status: denied ? "denied" : done ? (failed ? "failed" : "done") : "running",
      project: event.project,
      branch: event.branch,
      assistant: event.assistant,
      agent: data.agent as string | undefined,
      input: data.input as string | undefined,
      output: data.output as string | undefined,
      input_bytes: data.input_bytes as number | undefined,
      output_bytes: data.output_bytes as number | undefined,
      file_path: data.file_path as string | undefined,
      cpu: data.cpu as number | undefined,
      memory_mb: data.memory_mb as number | undefined,
      event_id: event.id,
      sources: event.via ?? "api",
      parts: undefined,
    };
    return row ? merge(row, made, made.sources) : made;
  },
});
