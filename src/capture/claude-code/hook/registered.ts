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

/** One handler as it stands in the settings. */
export type Handler = Readonly<Record<string, unknown>>;

/** How payloads get to weir. */
export interface HandlerOptions {
  /** Text of the command, for the shell. */
  readonly command: string;
  /** Where the running weir takes payloads, for handlers over HTTP; absent: a command for every event. */
  readonly http?: { readonly url: string; readonly token: string };
  /** Version of the assistant, where it is known: events that came later are left out, because some versions refuse a file with names they do not know. */
  readonly version?: string;
}

/** The handler of each event. */
export function handlersOf({ command, http, version }: HandlerOptions): Record<string, Handler> {
  const known = Object.keys(EVENTS).filter(
    (event) => version === undefined || EVENTS[event] === "" || !isOlder(version, EVENTS[event]!),
  );
  return Object.fromEntries(
    known.map((event) => [
      event,
      http && !COMMAND_EVENTS_ONLY.includes(event)
        ? { type: "http", url: http.url, headers: { Authorization: `Bearer ${http.token}` }, timeout: TIMEOUT_S }
        : { type: "command", command, ...(UNAWAITED.includes(event) ? { async: true } : {}), timeout: TIMEOUT_S },
    ]),
  );
}

/** Whether a version is older than another; by its numbers alone. */
export function isOlder(version: string, than: string): boolean {
  const a = version.split(".").map(Number);
  const b = than.split(".").map(Number);
  for (let k = 0; k < 3; k++) {
    const [x, y] = [a[k] ?? 0, b[k] ?? 0];
    if (x !== y) return x < y;
  }
  return false;
}

/** Whether a handler is one that `weir init` wrote, whatever version of weir did. */
export function isOurs(handler: unknown): boolean {
  if (typeof handler !== "object" || handler === null) return false;
  const { type, command, url } = handler as Handler;
  if (type === "http") return typeof url === "string" && /^https?:\/\/[^/]+\/hooks\/claude-code$/.test(url);
  return typeof command === "string" && /(?:weir|cli\.[jt]s|hook\.cjs)["']? hook claude-code\b/.test(command);
}
