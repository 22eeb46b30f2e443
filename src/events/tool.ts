import { defineEvent } from "../define/event.ts";
import { bool, float, int, json, optional, ref, text } from "../define/field.ts";

/** What stands in place of a tool's name where a source does not know it. */
export const UNNAMED_TOOL = "unknown";
/** Names that give way to any other: the one above, and the one that Claude Code's telemetry masks MCP tools with. */
export const VAGUE_TOOLS: readonly unknown[] = [UNNAMED_TOOL, "mcp_tool"];

const call = {
  tool: text("name of the tool as the assistant calls it", { max: 256 }),
  call_id: optional(ref("the assistant's id of the call (tool_use_id)", { max: 128 })),
  mcp_server: optional(text("MCP server that offers the tool", { max: 256 })),
  input: optional(json("the tool's input as JSON", { private: true })),
  agent: optional(text("subagent that called, where it was not the main thread", { max: 256 })),
} as const;

export const toolStarted = defineEvent("tool.started", 1, "An assistant began to call a tool.", {
  ...call,
  permission_mode: optional(text("permission mode at that moment: default, plan, bypassPermissions, …", { max: 64 })),
  effort: optional(text("effort the model was asked for", { max: 32 })),
  prompt_id: optional(ref("the assistant's id of the prompt that led to it", { max: 128 })),
});

export const toolCalled = defineEvent("tool.called", 1, "A call of a tool ended.", {
  ...call,
  output: optional(text("what the tool answered, cut to a bounded length", { private: true })),
  duration_ms: optional(float("time the call took", { min: 0, unit: "ms" })),
  success: optional(bool("whether it succeeded")),
  error: optional(text("what went wrong", { max: 4_000, private: true })),
  input_bytes: optional(int("size of the input", { min: 0, unit: "byte", sizeOf: "input" })),
  output_bytes: optional(int("size of the output", { min: 0, unit: "byte", sizeOf: "output" })),
  file_path: optional(text("file the call was about", { max: 1024 })),
  cpu: optional(float("CPU the tool's process used", { min: 0, unit: "percent of one core" })),
  memory_mb: optional(float("memory of the tool's process", { min: 0, unit: "MB" })),
  interrupted: optional(bool("whether a person interrupted it")),
});

export const toolDenied = defineEvent("tool.denied", 1, "A call of a tool was refused by a person or a rule.", {
  ...call,
  reason: optional(text("why or by whom", { max: 4_000, private: true })),
});

export default [toolStarted, toolCalled, toolDenied] as const;
