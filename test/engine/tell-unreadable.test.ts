import { expect, test, vi } from "vitest";
import type { Log } from "../../src/base/log.ts";
import { tellUnreadable } from "../../src/engine/tell-unreadable.ts";

test("of many frames that cannot be read the first is told with its reason, the others are counted", () => {
  vi.useFakeTimers();
  try {
    const warn = vi.fn();
    const { note, end } = tellUnreadable({ warn } as unknown as Log, "WEIR_IN", 5_000);
    for (let seq = 1; seq <= 500; seq++) note(seq, `reason ${seq}`);
    expect(warn.mock.calls.map(([about]) => about)).toEqual([{ stream: "WEIR_IN", seq: 1, reason: "reason 1" }]);
    vi.advanceTimersByTime(5_000);
    expect(warn.mock.lastCall?.[0]).toEqual({
      stream: "WEIR_IN",
      count: 499,
      last_seq: 500,
      last_reason: "reason 500",
    });
    vi.advanceTimersByTime(60_000);
    expect(warn).toHaveBeenCalledTimes(2);
    note(501, "again");
    expect(warn.mock.lastCall?.[0]).toEqual({ stream: "WEIR_IN", seq: 501, reason: "again" });
    note(502, "at the end");
    end();
    expect(warn.mock.lastCall?.[0]).toMatchObject({ count: 1, last_seq: 502 });
  } finally {
    vi.useRealTimers();
  }
});
