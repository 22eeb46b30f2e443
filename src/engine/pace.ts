import { LIMITS } from "../base/limits.ts";

/**
 * Decides how long what waits for the tables may still gather. Pure: it is told the time.
 *
 * A transaction touches every table and roll-up, so one of ten events costs nearly as much as one of a thousand. While events come one by one, each is
 * taken at once. While they come fast, batches begin no more often than every `commit_gather_ms`, which leaves the processor to what brings
 * the events.
 */
export class Pace {
  private begun = Number.NEGATIVE_INFINITY;
  private rate = 0;

  /** A batch of that many events begins. */
  begin(events: number, now_ms: number): void {
    this.rate = (events / Math.max(1, now_ms - this.begun)) * 1_000;
    this.begun = now_ms;
  }

  /** Time that the next batch should still gather, in milliseconds. */
  pause(now_ms: number): number {
    if (this.rate < LIMITS.commit_gather_rate_min) return 0;
    return Math.max(0, this.begun + LIMITS.commit_gather_ms - now_ms);
  }
}
