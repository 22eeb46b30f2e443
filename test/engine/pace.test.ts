import { expect, test } from "vitest";
import { LIMITS } from "../../src/base/limits.ts";
import { Pace } from "../../src/engine/pace.ts";

test("events that come one by one are taken at once", () => {
  const pace = new Pace();
  expect(pace.pause(0)).toBe(0);
  for (let now = 0; now < 1_000; now += 10) {
    pace.begin(10, now); // 1,000 a second
    expect(pace.pause(now + 1)).toBe(0);
  }
});

test("under load a batch begins no more often than the limit says", () => {
  const pace = new Pace();
  pace.begin(1, 1_000);
  pace.begin(100, 1_010);
  expect(pace.pause(1_020)).toBe(LIMITS.commit_gather_ms - 10);
  expect(pace.pause(1_010 + LIMITS.commit_gather_ms)).toBe(0);
});

test("a first burst after silence is taken at once, and so is what comes after the load ended", () => {
  const pace = new Pace();
  pace.begin(1_000, 5_000);
  expect(pace.pause(5_001)).toBe(0);
  pace.begin(1_000, 5_100);
  expect(pace.pause(5_101)).toBeGreaterThan(0);
  expect(pace.pause(20_000)).toBe(0);
});
