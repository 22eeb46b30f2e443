import { expect, test } from "vitest";
import { LIMITS } from "../../src/base/limits.ts";
import { Pace } from "../../src/engine/pace.ts";

test("the first batch, and what comes after a pause, is taken at once", () => {
  const pace = new Pace();
  expect(pace.pause(0)).toBe(0);
  pace.begin(1_000);
  pace.took(20, LIMITS.commit_gather_events);
  expect(pace.pause(1_000 + LIMITS.commit_unread_ms)).toBe(0);
  expect(pace.pause(60_000)).toBe(0);
});

test("while nobody reads, batches begin a second apart; who reads again is told that some may have gathered", () => {
  const pace = new Pace();
  pace.begin(1_000);
  pace.took(20, 1);
  expect(pace.pause(1_020)).toBe(LIMITS.commit_unread_ms - 20);
  expect(pace.pause(1_000 + LIMITS.commit_unread_ms)).toBe(0);
  expect(pace.look(1_030)).toBe(true);
  expect(pace.pause(1_030)).toBe(0);
  expect(pace.look(1_040)).toBe(false);
  const later = 1_040 + LIMITS.commit_read_ms;
  pace.begin(later);
  expect(pace.pause(later)).toBeLessThan(LIMITS.commit_unread_ms);
  expect(pace.pause(later + 1)).toBe(LIMITS.commit_unread_ms - 1);
  expect(pace.look(later + 1)).toBe(true);
});

test("between batches of some hundred events passes as much time as one takes, and never more than the limit", () => {
  const pace = new Pace();
  pace.look(0);
  pace.begin(1_000);
  pace.took(20, LIMITS.commit_gather_events);
  expect(pace.pause(1_020)).toBe(20);
  expect(pace.pause(1_030)).toBe(10);
  pace.begin(2_000);
  pace.took(5_000, LIMITS.commit_gather_events);
  expect(pace.pause(7_000)).toBe(LIMITS.commit_gather_ms);
});

test("few events are seen soon, many gather longer", () => {
  const pace = new Pace();
  pace.look(0);
  pace.begin(1_000);
  pace.took(20, LIMITS.commit_gather_events / 10);
  expect(pace.pause(1_020)).toBe(2);
  pace.took(20, LIMITS.commit_gather_events * 4);
  expect(pace.pause(1_020)).toBe(80);
});
