import { LIMITS } from "../base/limits.ts";

/**
 * Decides how long what waits for the tables may still gather. Pure: it is told the time.
 *
 * A transaction touches every table and roll-up, so one of ten events costs nearly as much as one of a thousand. The more came with the last batch,
 * the more is saved by waiting: at `commit_gather_events` as much time passes as the last batch took, and so the tables take half of the
 * time; with fewer less, so that a few events are seen soon; with more more, up to a limit. While nobody reads the tables, nothing is gained by writing
 * soon: one transaction begins a second after the other. What comes after a pause is taken at once.
 */
export class Pace {
  private begun = Number.NEGATIVE_INFINITY;
  private cost_ms = 0;
  private wait_ms = 0;
  private looked = Number.NEGATIVE_INFINITY;

  /** Somebody reads the tables. Tells whether nobody did for a while, so that more may have gathered than he should miss. */
  look(now_ms: number): boolean {
    const unread = this.unread(now_ms);
    this.looked = now_ms;
    return unread;
  }

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
    const after_ms = this.cost_ms + this.wait_ms;
    const next = this.begun + (this.unread(now_ms) ? Math.max(after_ms, LIMITS.commit_unread_ms) : after_ms);
    return Math.max(0, next - now_ms);
  }

  private unread(now_ms: number): boolean {
    return now_ms - this.looked > LIMITS.commit_read_ms;
  }
}
