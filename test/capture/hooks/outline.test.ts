import { describe, expect, test } from "vitest";
import { EVENTS } from "../../../src/capture/claude-code/hook/registered.ts";
import { HOOK_MAPPINGS } from "../../../src/capture/hooks/assistants.ts";
import { outlineOf } from "../../../src/capture/hooks/outline.ts";
import type { Event } from "../../../src/define/event.ts";
import { privateFields } from "../../../src/events/outline.ts";
import { PAYLOADS } from "../../support/hook-payloads.ts";

const mapHook = HOOK_MAPPINGS["claude-code"]!;
const AT = 1_795_000_000_000_000;
/** Every payload may carry them; some kinds have no field for them. */
const SAID = [
  "effort",
  "mcp_server",
  "agent_type",
  "agent_id",
  "permission_mode",
  "transcript_path",
  "prompt_id",
  "tool_use_id",
];
const KINDS = [...Object.keys(EVENTS), "FileChanged", "WorktreeCreate", "NoSuchKind"];

/** The names that the mapping of a kind asks for. */
function namesRead(kind: string): string[] {
  const names = new Set<string>();
  const value = (name: string): unknown => (name === "hook_event_name" ? kind : `w ${name}`);
  const payload = new Proxy({} as Record<string, unknown>, {
    getOwnPropertyDescriptor: (_, name) => {
      names.add(String(name));
      return { configurable: true, enumerable: true, value: value(String(name)), writable: true };
    },
    get: (_, name) => value(String(name)),
  });
  mapHook(payload, AT);
  return [...names].filter((name) => name !== "toJSON");
}

describe("the outline of a payload", () => {
  test.each(KINDS)("of %s holds what goes into fields that are not private, and nothing else", (kind) => {
    const names = namesRead(kind);
    const payload: Record<string, unknown> = Object.fromEntries(
      [...names, "surprise"].map((name) => [name, `w ${name}`]),
    );
    payload.hook_event_name = kind;
    if (kind === "FileChanged") payload.event = "change"; // another word is none it knows
    const events = mapHook(payload, AT) as unknown as Event[];
    const kept = JSON.stringify(outlineOf(payload));
    const open = events.map((event) => {
      const hidden = privateFields(event).map(({ name }) => name);
      return {
        ...event,
        data: Object.fromEntries(Object.entries(event.data).filter(([name]) => !hidden.includes(name))),
      };
    });
    const shown = JSON.stringify(open);
    const hidden = JSON.stringify(events.map(privateFields));
    for (const name of names.filter((n) => n !== "hook_event_name")) {
      const words = `"w ${name}"`;
      const [open, closed] = [shown.includes(words), hidden.includes(words.slice(1, -1))];
      if (kept.includes(words)) expect([kind, name, open || SAID.includes(name)]).toEqual([kind, name, true]);
      if (open && !closed) expect([kind, name, kept.includes(words)]).toEqual([kind, name, true]);
    }
    expect(kept).not.toContain("w surprise");
  });

  test("leads to the same events, with the same sizes", () => {
    const payloads = [
      { hook_event_name: "UserPromptSubmit", prompt: "größer als gedacht", prompt_id: "p1" },
      { hook_event_name: "UserPromptSubmit", prompt: "/compact now" },
      {
        hook_event_name: "PostToolUse",
        tool_name: "Bash",
        tool_use_id: "t1",
        tool_input: { command: "ls ä" },
        tool_response: { stdout: "a\nb", stderr: "" },
      },
      {
        hook_event_name: "PostToolUse",
        tool_name: "Read",
        tool_use_id: "t2",
        tool_input: { file_path: "/home/ada/x" },
        tool_response: "text",
      },
      {
        hook_event_name: "PostToolBatch",
        tool_calls: [{ tool_use_id: "t1", tool_input: { secret: 1 } }, { tool_use_id: "t2" }],
      },
    ].map((more) => ({ session_id: "s", cwd: "/home/ada/app", ...more }));
    const open = (events: readonly { type: string; data: unknown }[]) =>
      events
        .filter(({ type }) => type !== "hook.received")
        .map((event) => {
          const hidden = privateFields(event as Event).map(({ name }) => name);
          return {
            ...event,
            data: Object.fromEntries(Object.entries(event.data as object).filter(([name]) => !hidden.includes(name))),
          };
        });
    for (const payload of payloads)
      expect(open(mapHook(outlineOf(payload) as never, AT))).toEqual(open(mapHook(payload, AT)));
  });

  test.each(["gemini", "copilot", "cursor"])("of %s keeps sessions, projects, times and tools", (assistant) => {
    const { common, kinds } = PAYLOADS[assistant]!;
    const map = HOOK_MAPPINGS[assistant]!;
    const identity = (payload: unknown, event: string | undefined) =>
      map(payload as never, AT, event)
        .filter(({ type }) => type !== "hook.received")
        .map(({ type, session, project, time, data }) => ({ type, session, project, time, tool: data.tool }));
    for (const kind of Object.keys(kinds).filter((name) => /tooluse$|tool$|^sessionstart$/i.test(name))) {
      const { payload, event } = kinds[kind]!;
      const whole = { ...common, ...payload };
      expect([kind, identity(outlineOf(whole), event)]).toEqual([kind, identity(whole, event)]);
    }
  });
});
