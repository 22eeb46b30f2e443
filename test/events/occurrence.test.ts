import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Event } from "../../src/define/event.ts";
import { noOccurrences, occurrenceKey } from "../../src/events/occurrence.ts";

interface Told {
  readonly call: number;
  readonly event: Event;
}
let made = 0;
const event = (assistant: string, via: string, type: string, data: Record<string, unknown>): Event =>
  ({ id: `e${made++}`, type, via, assistant, session: "s1", data }) as unknown as Event;

/** What each source of an assistant tells of calls that were made one after the other: a tool and an input each. */
const SOURCES: Readonly<Record<string, (inputs: readonly string[]) => readonly (readonly Told[])[]>> = {
  "gemini-cli": (inputs) => [
    inputs.flatMap((input, call) => [
      { call, event: event("gemini-cli", "hook", "tool.started", { tool: "t", input: `{"b":1,"a":"${input}"}` }) },
      { call, event: event("gemini-cli", "hook", "tool.called", { tool: "t", input: `{"b":1,"a":"${input}"}` }) },
    ]),
    inputs.map((input, call) => ({
      call,
      event: event("gemini-cli", "transcript", "tool.called", {
        tool: "t",
        call_id: `c${call}`,
        input: `{"a":"${input}","b":1}`,
      }),
    })),
    inputs.map((input, call) => ({
      call,
      event: event("gemini-cli", "otlp", "tool.called", { tool: "t", input: `{"a":"${input}","b":1}` }),
    })),
  ],
  copilot: (inputs) => [
    inputs.flatMap((input, call) => [
      { call, event: event("copilot", "hook", "tool.started", { tool: "t", input: `"${input}"` }) },
      { call, event: event("copilot", "hook", "tool.called", { tool: "t", input: `"${input}"` }) },
    ]),
    inputs.flatMap((input, call) => [
      {
        call,
        event: event("copilot", "transcript", "tool.started", { tool: "t", call_id: `c${call}`, input: `"${input}"` }),
      },
      { call, event: event("copilot", "transcript", "tool.called", { tool: "t", call_id: `c${call}` }) },
    ]),
  ],
};

/** Several lists as one, each in its own order; `picks` says whose turn it is. */
function interleaved(lists: readonly (readonly Told[])[], picks: readonly number[]): Told[] {
  const left = lists.map((list) => [...list]);
  const out: Told[] = [];
  for (let k = 0; left.some((list) => list.length > 0); k++) {
    const waiting = left.filter((list) => list.length > 0);
    out.push(waiting[(picks[k % picks.length] ?? 0) % waiting.length]!.shift()!);
  }
  return out;
}

describe("calls that a source gives no id", () => {
  test.each(Object.keys(SOURCES))(
    "of %s are one each, in whatever order the sources come, and however often",
    (assistant) => {
      const inputs = fc.array(fc.constantFrom("ls", "npm test"), { minLength: 1, maxLength: 8 });
      fc.assert(
        fc.property(inputs, fc.array(fc.nat(9), { minLength: 1, maxLength: 40 }), (given, picks) => {
          const known = noOccurrences();
          const keys = given.map(() => new Set<string | undefined>());
          for (const { call, event } of interleaved(SOURCES[assistant]!(given), picks))
            for (const again of [event, event]) keys[call]!.add(occurrenceKey(known, again));
          expect(keys.map((of) => of.size)).toEqual(given.map(() => 1));
          expect(new Set(keys.flatMap((of) => [...of])).size).toBe(given.length);
        }),
        { numRuns: 200 },
      );
    },
  );

  test("a call that never ends does not take the end of the next one", () => {
    const known = noOccurrences();
    const key = (type: string) => occurrenceKey(known, event("copilot", "hook", type, { tool: "t", input: '"x"' }));
    const refused = key("tool.started");
    const made = key("tool.started");
    expect(key("tool.called")).toBe(made);
    expect(made).not.toBe(refused);
  });

  test("calls with ids are told apart by them, whatever they were given, and whatever of them is missing", () => {
    const known = noOccurrences();
    const key = (type: string, call_id: string) =>
      occurrenceKey(known, event("cursor", "hook", type, { tool: "t", call_id, input: '"x"' }));
    expect(["tool.started", "tool.called"].map((type) => key(type, "u1"))).toEqual(["tool:u1", "tool:u1"]);
    expect(key("tool.called", "u2")).toBe("tool:u2");
    expect(["tool.started", "tool.denied"].map((type) => key(type, "u3"))).toEqual(["tool:u3", "tool:u3"]);
  });

  test("ids decide where an assistant gives them", () => {
    const known = noOccurrences();
    const codex = event("codex", "hook", "tool.started", { tool: "t", call_id: "c1", input: '"x"' });
    expect(occurrenceKey(known, codex)).toBeUndefined();
    expect(occurrenceKey(known, event("claude-code", "hook", "tool.called", { tool: "t" }))).toBeUndefined();
    expect(known.counts.size + known.keys.size).toBe(0);
  });
});

test("a prompt given twice is two, and each is one with what another source tells of it", () => {
  const known = noOccurrences();
  const prompt = (via: string, text: string, message_id?: string) =>
    occurrenceKey(known, event("codex", via, "prompt.submitted", { text, message_id }));
  const first = prompt("hook", "go on");
  const second = prompt("hook", "go on");
  expect([prompt("transcript", "go on", "m1"), prompt("transcript", "go on", "m2")]).toEqual([first, second]);
  expect(prompt("transcript", "other", "m3")).toBe("prompt:m3");
  expect(prompt("hook", "other")).toBe("prompt:m3");
  expect(new Set([first, second]).size).toBe(2);
});

describe("where texts are not told, or encrypted", () => {
  let sealed = 0;
  const texts: Readonly<Record<string, () => string | undefined>> = {
    "not told": () => undefined,
    encrypted: () => `"enc:v1:0123456789abcdef:${String(sealed++).padStart(64, "A")}"`,
  };
  test.each(Object.keys(texts))("%s: an end belongs to the call of that tool that began last", (which) => {
    const known = noOccurrences();
    const tell = (type: string, tool: string) =>
      occurrenceKey(known, event("gemini-cli", "hook", type, { tool, input: texts[which]!() }));
    const [a, b] = [tell("tool.started", "t"), tell("tool.started", "u")];
    expect([tell("tool.called", "u"), tell("tool.called", "t")]).toEqual([b, a]);
    const c = tell("tool.started", "t");
    expect(tell("tool.called", "t")).toBe(c);
    expect(new Set([a, b, c]).size).toBe(3);
  });

  test.each(Object.keys(texts))("%s: the n-th prompt of one length is the n-th of another source", (which) => {
    const known = noOccurrences();
    const tell = (via: string, chars: number) =>
      occurrenceKey(known, event("gemini-cli", via, "prompt.submitted", { text: texts[which]!(), chars }));
    const told = [tell("hook", 4), tell("hook", 4), tell("hook", 5)];
    expect([tell("transcript", 4), tell("transcript", 4), tell("transcript", 5)]).toEqual(told);
    expect(new Set(told).size).toBe(3);
  });
});
