import { LIMITS } from "../base/limits.ts";

/**
 * Decides how long what waits for the tables may still gather. Pure: it is told the time.
 *
 * A transaction touches every table and roll-up, so one of ten events costs nearly as much as one of a thousand. The more came with the last batch,
 * the more is saved by waiting: at `commit_gather_events` as much time passes as the last batch took, and so the tables take half of the
 * time; with fewer less, so that a few events are seen soon; with more more, up to a limit. What comes after a pause is taken at once.
 */
export class Pace {
  private begun = Number.NEGATIVE_INFINITY;
  private cost_ms = 0;
  private wait_ms = 0;

  /** A batch begins. */
  begin(now_ms: number): void {
    this.begun = now_ms;
  }

  /** A batch of so many events was made durable in that time. */
  took(ms: number, events: number): void {
    this.cost_ms = ms;
    this.wait_ms = Math.min((ms * events) / LIMITS.commit_gather_events, LIMITS.commit_gather_ms);
  }

  /** Time that the next batch should still gather, in milliseconds. */
  pause(now_ms: number): number {
    return Math.max(0, this.begun + this.cost_ms + this.wait_ms - now_ms);
  }
}
