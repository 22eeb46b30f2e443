/** Resolves after a time, or at once when the signal is given. */
export const wait = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });

/** A thing that is to be done in a moment. */
export interface Soon {
  /** Does it once after that time, however often this is called until then; the shortest time counts. */
  in(ms: number): void;
  /** Does not do it after all. */
  never(): void;
}

export function soon(act: () => void): Soon {
  let due = 0;
  let timer: NodeJS.Timeout | undefined;
  const never = (): void => {
    clearTimeout(timer);
    timer = undefined;
  };
  return {
    never,
    in(ms) {
      const at = performance.now() + ms;
      if (timer && due <= at) return;
      clearTimeout(timer);
      due = at;
      timer = setTimeout(() => {
        timer = undefined;
        act();
      }, ms);
    },
  };
}

/**
 * A turn on the event loop that long work takes: after `ms` it is over, and the work lets what else waits on the thread, requests above all, have
 * theirs first.
 */
export class Turn {
  private readonly ms: number;
  private until: number;

  constructor(ms: number) {
    this.ms = ms;
    this.until = performance.now() + ms;
  }

  /** Where it is over, resolves in the next one. */
  async mayEnd(): Promise<void> {
    if (performance.now() < this.until) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.until = performance.now() + this.ms;
  }
}
