import { LIMITS } from "../base/limits.ts";
import type { Sink } from "../sdk/sink.ts";

/** What a {@link patientSink} says and does; replaced in tests. */
export interface Patience {
  /** Nothing was taken for `sink_silent_ms`; said again only after something was taken. */
  onSilence(): void;
  /** The work was to end, and what it waits for did not come within `sink_end_ms`. */
  onGivenUp(): void;
  readonly signal: AbortSignal;
}

/**
 * The sink, watched: where the disk is full, neither broker nor spool takes anything, and whoever emits waits without an end. The wait is right,
 * nothing is lost by it; but a person should hear of it, and be able to end it.
 */
export function patientSink(sink: Sink, { onSilence, onGivenUp, signal }: Patience): Sink {
  let waiting = 0;
  const wait = async <T>(work: Promise<T>): Promise<T> => {
    const timer = waiting++ === 0 ? setTimeout(onSilence, LIMITS.sink_silent_ms).unref() : undefined;
    try {
      return await work;
    } finally {
      waiting--;
      clearTimeout(timer);
    }
  };
  const end = (): void => void setTimeout(onGivenUp, LIMITS.sink_end_ms).unref();
  if (signal.aborted) end();
  else signal.addEventListener("abort", end, { once: true });
  return { emit: (draft) => wait(sink.emit(draft)), flush: () => wait(sink.flush()) };
}
