import { LIMITS } from "../../base/limits.ts";
import { fileChanged } from "../../events/work.ts";
import { boundKey } from "../bound.ts";
import { endedSession, startedCompaction, startedSession, submittedPrompt } from "../hooks/kinds/session.ts";
import { answered, outputOf, startedTool } from "../hooks/kinds/tools.ts";
import { brokenTurn, endedAgent, endedTurn, startedAgent } from "../hooks/kinds/turn.ts";
import type { HookSource, Kind } from "../hooks/source.ts";
import { type Loose, listOf, looseOf, parsedJson, textOf } from "../loose.ts";
import { cursorOutline } from "./outline.ts";

const linesIn = (value: unknown): number =>
  textOf(value) === undefined ? 0 : String(value).replace(/\n$/, "").split("\n").length;

/** An edit of the agent or of Tab. The texts of the agent's edits stand in the call that made them. */
const editedFile: Kind = (p, c) => {
  const path = p.text("file_path", 1024);
  const edits = p.any("edits");
  if (path === undefined || !Array.isArray(edits)) return undefined;
  const sum = (name: string): number =>
    listOf(edits).reduce((lines: number, edit) => lines + linesIn(looseOf(edit)[name]), 0);
  return [
    fileChanged.of(
      { ...c.envelope, subject: boundKey(path, LIMITS.subject_chars_max) },
      { path, action: "changed", lines_added: sum("new_string"), lines_removed: sum("old_string") },
    ),
  ];
};

const read = (response: unknown) => {
  const answer = parsedJson(response);
  const code = looseOf(answer).exitCode;
  const success = typeof code === "number" ? code === 0 : undefined;
  return { output: response === undefined ? undefined : outputOf(answer), success };
};

const failedTool = answered((_, p) => {
  const error = p.text("error", 4_000);
  return { success: false, error, denied: p.text("failure_type", 64) === "permission_denied" };
});

/** The hooks of shell and MCP calls, which came before those for every tool, in the words of the latter. */
function flat(loose: Loose): Loose {
  const { hook_event_name: kind, command, output, result_json, ...rest } = loose;
  if (kind === "beforeShellExecution" || kind === "afterShellExecution")
    return { hook_event_name: kind, tool_name: "Shell", tool_input: { command }, tool_output: output, ...rest };
  if (kind === "afterMCPExecution") return { hook_event_name: kind, tool_output: result_json, ...rest };
  return loose;
}

const subagent =
  (kind: Kind): Kind =>
  (p, c) => {
    const agent_type = p.text("subagent_type", 256);
    return kind(p, { ...c, agent: p.key("subagent_id", 256) ?? agent_type, agent_type });
  };

const ended: Kind = (p, c) => {
  const status = p.text("status", 128) ?? "completed";
  return status === "completed" ? endedTurn(p, c) : brokenTurn(status)(p, c);
};

/**
 * Cursor, the editor and its command line. Calls have ids in the hooks for every tool (preToolUse and its kin); those for shell and MCP calls alone, which
 * older versions have, give none. A generation is what one prompt leads to. The person's e-mail address is left out.
 */
export const cursor: HookSource = {
  name: "cursor",
  assistant: "cursor",
  outline: cursorOutline,
  names: {
    session_id: "conversation_id",
    prompt_id: "generation_id",
    tool_response: "tool_output",
    error: "error_message",
    duration_ms: "duration",
  },
  repeated: ["model", "cursor_version", "workspace_roots", "user_email", "session_id"],
  flat,
  context: (context, payload) => {
    const cwd = context.cwd ?? textOf(listOf(payload.any("workspace_roots"))[0])?.slice(0, 1024);
    return cwd === undefined ? context : { ...context, cwd, envelope: { ...context.envelope, project: cwd } };
  },
  kinds: {
    sessionStart: startedSession,
    sessionEnd: endedSession,
    beforeSubmitPrompt: submittedPrompt,
    preToolUse: startedTool,
    postToolUse: answered((response) => ({ ...read(response), success: read(response).success ?? true })),
    postToolUseFailure: failedTool,
    beforeShellExecution: startedTool,
    afterShellExecution: answered(read),
    beforeMCPExecution: startedTool,
    afterMCPExecution: answered(read),
    subagentStart: subagent(startedAgent),
    subagentStop: subagent(endedAgent),
    preCompact: startedCompaction,
    afterFileEdit: editedFile,
    afterTabFileEdit: editedFile,
    stop: ended,
  },
};

/** Hook events to register. Not among them: those that hold whole files, answers or thoughts, and those of calls that the hooks for every tool tell already. */
export const CURSOR_EVENTS = [
  "sessionStart",
  "sessionEnd",
  "beforeSubmitPrompt",
  "preToolUse",
  "postToolUse",
  "postToolUseFailure",
  "subagentStart",
  "subagentStop",
  "preCompact",
  "afterFileEdit",
  "stop",
] as const;
