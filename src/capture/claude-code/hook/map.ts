import { LIMITS } from "../../../base/limits.ts";
import type { Draft } from "../../../define/event.ts";
import { hookReceived } from "../../../events/hook.ts";
import { boundJson, jsonBytes } from "../../bound.ts";
import type { Loose } from "../../loose.ts";
import { contextOf, type HookContext, type Payload, readPayload } from "./payload.ts";
import * as session from "./session.ts";
import * as setting from "./setting.ts";
import * as tools from "./tools.ts";
import * as turn from "./turn.ts";

/** Makes the events of one kind of payload; undefined where what the event cannot do without is missing. */
type Kind = (payload: Payload, context: HookContext) => Draft[] | undefined;

/** Every kind of payload that has a meaning of its own. MessageDisplay, which draws the screen, is kept as it comes where somebody sends it. */
const KINDS: Readonly<Record<string, Kind>> = {
  SessionStart: session.startedSession,
  SessionEnd: session.endedSession,
  Setup: session.preparedSession,
  UserPromptSubmit: session.submittedPrompt,
  UserPromptExpansion: session.expandedPrompt,
  PreToolUse: tools.startedTool,
  PostToolUse: tools.calledTool,
  PostToolUseFailure: tools.failedTool,
  PostToolBatch: tools.answeredTools,
  PermissionRequest: tools.requestedPermission,
  PermissionDenied: tools.deniedTool,
  Notification: turn.shownNotification,
  Stop: turn.endedTurn,
  StopFailure: turn.failedTurn,
  SubagentStart: turn.startedAgent,
  SubagentStop: turn.endedAgent,
  PreCompact: session.startedCompaction,
  PostCompact: session.compactedSession,
  PreModelSwitch: turn.switchingModel,
  PostModelSwitch: turn.switchedModel,
  TaskCreated: turn.createdTask,
  TaskCompleted: turn.completedTask,
  TeammateIdle: turn.idledTeammate,
  Elicitation: turn.requestedElicitation,
  ElicitationResult: turn.answeredElicitation,
  ConfigChange: setting.changedConfig,
  InstructionsLoaded: setting.loadedInstructions,
  CwdChanged: setting.changedDirectory,
  DirectoryAdded: setting.addedDirectory,
  FileChanged: setting.changedFile,
  WorktreeCreate: setting.requestedWorktree,
  WorktreeRemove: setting.removedWorktree,
};

/**
 * Maps one payload of a Claude Code hook to events. `at` is its arrival in microseconds: payloads carry no time. Fields that no event holds are kept
 * beside it in `hook.received`; a kind that is not known, or one without what its event needs, is kept whole. Never throws.
 *
 * @example
 * mapHook({ session_id: "s1", hook_event_name: "PreToolUse", tool_name: "Bash", tool_input: { command: "ls" }, tool_use_id: "toolu_1" }, 1_790_000_000_000_000);
 * // [{ type: "tool.started", session: "s1", fact: "tool:toolu_1", data: { tool: "Bash", call_id: "toolu_1", input: '{"command":"ls"}' }, … }]
 */
export function mapHook(loose: Loose, at: number): Draft[] {
  const payload = readPayload(loose);
  const kind = payload.text("hook_event_name", 128);
  const context = contextOf(payload, at);
  const drafts = kind !== undefined && Object.hasOwn(KINDS, kind) ? KINDS[kind]!(payload, context) : undefined;
  const left = drafts ? payload.rest() : loose;
  if (left === undefined) return drafts!;
  const { agent, prompt_id } = context;
  const kept = hookReceived.of(
    { ...context.envelope, ...(kind === undefined ? {} : { subject: kind }) },
    { kind, payload: boundJson(left, LIMITS.text_bytes_max), bytes: jsonBytes(loose), agent, prompt_id },
  );
  return [...(drafts ?? []), kept];
}
