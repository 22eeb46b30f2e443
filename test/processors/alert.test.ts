import { describe, expect, test } from "vitest";
import alert from "../../processors/alert.ts";
import { LIMITS } from "../../src/base/limits.ts";
import type { Event } from "../../src/define/event.ts";

const BASE_US = 1_790_000_000_000_000;
type Step = { emit?: readonly { type: string; data: Record<string, unknown> }[] } | undefined;

let made = 0;
const step = (state: ReturnType<typeof alert.start>, type: string, data: object, at_us: number): Step => {
  made++;
  const event = { id: `id-${made}`, type, v: 1, source: "test://x", time: BASE_US + at_us, data };
  return alert.step(state, event as unknown as Event, { arrived_us: BASE_US + at_us }) as Step;
};
const anomaly = (state: ReturnType<typeof alert.start>, series: string, at_us: number): Step =>
  step(
    state,
    "anomaly.detected",
    { series, severity: "warning", value: 9, method: "robust-z", kind: "high", expected_low: 0, expected_high: 5 },
    at_us,
  );

describe("alert", () => {
  test("an alert is raised once, told again later, and resolves itself when its series stays normal", () => {
    const state = alert.start();
    const raised = anomaly(state, "a", 0)!.emit![0]!;
    expect(raised.type).toBe("alert.raised");
    expect(anomaly(state, "a", 1_000_000)).toBeUndefined();
    expect(anomaly(state, "a", 301_000_000)!.emit![0]!.data.alert).toBe(raised.data.alert);
    expect(step(state, "clock.ticked", { minute: 0 }, 600_000_000)).toBeUndefined();
    expect(step(state, "clock.ticked", { minute: 0 }, 902_000_000)!.emit).toMatchObject([
      { type: "alert.resolved", data: { alert: raised.data.alert, how: "recovered" } },
    ]);
  });

  test("where more are open than are remembered, the one quiet for longest ends and says so; one that goes on stays", () => {
    const state = alert.start();
    const first = anomaly(state, "goes on", 0)!.emit![0]!;
    const second = anomaly(state, "quiet", 1)!.emit![0]!;
    for (let k = 2; k < LIMITS.state_entries_max; k++) anomaly(state, `s${k}`, k);
    anomaly(state, "goes on", LIMITS.state_entries_max);
    const { emit } = anomaly(state, "one more", LIMITS.state_entries_max + 1)!;
    expect(emit).toMatchObject([
      { type: "alert.raised", data: { series: "one more" } },
      { type: "alert.resolved", data: { alert: second.data.alert, how: "recovered" } },
    ]);
    expect(state.open.size).toBe(LIMITS.state_entries_max);
    expect(step(state, "clock.ticked", { minute: 0 }, 700_000_000)!.emit!.map(({ data }) => data.alert)).toContain(
      first.data.alert,
    );
  });
});
