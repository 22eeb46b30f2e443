/** Events of OpenCode's bus that the plugin hands on. Those that only draw the screen, or repeat a message while it grows, are left out. */
const EVENTS = [
  "session.created",
  "session.idle",
  "session.error",
  "session.compacted",
  "message.updated",
  "message.part.updated",
  "permission.replied",
  "file.edited",
  "command.executed",
] as const;

/** Hooks that the plugin hands on. */
const HOOKS = ["chat.message", "tool.execute.before", "tool.execute.after", "permission.ask"] as const;

const MARK =
  "// Written by weir init opencode. It hands what happens to weir's recorder; weir init opencode --remove takes it away.";

/**
 * Text of the plugin: a module that OpenCode runs in its own process. It starts the recorder for each payload, one after the other so that they
 * keep their order, waits for none of them, and never fails. What comes faster than it can be handed on is bounded; beyond that it is lost. At the
 * end OpenCode waits for what is left, a second at most.
 */
export const pluginText = (command: string): string => `${MARK}
import { spawn } from "node:child_process";

const COMMAND = ${JSON.stringify(command)};
const EVENTS = new Set(${JSON.stringify(EVENTS)});
const HOOKS = ${JSON.stringify(HOOKS)};
const WAITING_MAX = 1000;
const DISPOSE_MS = 1000;

let waiting = 0;
let last = Promise.resolve();

const record = (text) =>
  new Promise((done) => {
    const child = spawn("/bin/sh", ["-c", COMMAND], { stdio: ["pipe", "ignore", "ignore"] });
    child.on("error", done);
    child.on("close", done);
    child.stdin.on("error", () => {});
    child.stdin.end(text);
  });

function tell(payload) {
  try {
    if (waiting >= WAITING_MAX) return;
    const text = JSON.stringify({ time: Date.now(), ...payload });
    waiting += 1;
    last = last
      .then(() => record(text))
      .catch(() => {})
      .then(() => {
        waiting -= 1;
      });
  } catch {
    // a recorder never disturbs
  }
}

function isWanted({ type, properties }) {
  if (!EVENTS.has(type)) return false;
  if (type === "message.updated") return properties.info.role === "assistant" && properties.info.time.completed > 0;
  if (type === "message.part.updated") return properties.part.type === "tool" && properties.part.state.status === "error";
  return true;
}

export const Weir = async ({ directory }) => ({
  ...Object.fromEntries(
    HOOKS.map((hook) => [hook, async (input, output) => tell({ hook, directory, input, output })]),
  ),
  event: async ({ event }) => {
    try {
      if (isWanted(event)) tell({ directory, event });
    } catch {
      // an event of another form
    }
  },
  dispose: () => new Promise((done) => {
    const limit = setTimeout(done, DISPOSE_MS);
    last.then(() => {
      clearTimeout(limit);
      done();
    });
  }),
});
`;

/** Whether a text is a plugin that weir wrote. */
export const isPlugin = (text: string): boolean => text.startsWith(MARK);

/** The command in a plugin. */
export function commandIn(text: string): string {
  const line = /^const COMMAND = (".*");$/m.exec(text)?.[1];
  return line === undefined ? "" : (JSON.parse(line) as string);
}
