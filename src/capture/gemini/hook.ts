import { endedSession, startedCompaction, startedSession, submittedPrompt } from "../hooks/kinds/session.ts";
import { answered, outputOf, startedTool } from "../hooks/kinds/tools.ts";
import { endedTurn, shownNotification } from "../hooks/kinds/turn.ts";
import type { HookSource } from "../hooks/source.ts";
import { looseOf, textOf } from "../loose.ts";
import { geminiOutline } from "./outline.ts";
import { textOfParts } from "./parts.ts";

/** Gemini CLI. Neither calls nor prompts have ids in its hooks and its telemetry, see `src/events/occurrence.ts`. */
export const gemini: HookSource = {
  name: "gemini",
  assistant: "gemini-cli",
  outline: geminiOutline,
  names: { last_assistant_message: "prompt_response" },
  time: "timestamp",
  context: (context, payload) => {
    const server = textOf(looseOf(payload.any("mcp_context")).server_name);
    return server === undefined ? context : { ...context, mcp_server: server.slice(0, 256) };
  },
  kinds: {
    SessionStart: startedSession,
    SessionEnd: endedSession,
    BeforeAgent: submittedPrompt,
    AfterAgent: (p, c) => {
      p.skip("prompt"); // told by BeforeAgent
      return endedTurn(p, c);
    },
    BeforeTool: startedTool,
    AfterTool: answered((response) => {
      const { llmContent, returnDisplay, error } = looseOf(response);
      const output =
        textOfParts(llmContent) ?? textOf(returnDisplay) ?? (response === undefined ? "" : outputOf(response));
      const failure = textOf(error) ?? textOf(looseOf(error).message);
      return { output, success: failure === undefined && error === undefined, error: failure };
    }),
    Notification: shownNotification,
    PreCompress: startedCompaction,
  },
};

/** Hook events to register. Not among them: those around a model's request, which hold the whole conversation, AfterModel for every part of an answer. */
export const GEMINI_EVENTS = [
  "SessionStart",
  "SessionEnd",
  "BeforeAgent",
  "AfterAgent",
  "BeforeTool",
  "AfterTool",
  "Notification",
  "PreCompress",
] as const;
