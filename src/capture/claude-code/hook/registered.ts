import type { Handler } from "../../setup/hooks.ts";
import { type Entry, eventsOf } from "../../setup/setup.ts";

/** Events whose handlers cannot be called over HTTP. */
const COMMAND_EVENTS_ONLY = ["SessionStart", "Setup"];

/**
 * Hook events to register, with the version of Claude Code that brought each, where that is known. Not among them: WorktreeCreate, whose hook replaces what
 * it watches; MessageDisplay, which holds the screen; FileChanged, which needs a list of files.
 */
export const EVENTS: Readonly<Record<string, string>> = {
  SessionStart: "1.0.62",
  SessionEnd: "",
  Setup: "2.1.10",
  UserPromptSubmit: "1.0.54",
  UserPromptExpansion: "",
  PreToolUse: "",
  PostToolUse: "",
  PostToolUseFailure: "",
  PostToolBatch: "",
  PermissionRequest: "2.0.45",
  PermissionDenied: "2.1.89",
  Notification: "",
  Stop: "",
  StopFailure: "2.1.78",
  SubagentStart: "2.0.43",
  SubagentStop: "",
  PreCompact: "1.0.48",
  PostCompact: "2.1.76",
  PreModelSwitch: "2.1.329",
  PostModelSwitch: "2.1.329",
  TaskCreated: "2.1.84",
  TaskCompleted: "2.1.33",
  TeammateIdle: "2.1.33",
  Elicitation: "2.1.76",
  ElicitationResult: "2.1.76",
  ConfigChange: "2.1.49",
  InstructionsLoaded: "2.1.69",
  CwdChanged: "2.1.83",
  DirectoryAdded: "2.1.219",
  WorktreeRemove: "2.1.50",
};

/** Events after which the assistant goes on by itself for long enough: nobody needs to wait until they are written. */
const UNAWAITED = ["PostToolUse", "PostToolUseFailure", "PostToolBatch", "InstructionsLoaded", "Notification"];

/** Seconds after which the assistant gives up on a handler; it takes milliseconds. */
const TIMEOUT_S = 5;

/** The handler of each event. Events that came after the assistant's version are left out, because some versions refuse a file with names they do not know. */
export function handlersOf({
  command,
  http,
  version,
}: Pick<Entry, "command" | "http" | "version">): Record<string, Handler> {
  return Object.fromEntries(
    eventsOf(EVENTS, version).map((event) => [
      event,
      http && !COMMAND_EVENTS_ONLY.includes(event)
        ? { type: "http", url: http.url, headers: { Authorization: `Bearer ${http.token}` }, timeout: TIMEOUT_S }
        : {
            type: "command",
            command: command(),
            ...(UNAWAITED.includes(event) ? { async: true } : {}),
            timeout: TIMEOUT_S,
          },
    ]),
  );
}
