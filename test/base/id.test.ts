import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { derivedId, isId, msOfId, newId } from "../../src/base/id.ts";

const time = fc.integer({ min: 0, max: 8_640_000_000_000_000 });

describe("ids", () => {
  test("are UUIDs of version 7 that begin with their time", () => {
    fc.assert(
      fc.property(time, fc.array(fc.string(), { maxLength: 3 }), (us, parts) => {
        for (const id of [newId(us), derivedId(us, ...parts)]) {
          expect(isId(id)).toBe(true);
          expect(id).toMatch(/^.{14}7.{4}[89ab]/);
          expect(msOfId(id)).toBe(Math.floor(us / 1_000));
        }
      }),
    );
  });

  test("sort as their times do", () => {
    fc.assert(
      fc.property(time, time, (a, b) => {
        const [x, y] = [newId(a), newId(b)];
        if (Math.floor(a / 1_000) !== Math.floor(b / 1_000)) expect(x < y).toBe(a < b);
      }),
    );
  });

  test("are never the same twice", () => {
    const ids = new Set(Array.from({ length: 20_000 }, () => newId(1_790_000_000_000_000)));
    expect(ids.size).toBe(20_000);
  });

  test("derived ones follow from time and parts alone", () => {
    // it is stored in logs for ever: another value would double what is imported again
    expect(derivedId(1_790_000_000_000_000, "a", 1)).toBe("01a0c450-6c00-7451-978d-bc2d494bac22");
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 4 }), fc.array(fc.string(), { maxLength: 4 }), (a, b) => {
        expect(derivedId(1, ...a) === derivedId(1, ...b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
    );
  });

  test.each([
    "",
    "x",
    "01A0C450-6C00-7000-8000-000000000001",
    "01a0c450-6c00-7000-8000-00000000000",
    "01a0c4506c00-7000-8000-0000000000011",
    "01a0c450-6c00-7000-8000-00000000000g",
    "01a0c450-6c00-7000-8000-000000000001 ",
  ])("%j is no id", (text) => {
    expect(isId(text)).toBe(false);
  });
});
