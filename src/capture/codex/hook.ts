import {
  compactedSession,
  endedSession,
  startedCompaction,
  startedSession,
  submittedPrompt,
} from "../hooks/kinds/session.ts";
import { endedTool, requestedPermission, startedTool } from "../hooks/kinds/tools.ts";
import { brokenTurn, endedAgent, endedTurn, failedTurn, startedAgent } from "../hooks/kinds/turn.ts";
import type { HookSource } from "../hooks/source.ts";
import type { Loose } from "../loose.ts";
import { codexOutline } from "./outline.ts";

/**
 * Codex CLI. Its payloads are those of Claude Code but for a turn's id; `notify` has a form of its own. A call has the id that the rollout and the telemetry
 * give it. Prompts have none: a turn can be given more than one, see `src/events/occurrence.ts`.
 */
export const codex: HookSource = {
  name: "codex",
  assistant: "codex",
  outline: codexOutline,
  names: { prompt_id: "turn_id" },
  repeated: ["model"],
  flat: (loose) => (loose.type === "agent-turn-complete" ? turnOf(loose) : loose),
  kinds: {
    SessionStart: startedSession,
    SessionEnd: endedSession,
    UserPromptSubmit: (p, c) => submittedPrompt(p, { ...c, prompt_id: undefined }),
    PreToolUse: startedTool,
    PostToolUse: endedTool,
    PermissionRequest: requestedPermission,
    PreCompact: startedCompaction,
    PostCompact: compactedSession,
    SubagentStart: startedAgent,
    SubagentStop: endedAgent,
    Stop: endedTurn,
    StopFailure: failedTurn,
    Interrupt: brokenTurn("interrupted"),
    "agent-turn-complete": (p, c) => {
      p.skip("input-messages"); // prompts, which are told by themselves
      return endedTurn(p, c);
    },
  },
};

/** The argument that Codex gives to the program in `notify`, in the words of its hooks. */
function turnOf(loose: Loose): Loose {
  const {
    type,
    "thread-id": session_id,
    "turn-id": turn_id,
    "last-assistant-message": last_assistant_message,
    ...rest
  } = loose;
  return { ...rest, hook_event_name: type, session_id, turn_id, last_assistant_message };
}

/** Hook events to register. Every version that has hooks takes names it does not know. */
export const CODEX_EVENTS = [
  "SessionStart",
  "SessionEnd",
  "UserPromptSubmit",
  "PreToolUse",
  "PermissionRequest",
  "PostToolUse",
  "PreCompact",
  "PostCompact",
  "SubagentStart",
  "SubagentStop",
  "Stop",
  "Interrupt",
] as const;
