import { describe, expect, test } from "vitest";
import detect from "../../processors/detect.ts";
import { LIMITS } from "../../src/base/limits.ts";
import type { Event } from "../../src/define/event.ts";

const BASE_US = 1_790_000_000_000_000;
type State = ReturnType<typeof detect.start>;
type Step = { emit?: readonly { data: Record<string, unknown> }[] } | undefined;

const step = (state: State, type: string, data: object, at_us: number): Step => {
  const event = { id: `id-${at_us}`, type, v: 1, source: "test://x", time: BASE_US + at_us, data };
  return detect.step(state, event as unknown as Event, { arrived_us: BASE_US + at_us }) as Step;
};
const measure = (state: State, name: string, value: number, at_us: number): Step =>
  step(state, "metric.measured", { name, value }, at_us);

describe("detect", () => {
  test("a value far from what its series showed is an anomaly, a second one within a minute is not told", () => {
    const state = detect.start();
    for (let k = 0; k < 40; k++) expect(measure(state, "load", 10 + (k % 3), k)).toBeUndefined();
    expect(measure(state, "load", 500, 100)!.emit).toMatchObject([{ data: { series: "load", kind: "high" } }]);
    expect(measure(state, "load", 500, 200)).toBeUndefined();
  });

  test("as many thresholds as may be set are held, and one that is taken away makes room", () => {
    const state = detect.start();
    const set = (name: string, at: number, more: object = {}) =>
      step(state, "threshold.set", { name, metric: "load", above: 5, severity: "warning", ...more }, at);
    for (let k = 0; k <= LIMITS.thresholds_max; k++) set(`t${k}`, k);
    expect(state.thresholds.size).toBe(LIMITS.thresholds_max);
    set("t0", 2_000, { removed: "true" });
    set("last", 2_001);
    expect(state.thresholds.has("last")).toBe(true);
    // what was set before it was taken away comes late
    set("t0", 1_000);
    expect(state.thresholds.has("t0")).toBe(false);
  });

  test("a series in use keeps its values, however many others come", () => {
    const state = detect.start();
    for (let k = 0; k < 40; k++) measure(state, "load", 10 + (k % 3), k);
    for (let k = 0; k < LIMITS.series_max * 2; k++) {
      measure(state, `other${k}`, 1, 100 + k);
      if (k % 500 === 0) measure(state, "load", 10 + (k % 3), 100 + k);
    }
    expect(state.series.size).toBe(LIMITS.series_max);
    expect(measure(state, "load", 500, 1_000_000)!.emit).toMatchObject([{ data: { series: "load" } }]);
  });
});
