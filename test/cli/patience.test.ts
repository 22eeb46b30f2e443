import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LIMITS } from "../../src/base/limits.ts";
import { patientSink } from "../../src/cli/patience.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const draft = { type: "metric.measured", data: {} } as never;

function watched() {
  const said: string[] = [];
  const stop = new AbortController();
  let take = (): void => {};
  const taken = () => new Promise<void>((resolve) => (take = resolve));
  const sink = patientSink(
    { emit: taken, flush: async () => ({ published: 0, spooled: 0 }) },
    { signal: stop.signal, onSilence: () => said.push("silence"), onGivenUp: () => said.push("given up") },
  );
  return { said, stop, sink, take: () => take() };
}

test("a sink that takes nothing for a while is told of, once for each wait", async () => {
  const { said, sink, take } = watched();
  const first = sink.emit(draft);
  vi.advanceTimersByTime(LIMITS.sink_silent_ms - 1);
  take();
  await first;
  vi.advanceTimersByTime(LIMITS.sink_silent_ms);
  expect(said).toEqual([]);
  const second = sink.emit(draft);
  vi.advanceTimersByTime(LIMITS.sink_silent_ms * 3);
  expect(said).toEqual(["silence"]);
  take();
  await second;
  await sink.flush();
  expect(said).toEqual(["silence"]);
});

test("who is told to end gives up what is not taken in time", () => {
  const { said, stop, sink } = watched();
  void sink.emit(draft);
  stop.abort();
  vi.advanceTimersByTime(LIMITS.sink_end_ms - 1);
  expect(said).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(said).toContain("given up");
});
