import { describe, expect, test } from "vitest";
import { eventsSubject, inSubject, partitionOf, subjectToken, validSubject } from "../../src/wire/subjects.ts";

describe("partitionOf", () => {
  // Published test values of FNV-1a 32; a change would tear the sessions of every existing log apart.
  test.each([
    ["", 0x811c9dc5],
    ["a", 0xe40c292c],
    ["foobar", 0xbf9cf968],
  ])("is FNV-1a of %j", (key, hash) => {
    expect(partitionOf(key, 2 ** 32)).toBe(hash);
  });

  test("stays the same for session ids and other scripts", () => {
    const keys = ["5f1c1c5e-8d1b-4a53-a1e2-000000000001", "claude-code://host/session/abc", "сессия", "会话"];
    expect(keys.map((key) => partitionOf(key, 64))).toMatchInlineSnapshot(`
      [
        50,
        35,
        16,
        47,
      ]
    `);
  });

  test("is 0 where there is one partition", () => {
    expect(partitionOf("anything", 1)).toBe(0);
  });

  test("uses every partition", () => {
    const seen = new Set(Array.from({ length: 1_000 }, (_, i) => partitionOf(`session-${i}`, 16)));
    expect(seen.size).toBe(16);
  });
});

test("subjects are made of checked tokens", () => {
  expect([inSubject(0), validSubject(3), eventsSubject("enrich", 12)]).toEqual([
    "weir.in.0",
    "weir.valid.3",
    "weir.ev.enrich.12",
  ]);
  for (const bad of ["", "a.b", "a*", ">", "a b", "ä", "x".repeat(65)]) {
    expect(() => subjectToken(bad)).toThrow(expect.objectContaining({ code: "bad_input" }));
    expect(() => eventsSubject(bad, 0)).toThrow(expect.objectContaining({ code: "bad_input" }));
  }
  for (const bad of [-1, 0.5, Number.NaN]) expect(() => inSubject(bad)).toThrow("is no partition");
});
