import type { Event } from "../src/define/event.ts";
import { bool, float, id, int, json, optional, ref, text, time } from "../src/define/field.ts";
import { attribute, defineFact, either, field, value } from "../src/define/projection.ts";
import { factOf } from "../src/events/facts.ts";
import { mcpCalled } from "../src/events/mcp.ts";
import { type Merge, mergeSources } from "../src/events/merge.ts";
import { toolCalled, toolDenied, toolStarted, UNNAMED_TOOL, VAGUE_TOOLS } from "../src/events/tool.ts";

const STATUS = ["running", "denied", "done", "failed"];

const ownFact = (event: Event): string | undefined => (event.fact === factOf(event) ? event.fact : undefined);

const merge: Merge = mergeSources({
  own: ["call", "event_id", "sources", "parts"],
  // of two sources that both know a thing, the one closer to the tool is right
  order: ["proxy", "sdk", "api", "otlp", "hook", "transcript"],
  // the proxy times and measures best, but knows the server's words only: not how the assistant calls tool and server, nor what it made of the answer
  aside: { source: "proxy", fields: ["tool", "mcp_server", "input", "output", "status", "success", "error"] },
  earliest: ["time"],
  first: ["session", "project", "agent"],
  rank: (said) => STATUS.indexOf(said.status as string),
  ranked: ["status", "success", "error"],
  vague: { tool: VAGUE_TOOLS },
});

export default defineFact({
  version: 3,
  about: "One row a call of a tool, with the best of every source that saw it.",
  on: [toolStarted, toolCalled, toolDenied, mcpCalled],
  key: "call",
  row: {
    call: ref("key of the call: the assistant's id of it, else the event's id"),
    session: optional(ref("session", { max: 128 })),
    time: time("first moment known of the call: its beginning where a source told it, else its end"),
    tool: text("tool as the assistant calls it; as its server does where only a proxy saw the call", { max: 512 }),
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
  // of a request that passed the proxy only one that names the assistant's call is part of it; all of them are in mcp_calls
  keyOf: (event) => (event.type === mcpCalled.type ? ownFact(event) : (event.fact ?? event.id)),
  open: (row) => row.status === "running",
  complete: [toolCalled, toolDenied],
  from: {
    call: either(attribute("fact"), attribute("id")),
    session: attribute("session"),
    time: attribute("time"),
    tool: either(field("tool"), value(UNNAMED_TOOL)),
    mcp_server: either(field("mcp_server"), field("server")),
    duration_ms: field("duration_ms"),
    success: ({ type, data }) =>
      type === toolDenied.type ? false : type === toolStarted.type ? undefined : (data.success ?? true),
    error: ({ type, data }) => (type === toolDenied.type ? data.reason : data.error),
    status: ({ type, data }) =>
      type === toolDenied.type
        ? "denied"
        : type === toolStarted.type
          ? "running"
          : data.success === false
            ? "failed"
            : "done",
    project: attribute("project"),
    branch: attribute("branch"),
    assistant: attribute("assistant"),
    agent: field("agent"),
    input: field("input"),
    output: field("output"),
    input_bytes: field("input_bytes"),
    output_bytes: field("output_bytes"),
    file_path: field("file_path"),
    cpu: field("cpu"),
    memory_mb: field("memory_mb"),
    event_id: attribute("id"),
    sources: either(attribute("via"), value("api")),
    parts: value(undefined),
  },
  merge: (row, made) => merge(row, made, made.sources),
});
