import { derivedId } from "../../../base/id.ts";
import * as session from "../../hooks/kinds/session.ts";
import * as setting from "../../hooks/kinds/setting.ts";
import * as tools from "../../hooks/kinds/tools.ts";
import * as turn from "../../hooks/kinds/turn.ts";
import type { HookSource } from "../../hooks/source.ts";
import { workOf } from "../work.ts";
import { claudeCodeOutline } from "./outline.ts";

/** The end of a call that worked. Its structured answer is what the transcript keeps as toolUseResult, and tells of files and commits alike. */
const calledTool = tools.answered(
  (response) => ({ output: response === undefined ? undefined : tools.outputOf(response), success: true }),
  (p, c, { id, tool, file_path }) => {
    const record = { toolUseResult: p.any("tool_response") };
    const context = { record, time: c.time, session: c.session, own: id, agent: c.agent, envelope: c.envelope };
    const work = workOf(context, { id, tool, time: c.time, ...(file_path === undefined ? {} : { file_path }) });
    return work.map((draft) => ({ ...draft, id: derivedId(c.time, "hook", draft.id ?? "") }));
  },
);

/** Every kind of payload that has a meaning of its own. MessageDisplay, which draws the screen, is kept as it comes where somebody sends it. */
export const claudeCode: HookSource = {
  name: "claude-code",
  assistant: "claude-code",
  outline: claudeCodeOutline,
  kinds: {
    SessionStart: session.startedSession,
    SessionEnd: session.endedSession,
    Setup: session.preparedSession,
    UserPromptSubmit: session.submittedPrompt,
    UserPromptExpansion: session.expandedPrompt,
    PreToolUse: tools.startedTool,
    PostToolUse: calledTool,
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
  },
};
