import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { clock, isoFromUs, usFromIso } from "../../src/base/clock.ts";

describe("times", () => {
  test("go to text and back without loss", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 8_000_000_000_000_000 }), (us) => {
        expect(usFromIso(isoFromUs(us))).toBe(us);
      }),
    );
  });

  test.each([
    ["2026-11-20T22:59:48Z", "2026-11-20T22:59:48.000Z"],
    ["2026-11-20T23:59:48.5+01:00", "2026-11-20T22:59:48.500Z"],
    ["2026-11-20T22:59:48.123456Z", "2026-11-20T22:59:48.123456Z"],
    ["2026-11-20T22:59:48.123456789Z", "2026-11-20T22:59:48.123456Z"],
    ["2026-11-20T22:59:48.1234Z", "2026-11-20T22:59:48.123400Z"],
  ])("%s is %s", (text, iso) => {
    expect(isoFromUs(usFromIso(text)!)).toBe(iso);
  });

  test.each(["", "x", "7", "2026", "March 7 2026", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "yesterday"])(
    "%j is no time",
    (text) => {
      expect(usFromIso(text)).toBeUndefined();
    },
  );

  test("the clock follows the wall's across sleep and corrections", () => {
    const now = clock.nowMs();
    try {
      for (const shift of [8 * 3_600_000, -3_600_000, 0]) {
        vi.spyOn(Date, "now").mockReturnValue(now + shift);
        const us = clock.nowUs();
        expect(Number.isSafeInteger(us)).toBe(true);
        expect(Math.abs(us / 1_000 - (now + shift))).toBeLessThanOrEqual(101);
      }
    } finally {
      vi.restoreAllMocks();
    }
  });
});
