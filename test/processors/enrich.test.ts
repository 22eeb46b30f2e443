import { describe, expect, test } from "vitest";
import enrich from "../../processors/enrich.ts";
import type { Event } from "../../src/define/event.ts";
import { modelCalled } from "../../src/events/model.ts";

let made = 0;

/** An answer as a source tells it. */
function answer(assistant: string, via: string, data: Readonly<Record<string, unknown>>, session = "s"): Event {
  const tokens = { input_tokens: 3, output_tokens: 50, cache_creation_tokens: 7, cache_read_tokens: 900 };
  const draft = modelCalled.of({ time: 1 }, { model: "m", ...tokens, ...data } as never);
  made++;
  return { ...draft, id: `id${made}`, source: "test://x", time: made, v: 1, via, session, assistant } as Event;
}

/** The keys under which the tables fold events that come in this order. */
function keysOf(events: readonly Event[]): (string | undefined)[] {
  const state = enrich.start();
  return events.map((event) => {
    const set = (enrich.step(state, event, {} as never) as { set?: { fact?: string } } | undefined)?.set;
    return set?.fact ?? event.fact;
  });
}

const [REQUEST, OTHER] = ["req_0123456789abcdefghij", "req_9876543210abcdefghij"];

describe("an answer that two sources tell has one key, whichever comes first", () => {
  const cases: readonly [what: string, transcript: Event, telemetry: Event][] = [
    [
      "with a unique request in both",
      answer("claude-code", "transcript", { message_id: "msg_1", request_id: REQUEST }),
      answer("claude-code", "otlp", { request_id: REQUEST }),
    ],
    [
      "with a request that only the transcript names",
      answer("claude-code", "transcript", { message_id: "msg_1", request_id: REQUEST }),
      answer("claude-code", "otlp", {}),
    ],
    [
      "with a request of a cloud provider",
      answer("claude-code", "transcript", { message_id: "msg_1", request_id: "17-a" }),
      answer("claude-code", "otlp", { request_id: "17-a" }),
    ],
    [
      "without any request",
      answer("claude-code", "transcript", { message_id: "msg_1" }),
      answer("claude-code", "otlp", {}),
    ],
    ["of Codex", answer("codex", "transcript", { message_id: "a" }), answer("codex", "otlp", {})],
  ];
  test.each(cases)("%s", (_, transcript, telemetry) => {
    for (const order of [
      [transcript, telemetry],
      [telemetry, transcript],
      [transcript, telemetry, transcript],
    ]) {
      const keys = new Set(keysOf(order));
      expect([keys.size, [...keys][0]]).toEqual([1, expect.any(String)]);
    }
  });
});

test("answers that differ in tokens, session or assistant keep keys of their own", () => {
  const first = answer("claude-code", "transcript", { message_id: "msg_1", request_id: REQUEST });
  const keys = keysOf([
    first,
    answer("claude-code", "transcript", { message_id: "msg_2", request_id: OTHER }), // the same tokens by chance
    answer("claude-code", "otlp", { output_tokens: 51 }),
    answer("claude-code", "otlp", { cache_creation_tokens: 8 }),
    answer("claude-code", "otlp", {}, "another"),
    answer("codex", "transcript", { message_id: "b" }, "codex"),
  ]);
  expect(new Set(keys).size).toBe(6);
});
