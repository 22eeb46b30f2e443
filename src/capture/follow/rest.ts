import { LIMITS } from "../../base/limits.ts";

/**
 * How many sweeps are left out before the next one. Pure. While sweeps find only what watches had told, each rest is twice as long and one more than
 * that before, so that sweeps come after 1, 2, 4, 8 times the usual pause; one that found more, or a folder without a watch, ends that.
 */
export class Rest {
  private length = 0;
  private left = 0;

  /** A sweep is due. Tells whether it is left out. */
  goesOn(): boolean {
    if (this.left === 0) return false;
    this.left--;
    return true;
  }

  /** A sweep was made; `nothing`: every folder is watched, and all that changed had been told. */
  after(nothing: boolean): void {
    this.length = nothing ? Math.min(this.length * 2 + 1, LIMITS.follow_rests_max) : 0;
    this.left = this.length;
  }
}
