/**
 * What is kept of a payload at the level `metadata`, where nothing that a person wrote or a tool printed may be. The program in the assistant's way knows
 * nothing of events, so the names stand here; a test holds them against the catalogue: each of these fields goes into fields of events
 * that are not private, and into no other.
 */
const KEPT = [
  ...["session_id", "cwd", "hook_event_name", "transcript_path", "prompt_id", "agent_id", "agent_type"],
  ...["permission_mode", "effort", "mcp_server", "tool_name", "tool_use_id"],
  // what Gemini CLI, Copilot CLI and Cursor call the like
  ...["timestamp", "sessionId", "transcriptPath", "agentId", "agentType", "toolName"],
  ...["conversation_id", "generation_id", "subagent_id", "subagent_type"],
];
const KEPT_OF: Readonly<Record<string, readonly string[]>> = {
  SessionStart: ["source", "model"],
  SessionEnd: ["reason"],
  Setup: ["trigger"],
  UserPromptSubmit: ["source"],
  UserPromptExpansion: ["expansion_type", "command_name", "command_source"],
  Notification: ["notification_type"],
  StopFailure: ["error"],
  SubagentStop: ["agent_transcript_path"],
  PreCompact: ["trigger"],
  PostCompact: ["trigger"],
  PreModelSwitch: ["from_model", "to_model", "requested_model", "source", "cache_ttl", "pricing"],
  PostModelSwitch: ["from_model", "to_model", "requested_model", "source", "cache_ttl", "pricing"],
  TaskCreated: ["task_id", "teammate_name", "team_name"],
  TaskCompleted: ["task_id", "teammate_name", "team_name"],
  TeammateIdle: ["teammate_name", "team_name"],
  Elicitation: ["mcp_server_name", "elicitation_id", "mode"],
  ElicitationResult: ["mcp_server_name", "elicitation_id", "mode", "action"],
  ConfigChange: ["source", "file_path"],
  InstructionsLoaded: ["file_path", "memory_type", "load_reason", "trigger_file_path", "parent_file_path"],
  CwdChanged: ["old_cwd", "new_cwd"],
  DirectoryAdded: ["directory", "source"],
  FileChanged: ["file_path", "event"],
  WorktreeCreate: ["name"],
  WorktreeRemove: ["worktree_path"],
};
/** Fields of a tool's input that say which file the call is about. */
const PATHS = ["file_path", "notebook_path"] as const;

type Loose = Readonly<Record<string, unknown>>;
const isRecord = (value: unknown): value is Loose =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const CHARS_MAX = 65_536; // as `hook_text_chars_max`: sizes of longer texts are told as this

/** Text as long as what it stands for, so that whoever counts it finds the same. */
const filler = (length: number): string => "x".repeat(Math.max(0, Math.min(length, CHARS_MAX)));
const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value) ?? "");

/** A payload without what persons wrote and tools printed: names, ids, paths, numbers, and how long the rest was. */
export function outlineOf(payload: unknown): unknown {
  if (!isRecord(payload)) return undefined;
  const kind = typeof payload.hook_event_name === "string" ? payload.hook_event_name : "";
  const kept = Object.hasOwn(KEPT_OF, kind) ? KEPT_OF[kind]! : [];
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(payload)) {
    if (KEPT.includes(name) || kept.includes(name)) out[name] = identityOf(value);
    else if (typeof value === "number" || typeof value === "boolean") out[name] = value;
    else if (name === "prompt" && typeof value === "string")
      out[name] = /^\/[a-zA-Z]/.test(value) ? `/${filler(value.length - 1)}` : filler(value.length);
    else if (name === "tool_input" || name === "toolArgs") out[name] = inputOf(value);
    else if (name === "workspace_roots" && Array.isArray(value))
      out[name] = value.filter((one) => typeof one === "string");
    else if (name === "tool_response") out[name] = filler(bytesOf(value) - 2);
    else if (name === "tool_calls" && Array.isArray(value))
      out[name] = value.map((call) => (isRecord(call) ? { tool_use_id: identityOf(call.tool_use_id) } : {}));
  }
  return out;
}

/** A name or id; of an object the one text that names it. */
function identityOf(value: unknown): unknown {
  if (!isRecord(value)) return Array.isArray(value) ? undefined : value;
  return Object.fromEntries(
    ["level", "name"].filter((key) => typeof value[key] === "string").map((key) => [key, value[key]]),
  );
}

function inputOf(input: unknown): unknown {
  if (!isRecord(input)) return filler(bytesOf(input) - 2);
  const paths = Object.fromEntries(
    PATHS.filter((key) => typeof input[key] === "string").map((key) => [key, input[key]]),
  );
  const empty = bytesOf({ ...paths, _: "" });
  return { ...paths, ...(bytesOf(input) > empty ? { _: filler(bytesOf(input) - empty) } : {}) };
}
