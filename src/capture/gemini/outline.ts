import { answer, fields, input, named, type Outline, prompt, there } from "../hooks/outline.ts";

/** What payloads of Gemini CLI hold beside texts. A call that failed has an `error` in its answer. */
export const geminiOutline: Outline = {
  session: ["session_id"],
  folder: ["cwd"],
  transcript: ["transcript_path"],
  kind: ["hook_event_name"],
  kept: {
    ...named("session_id", "cwd", "hook_event_name", "transcript_path", "timestamp", "tool_name"),
    mcp_context: fields(named("server_name")),
    prompt,
    tool_input: input,
    tool_response: answer({ error: there }),
  },
  keptOf: {
    SessionStart: named("source"),
    SessionEnd: named("reason"),
    Notification: named("notification_type"),
    PreCompress: named("trigger"),
  },
};
