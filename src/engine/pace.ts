import { LIMITS } from "../base/limits.ts";

/**
 * Decides how long what waits for the tables may still gather. Pure: it is told the time.
 *
 * A transaction touches every table and roll-up, so one of ten events costs nearly as much as one of a thousand. So as much time as the last batch
 * took passes before the next one begins, up to a limit: the tables take half of the time at most, and the rest goes to what brings events. What
 * comes after a pause is taken at once.
 */
export class Pace {
  private begun = Number.NEGATIVE_INFINITY;
  private cost_ms = 0;

  /** A batch begins. */
  begin(now_ms: number): void {
    this.begun = now_ms;
  }

  /** A batch was made durable in that time. */
  took(ms: number): void {
    this.cost_ms = ms;
  }

  /** Time that the next batch should still gather, in milliseconds. */
  pause(now_ms: number): number {
    return Math.max(0, this.begun + this.cost_ms + Math.min(this.cost_ms, LIMITS.commit_gather_ms) - now_ms);
  }
}
