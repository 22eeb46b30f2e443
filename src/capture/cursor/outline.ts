import { answer, each, fields, input, lines, named, names, type Outline, prompt, size } from "../hooks/outline.ts";

const output = answer(named("exitCode"));
const subagent = named("subagent_id", "subagent_type", "status");
const edited = { ...named("file_path"), edits: each(fields({ old_string: lines, new_string: lines })) };

/** What payloads of Cursor hold beside texts. How a program ended stands in its answer, which is JSON in a text. */
export const cursorOutline: Outline = {
  session: ["conversation_id"],
  folder: ["cwd", "workspace_roots.0"],
  transcript: ["transcript_path"],
  kind: ["hook_event_name"],
  kept: {
    ...named("conversation_id", "generation_id", "session_id", "hook_event_name", "transcript_path", "cwd"),
    ...named("tool_name", "tool_use_id"),
    workspace_roots: names,
    prompt,
    tool_input: input,
    tool_output: output,
  },
  keptOf: {
    sessionStart: named("model"),
    sessionEnd: named("reason"),
    postToolUseFailure: named("failure_type"),
    beforeShellExecution: { command: size },
    afterShellExecution: { command: size, output },
    afterMCPExecution: { result_json: output },
    subagentStart: subagent,
    subagentStop: subagent,
    preCompact: named("trigger"),
    afterFileEdit: edited,
    afterTabFileEdit: edited,
    stop: named("status"),
  },
};
