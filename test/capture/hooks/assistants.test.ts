import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CURSOR_EVENTS, cursor } from "../../../src/capture/cursor/hook.ts";
import { draftsOf } from "../../../src/capture/hooks/assistants.ts";
import { checkDraft } from "../../support/collecting-sink.ts";
import { AT, PAYLOADS } from "../../support/hook-payloads.ts";

/*
 * The payloads are made from the assistants' documentation (`test/samples/hooks`); none came from a live assistant.
 */

const map = (assistant: string, payload: unknown, event?: string) => {
  const drafts = draftsOf({ id: "r1", assistant, at: AT, bytes: 9, payload, event });
  for (const draft of drafts) checkDraft(draft);
  return drafts;
};

test("every event that is registered with Cursor is made into something", () => {
  for (const event of CURSOR_EVENTS) expect([event, cursor.kinds[event] !== undefined]).toEqual([event, true]);
});

describe.each(Object.entries(PAYLOADS))("hooks of %s", (assistant, { common, session, project, name, kinds }) => {
  test.each(Object.entries(kinds))("%s", (kind, { payload, gives, event, left }) => {
    const drafts = map(assistant, { ...common, ...payload }, event);
    const told = drafts.filter((draft) => draft.type !== "hook.received");
    expect(told.map(({ type }) => type)).toEqual(gives.map(({ type }) => type));
    for (const [k, { type: _, fact, ...data }] of gives.entries()) {
      if (fact !== undefined) expect(told[k]!.fact).toBe(fact);
      for (const [field, value] of Object.entries(data))
        expect([field, told[k]!.data[field] ?? null]).toEqual([field, value]);
    }
    for (const draft of drafts) {
      expect(draft).toMatchObject({ via: "hook", assistant: name, source: `${name}://local` });
      if (!kind.startsWith("file.edited")) expect(draft.session).toBe(session);
      expect(draft.project).toBe(project);
    }
    const kept = drafts.find((draft) => draft.type === "hook.received");
    expect(kept === undefined ? [] : Object.keys(JSON.parse(String(kept.data.payload)) as object)).toEqual(left ?? []);
  });

  test("a kind that is not known is kept whole, and so are fields that are not", () => {
    const payload = {
      ...common,
      hook_event_name: "FromTheFuture",
      hook: "FromTheFuture",
      type: "x",
      novel: { a: [1] },
    };
    const [kept, ...more] = map(assistant, payload, "FromTheFuture");
    expect(more).toEqual([]);
    expect(kept).toMatchObject({ type: "hook.received", subject: "FromTheFuture" });
    expect(JSON.parse(String(kept!.data.payload))).toEqual(payload);
    const [first] = Object.values(kinds);
    const drafts = map(assistant, { ...common, ...first!.payload, novel: { a: [1] } }, first!.event);
    const left = JSON.parse(String(drafts.at(-1)!.data.payload)) as Record<string, unknown>;
    expect(left.novel).toEqual({ a: [1] });
  });

  test("no form of a payload makes it fail, lose it, or give another answer the second time", () => {
    const samples = Object.values(kinds);
    const mutated = fc
      .record({
        sample: fc.constantFrom(...samples),
        without: fc.array(fc.nat(20), { maxLength: 4 }),
        odd: fc.dictionary(fc.nat(20).map(String), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 }),
        more: fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 2 }),
      })
      .map(({ sample, without, odd, more }) => {
        const whole = { ...common, ...sample.payload } as Record<string, unknown>;
        const names = Object.keys(whole);
        for (const k of without) delete whole[names[k % names.length]!];
        for (const [k, value] of Object.entries(odd)) whole[names[Number(k) % names.length]!] = value;
        return { payload: { ...whole, ...more }, event: sample.event };
      });
    fc.assert(
      fc.property(mutated, ({ payload, event }) => {
        const drafts = map(assistant, payload, event);
        expect(drafts.length).toBeGreaterThan(0);
        expect(map(assistant, payload, event)).toEqual(drafts);
      }),
      { numRuns: 300 },
    );
  });
});

test("what is no object is kept, whoever sent it", () => {
  for (const assistant of [...Object.keys(PAYLOADS), "unheard-of"])
    for (const payload of [null, 1, "text", [], [1]]) {
      const [draft] = map(assistant, payload);
      expect(draft).toMatchObject({ type: "hook.received", assistant });
      expect(draft!.data.payload).toBe(JSON.stringify(payload));
    }
});

test("a time of its own counts, unless it is far off", () => {
  const at = (timestamp: unknown) =>
    map("copilot", { sessionId: "s", timestamp, cwd: "/", reason: "abort" }, "sessionEnd")[0]!.time;
  expect(at(AT / 1000 - 250)).toBe(AT - 250_000);
  expect(at(12)).toBe(AT);
  expect(at("soon")).toBe(AT);
});
