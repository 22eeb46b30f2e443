import { describe, expect, test } from "vitest";
import type { Keys } from "../../../src/base/keys.ts";
import { type PrivacySettings, policyOf } from "../../../src/base/privacy.ts";
import { EVENTS } from "../../../src/capture/claude-code/hook/registered.ts";
import { HOOK_MAPPINGS, HOOK_SOURCES } from "../../../src/capture/hooks/assistants.ts";
import { outlineOf, ownerOf } from "../../../src/capture/hooks/outline.ts";
import { outlineFor } from "../../../src/capture/hooks/outlines.ts";
import { recordOf } from "../../../src/capture/hooks/record.ts";
import type { Event } from "../../../src/define/event.ts";
import { privateFields } from "../../../src/events/outline.ts";
import { PAYLOADS } from "../../support/hook-payloads.ts";

const CLAUDE = outlineFor("claude-code");
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
    const kept = JSON.stringify(outlineOf(payload, CLAUDE));
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
      expect(open(mapHook(outlineOf(payload, CLAUDE) as never, AT))).toEqual(open(mapHook(payload, AT)));
  });
});

const base = { session_id: "s1", cwd: "/home/ada/app", tool_use_id: "t1", hook_event_name: "PostToolUse" };
/** Payloads of Claude Code whose answers tell of files, commits and pull requests. */
const WORK: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "an edit": {
    ...base,
    tool_name: "Edit",
    tool_input: { file_path: "/home/ada/app/a.ts", old_string: "Größe", new_string: "size" },
    tool_response: {
      filePath: "/home/ada/app/a.ts",
      oldString: "Größe",
      structuredPatch: [{ oldStart: 1, lines: [" one", "-Größe", "+size", "+more"] }],
    },
  },
  "a new file": {
    ...base,
    tool_name: "Write",
    tool_input: { file_path: "/home/ada/app/b.ts", content: "first words\nsecond words\n" },
    tool_response: {
      type: "create",
      filePath: "/home/ada/app/b.ts",
      content: "first words\nsecond words\n",
      structuredPatch: [],
    },
  },
  "a read": {
    ...base,
    tool_name: "Read",
    tool_input: { file_path: "/home/ada/app/a.ts" },
    tool_response: { type: "text", file: { filePath: "/home/ada/app/a.ts", content: "words", numLines: 1 } },
  },
  "a commit": {
    ...base,
    tool_name: "Bash",
    tool_input: { command: "git commit -m words" },
    tool_response: {
      stdout: "[main abcdef1] words",
      stderr: "",
      gitOperation: {
        commit: { sha: "abcdef1", kind: "committed" },
        pr: { number: 7, url: "https://github.com/ada/app/pull/7", action: "created", title: "words" },
      },
    },
  },
  "an answer of another tool": {
    ...base,
    tool_name: "mcp__db__query",
    tool_input: { sql: "words" },
    tool_response: { type: "words of a tool", filePath: "more words", content: "words" },
  },
};

/** Each payload that there is, by assistant and kind. */
const ALL = HOOK_SOURCES.flatMap(({ name }): [string, string, Record<string, unknown>, string | undefined][] => {
  const { common = {}, kinds = {} } = PAYLOADS[name] ?? {};
  const own = Object.entries(kinds).map(
    ([kind, { payload, event }]) =>
      [name, kind, { ...common, ...payload }, event] satisfies [string, string, unknown, unknown],
  );
  const work = name === "claude-code" ? Object.entries(WORK) : [];
  return [...own, ...work.map(([kind, payload]) => [name, kind, { ...payload }, undefined] as never)];
});

/** Ids, names and outcomes that the events of some kinds have no field for. */
const SAID_ANYWHERE = [
  ...["hook_event_name", "hook", "type", "transcript_path", "transcriptPath", "timestamp", "turn_id", "turn-id"],
  ...["permission_mode", "generation_id", "callID", "messageID", "parentID", "id", "role", "status", "failure_type"],
  ...["sessionId", "cwd", "errorContext", "name", "absolute_path"],
];

/** Events without their private fields, and without what is only kept as it came. */
const openOf = (events: readonly { readonly type: string }[]) =>
  (events as unknown as Event[])
    .filter(({ type }) => type !== "hook.received")
    .map((event) => {
      const hidden = privateFields(event).map(({ name }) => name);
      const data = Object.entries(event.data).filter(([name, value]) => value !== undefined && !hidden.includes(name));
      return { ...event, data: Object.fromEntries(data) };
    });

/** Every text in a value with the name of its field, those in JSON texts too. */
function textsIn(value: unknown, name = ""): [name: string, text: string][] {
  if (typeof value === "string") return value.startsWith("{") ? textsIn(JSON.parse(value), name) : [[name, value]];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => textsIn(item, Array.isArray(value) ? name : key));
}

describe("the outline of every source", () => {
  test("is the one that its mapping names", () => {
    for (const { name, outline } of HOOK_SOURCES) expect([name, outlineFor(name)]).toEqual([name, outline]);
  });

  test.each(ALL)("of %s, %s, leads to the same events but for private fields", (assistant, _, payload, event) => {
    const map = HOOK_MAPPINGS[assistant]!;
    const kept = outlineOf(payload, outlineFor(assistant), event);
    const whole = map(payload, AT, event);
    expect(openOf(map(kept as never, AT, event))).toEqual(openOf(whole));
    const owner = ownerOf(payload, outlineFor(assistant));
    for (const { session, project } of whole)
      expect({ session: owner.session, project: owner.folder }).toEqual({ session, project });
  });

  test.each(ALL)("of %s, %s, holds no text of a person or tool", (assistant, kind, payload, event) => {
    const open = JSON.stringify(openOf(HOOK_MAPPINGS[assistant]!(payload, AT, event)));
    const kept = textsIn(outlineOf(payload, outlineFor(assistant), event));
    const strange = kept.filter(
      ([name, text]) => !SAID_ANYWHERE.includes(name) && !/^[/+-]?[x\n+-]*$/.test(text) && !open.includes(text),
    );
    expect([kind, strange]).toEqual([kind, []]);
  });
});

describe("the record of a payload", () => {
  /** What is written of it; `forgotten` is a session that may not be recorded. */
  const written = (settings: Partial<PrivacySettings>, sample: (typeof ALL)[number], forgotten?: string) => {
    const [assistant, , payload, event] = sample;
    const policy = policyOf({ default: {}, projects: [], ...settings });
    const keys = {
      anyForgotten: () => forgotten !== undefined,
      forgotten: (session: string) => session === forgotten,
      keyFor: (session: string) => ({ id: session, key: Buffer.alloc(32, 1) }),
    } as unknown as Keys;
    const privacy = { policy: () => policy, keys, withoutOwn: (text: string) => text };
    const data = Buffer.from(JSON.stringify(payload));
    return recordOf({ id: "r1", assistant, event, at: AT }, data, data.length, privacy);
  };
  const prompts = ALL.filter(([, , payload]) => JSON.stringify(payload).includes("fix it")).filter(([, kind]) =>
    /prompt|message|beforeagent/i.test(kind),
  );

  test.each(prompts)("of %s, %s, is as the choice for its folder and session asks", (...sample) => {
    const { session, project } = PAYLOADS[sample[0]]!;
    const closed: PrivacySettings["default"] = { level: "metadata" };
    expect(written({ default: closed, projects: [{ path: project, level: "redacted" }] }, sample)).toContain("fix it");
    expect(written({ projects: [{ path: project, level: "metadata" }] }, sample)).not.toContain("fix it");
    const sealed = JSON.parse(written({ projects: [{ path: project, encrypt: true }] }, sample)) as object;
    expect(sealed).toMatchObject({ session, sealed: expect.any(String) });
    expect(written({}, sample, session)).not.toContain("fix it");
    expect(written({}, sample, "another")).toContain("fix it");
  });

  test("is looked at for every assistant with samples", () => {
    expect([...new Set(prompts.map(([assistant]) => assistant))].sort()).toEqual(Object.keys(PAYLOADS).sort());
  });
});
