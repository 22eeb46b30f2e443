import { endedSession, startedCompaction, startedSession, submittedPrompt } from "../hooks/kinds/session.ts";
import { answered, failedTool, requestedPermission, startedTool } from "../hooks/kinds/tools.ts";
import { brokenTurn, endedAgent, endedTurn, shownNotification, startedAgent } from "../hooks/kinds/turn.ts";
import type { HookSource, Kind } from "../hooks/source.ts";
import { looseOf, textOf } from "../loose.ts";
import { copilotOutline } from "./outline.ts";

/** A subagent's start names it and gives no id; the name stands for it. */
const startedSubagent: Kind = (p, c) => {
  const agent = c.agent ?? p.key("agentName", 256);
  return startedAgent(p, { ...c, agent, agent_type: c.agent_type ?? agent });
};

/** An error that ended the turn. One that Copilot recovers from by itself is kept as it came. */
const failed: Kind = (p, c) => {
  if (p.bool("recoverable") !== false) return undefined;
  const error = looseOf(p.any("error"));
  return brokenTurn(p.text("errorContext", 128) ?? textOf(error.name)?.slice(0, 128) ?? "error", textOf(error.message))(
    p,
    c,
  );
};

/**
 * Copilot CLI, by the names in camelCase that it uses itself; a payload does not say what kind it is, so the command does. Neither calls nor prompts
 * have ids in its hooks, see `src/events/occurrence.ts`.
 */
export const copilot: HookSource = {
  name: "copilot",
  assistant: "copilot",
  outline: copilotOutline,
  names: {
    session_id: "sessionId",
    transcript_path: "transcriptPath",
    agent_id: "agentId",
    agent_type: "agentType",
    tool_name: "toolName",
    tool_input: "toolArgs",
    tool_response: "toolResult",
    last_assistant_message: "response",
    custom_instructions: "customInstructions",
  },
  time: "timestamp",
  repeated: ["stopReason"],
  kinds: {
    sessionStart: (p, c) => {
      p.skip("initialPrompt"); // told as a prompt
      return startedSession(p, c);
    },
    sessionEnd: endedSession,
    userPromptSubmitted: submittedPrompt,
    preToolUse: startedTool,
    postToolUse: answered((response) => {
      const { resultType, textResultForLlm } = looseOf(response);
      const output = textOf(textResultForLlm);
      return { output, success: resultType !== "failure", denied: resultType === "denied", error: output };
    }),
    postToolUseFailure: failedTool,
    permissionRequest: requestedPermission,
    notification: shownNotification,
    Notification: shownNotification,
    agentStop: endedTurn,
    subagentStart: startedSubagent,
    subagentStop: endedAgent,
    preCompact: startedCompaction,
    errorOccurred: failed,
  },
};

/** Hook events to register. Not among them: userPromptTransformed, which waits for an answer to send on; preMcpToolCall, told by preToolUse. */
export const COPILOT_EVENTS = [
  "sessionStart",
  "sessionEnd",
  "userPromptSubmitted",
  "preToolUse",
  "postToolUse",
  "postToolUseFailure",
  "permissionRequest",
  "notification",
  "agentStop",
  "subagentStart",
  "subagentStop",
  "preCompact",
  "errorOccurred",
] as const;
