import fc from "fast-check";
import { expect, test } from "vitest";
import { boundJson, boundKey, boundText, jsonBytes } from "../../src/capture/bound.ts";

const anyText = fc.string({ unit: "binary", maxLength: 300 });

test("text within the limit stays as it is", () => {
  expect(boundText("grüße 👋", 8)).toBe("grüße 👋");
});

test("longer text is cut and says how much is missing", () => {
  const cut = boundText("a".repeat(100), 40);
  const missing = Number(/ … \[(\d+) characters cut\]$/.exec(cut)![1]);
  expect(cut.length).toBeLessThanOrEqual(40);
  expect(cut.indexOf(" …") + missing).toBe(100);
});

test("a cut never splits a code point, and lone surrogates are replaced", () => {
  expect(boundText("👋👋", 3)).toBe("👋");
  expect(boundText("a\ud83d", 10)).toBe("a\uFFFD");
  fc.assert(
    fc.property(anyText, fc.integer({ min: 0, max: 200 }), (text, max) => {
      const cut = boundText(text, max);
      expect(cut.length).toBeLessThanOrEqual(max);
      expect(/\p{Surrogate}/u.test(cut)).toBe(false);
    }),
  );
});

test("different long keys stay different", () => {
  const [a, b] = [boundKey(`${"k".repeat(200)}a`, 64), boundKey(`${"k".repeat(200)}b`, 64)];
  expect(a).toHaveLength(64);
  expect(a).not.toBe(b);
  expect(boundKey("short", 64)).toBe("short");
});

test("JSON within the limit is the plain JSON", () => {
  expect(boundJson({ a: [1, "two", null] }, 100)).toBe('{"a":[1,"two",null]}');
  expect(boundJson(undefined, 100)).toBe("null");
});

test("a large value keeps its shape: long texts and lists are cut inside", () => {
  const cut = boundJson(
    { path: "/a", content: "x".repeat(10_000), list: Array.from({ length: 5_000 }, (_, n) => n) },
    2_000,
  );
  const value = JSON.parse(cut);
  expect(cut.length).toBeLessThanOrEqual(2_000);
  expect(value.path).toBe("/a");
  expect(value.content).toMatch(/^x+ … \[\d+ characters cut\]$/);
  expect(value.list.at(-1)).toMatch(/items cut/);
});

test("a value nested deeper than the stack is cut, not thrown at", () => {
  let deep: unknown = 1;
  for (let n = 0; n < 200_000; n++) deep = [deep];
  expect(JSON.parse(boundJson(deep, 1_000))).toBeInstanceOf(Array);
  expect(jsonBytes(deep)).toBeUndefined();
});

test("whatever the value and the limit, the JSON is valid, short enough and well-formed", () => {
  const value = fc.jsonValue({ stringUnit: "binary", maxDepth: 5 });
  fc.assert(
    fc.property(value, fc.integer({ min: 16, max: 400 }), (any, max) => {
      const text = boundJson(any, max);
      expect(text.length).toBeLessThanOrEqual(max);
      expect(() => JSON.parse(text)).not.toThrow();
    }),
  );
  for (const lone of ['{"a":"\\ud83d"}', '["\\udc00x"]']) expect(boundJson(JSON.parse(lone), 100)).not.toMatch(/\\ud/);
});

test("a key named __proto__ is data", () => {
  expect(boundJson(JSON.parse(`{"__proto__":"${"x".repeat(300)}"}`), 100)).toMatch(/^\{"__proto__":"x/);
});
