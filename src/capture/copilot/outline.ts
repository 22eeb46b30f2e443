import { answer, fields, input, named, type Outline, prompt } from "../hooks/outline.ts";

const notification = named("notification_type");

/** What payloads of Copilot CLI hold beside texts. */
export const copilotOutline: Outline = {
  session: ["sessionId"],
  folder: ["cwd"],
  transcript: ["transcriptPath"],
  kind: ["hook_event_name"],
  kept: {
    ...named("sessionId", "timestamp", "cwd", "hook_event_name", "transcriptPath", "agentId", "agentType", "toolName"),
    prompt,
    toolArgs: input,
    toolResult: answer(named("resultType")),
  },
  keptOf: {
    sessionStart: named("source", "model"),
    sessionEnd: named("reason"),
    notification,
    Notification: notification,
    subagentStart: named("agentName"),
    subagentStop: named("agentName"),
    preCompact: named("trigger"),
    errorOccurred: { ...named("errorContext"), error: fields(named("name")) },
  },
};
