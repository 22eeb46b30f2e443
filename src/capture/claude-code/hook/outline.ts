import {
  answer,
  each,
  fields,
  input,
  lines,
  name,
  named,
  type Outline,
  prompt,
  type Rule,
} from "../../hooks/outline.ts";

/** Tools whose answer tells of a file. */
const FILE_TOOLS = ["Read", "Write", "Edit", "MultiEdit", "NotebookEdit"];

const git = fields({
  commit: fields(named("sha", "kind")),
  pr: fields(named("number", "url", "repository", "action")),
});
const ofFile = answer({
  ...named("filePath", "type"),
  file: fields(named("filePath")),
  error: prompt,
  content: (value, payload) =>
    (payload.tool_response as Record<string, unknown>).type === "create" ? lines(value, payload) : undefined,
  structuredPatch: each(fields({ lines: each(lines) })),
});
const ofOther = answer({ gitOperation: git });
const response: Rule = (value, payload) =>
  (FILE_TOOLS.includes(String(payload.tool_name)) ? ofFile : ofOther)(value, payload);

const switching = named("from_model", "to_model", "requested_model", "source", "cache_ttl", "pricing");
const task = named("task_id", "teammate_name", "team_name");

/** What payloads of Claude Code hold beside texts; those of Codex are like them. */
export const claudeCodeOutline: Outline = {
  session: ["session_id"],
  folder: ["cwd"],
  transcript: ["transcript_path"],
  kind: ["hook_event_name"],
  kept: {
    ...named("session_id", "cwd", "hook_event_name", "transcript_path", "prompt_id", "agent_id", "agent_type"),
    ...named("permission_mode", "effort", "mcp_server", "tool_name", "tool_use_id"),
    prompt,
    tool_input: input,
    tool_response: response,
    tool_calls: each(fields({ tool_use_id: name })),
  },
  keptOf: {
    SessionStart: named("source", "model"),
    SessionEnd: named("reason"),
    Setup: named("trigger"),
    UserPromptSubmit: named("source"),
    UserPromptExpansion: named("expansion_type", "command_name", "command_source"),
    Notification: named("notification_type"),
    StopFailure: named("error"),
    SubagentStop: named("agent_transcript_path"),
    PreCompact: named("trigger"),
    PostCompact: named("trigger"),
    PreModelSwitch: switching,
    PostModelSwitch: switching,
    TaskCreated: task,
    TaskCompleted: task,
    TeammateIdle: named("teammate_name", "team_name"),
    Elicitation: named("mcp_server_name", "elicitation_id", "mode"),
    ElicitationResult: named("mcp_server_name", "elicitation_id", "mode", "action"),
    ConfigChange: named("source", "file_path"),
    InstructionsLoaded: named("file_path", "memory_type", "load_reason", "trigger_file_path", "parent_file_path"),
    CwdChanged: named("old_cwd", "new_cwd"),
    DirectoryAdded: named("directory", "source"),
    FileChanged: named("file_path", "event"),
    WorktreeCreate: named("name"),
    WorktreeRemove: named("worktree_path"),
  },
};
