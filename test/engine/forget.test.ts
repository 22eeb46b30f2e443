import { describe, expect, test } from "vitest";
import { derivedId } from "../../src/base/id.ts";
import type { Event } from "../../src/define/event.ts";
import { id } from "../../src/define/field.ts";
import { defineMap } from "../../src/define/projection.ts";
import { loadProjections } from "../../src/engine/load.ts";
import { definitionOf } from "../../src/events/catalog.ts";
import { applyAll, contents, type Logged, logOf, openTestTables } from "../support/tables.ts";
import { tempDir } from "../support/temp.ts";

const projections = await loadProjections(".");
const BASE_US = 1_795_000_000_000_000;

let k = 0;
const event = (type: string, session: string, data: Record<string, unknown>, more: Partial<Event> = {}): Event => {
  k++;
  const time = BASE_US + k * 1_000;
  return {
    id: derivedId(time, "forget", k),
    source: "test://x",
    time,
    session,
    via: "hook",
    project: "/home/ada/app",
    type,
    v: definitionOf(type)!.v,
    data,
    ...more,
  } as Event;
};

/** One of each thing that is told of a session, some of it by two sources. */
const told = (session: string, words: string): Event[] => [
  event("session.titled", session, { title: `title ${words}` }),
  event("prompt.submitted", session, { text: `prompt ${words}`, kind: "text" }, { fact: `prompt:${session}` }),
  event(
    "prompt.submitted",
    session,
    { text: `prompt ${words}`, kind: "text" },
    { fact: `prompt:${session}`, via: "transcript" },
  ),
  event(
    "tool.started",
    session,
    { tool: "Bash", call_id: session, input: `{"command":"${words}"}` },
    { fact: `tool:${session}` },
  ),
  event(
    "tool.called",
    session,
    { tool: "Bash", call_id: session, output: words, error: words, success: false },
    { fact: `tool:${session}`, via: "transcript" },
  ),
  event("mcp.called", session, {
    server: "x",
    method: "tools/call",
    success: true,
    input: `["${words}"]`,
    output: words,
  }),
  event("log.recorded", session, { name: "n", body: words, attributes: `{"a":"${words}"}` }),
  event(
    "commit.created",
    session,
    { sha: `abc${session}`, message: words, author: words },
    { fact: `commit:${session}` },
  ),
  event("input.rejected", session, {
    reason: "invalid",
    detail: "x",
    original: Buffer.from(words),
    content_type: "text/plain",
  }),
  event("turn.ended", session, { message: words }),
  // the proxy and git know no session: the call and the commit tell whose these are
  passed(session, `proxied ${words}`),
  event(
    "commit.created",
    session,
    { sha: `abc${session}`, message: `watched ${words}`, author: words },
    { fact: `commit:${session}`, session: undefined, via: "watch" },
  ),
];
const passed = (call: string, words: string): Event =>
  event(
    "mcp.called",
    "",
    { server: "x", method: "tools/call", call_id: call, success: true, input: `["${words}"]`, output: words },
    { fact: `tool:${call}`, session: undefined, via: "proxy" },
  );
const forget = (session: string): Event =>
  event(
    "session.forgotten",
    "",
    { forgotten: session, reason: "asked to" },
    { session: undefined, actor: "ada", subject: session },
  );

/** The tables of a log, taken in batches cut at these shares, and everything they show. */
async function made(log: readonly Logged[], cuts: readonly number[], reopen = false) {
  await using dir = await tempDir();
  let tables = await openTestTables(dir.path, projections);
  if (reopen) {
    await applyAll(tables, log.slice(0, log.length >> 1), cuts);
    await tables.close();
    tables = await openTestTables(dir.path, projections);
    await applyAll(tables, log.slice(log.length >> 1), cuts);
  } else await applyAll(tables, log, cuts);
  const shown = await contents(tables.store, projections);
  await tables.close();
  return shown;
}

describe("a session that is forgotten", () => {
  const events = [
    ...told("gone", "before words"),
    ...told("kept", "other words"),
    forget("gone"),
    passed("gone", "proxied after words"),
    ...told("gone", "after words"),
    // a call that only the proxy told of so far
    passed("gone too", "proxied before words"),
    event(
      "tool.started",
      "gone",
      { tool: "Bash", call_id: "gone too", input: `{"command":"after words"}` },
      { fact: "tool:gone too" },
    ),
    event(
      "tool.called",
      "gone",
      { tool: "Bash", call_id: "gone", output: "late words", success: true },
      { fact: "tool:gone", via: "otlp" },
    ),
  ];
  const log = logOf(
    events,
    Array.from({ length: events.length }, (_, n) => n / events.length),
  );

  test("leaves nothing in the tables that a person wrote or a tool printed, and the others alone", async () => {
    const shown = await made(log, []);
    const all = JSON.stringify(shown);
    for (const words of ["before words", "after words", "late words", Buffer.from("before words").toString("base64")])
      expect(all).not.toContain(words);
    expect(all).toContain("other words");
    expect(shown.events).toHaveLength(events.length);
    const calls = shown.tool_calls!.map((row) => JSON.parse(row) as Record<string, unknown>);
    expect(calls.find((c) => c.call === "tool:gone")).toMatchObject({
      tool: "Bash",
      status: "failed",
      output: null,
      input: null,
      sources: "hook,otlp,proxy,transcript",
    });
    const prompts = shown.prompts!.map((row) => JSON.parse(row) as Record<string, unknown>);
    expect(prompts.find((p) => p.session === "gone")).toMatchObject({ text: null });
    expect(shown.audit!.join()).toContain("session.forgotten");
    expect(shown.forgotten_sessions!.join()).toContain("asked to");
  });

  test("is the same however the log is cut, also when it is opened again in between", async () => {
    const one = await made(log, []);
    expect(
      await made(
        log,
        Array.from({ length: 30 }, (_, n) => n / 30),
      ),
    ).toEqual(one);
    expect(await made(log, [0.3, 0.52, 0.6])).toEqual(one);
    expect(await made(log, [0.5], true)).toEqual(one);
  });

  test("is forgotten also where its events could not be written", async () => {
    const trap = defineMap({
      version: 1,
      about: "x",
      on: [definitionOf("tool.called")!],
      row: { event_id: id("event") },
      map: (e) => {
        if ((e.data as { tool: string }).tool === "poison") throw new Error("poisoned");
        return [];
      },
    });
    await using dir = await tempDir();
    const tables = await openTestTables(dir.path, new Map([...projections, ["trap", trap]]));
    const poison = (session: string): Event =>
      event("tool.called", session, { tool: "poison", output: `words of ${session}`, success: true });
    await applyAll(tables, logOf([poison("gone"), poison("kept")], []));
    await applyAll(tables, logOf([forget("gone")], [], 2));
    const aside = JSON.stringify((await contents(tables.store, projections)).set_aside);
    expect(aside).toContain("words of kept");
    expect(aside).not.toContain("words of gone");
    await tables.close();
  });
});
