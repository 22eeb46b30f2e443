import { createHash } from "node:crypto";
import { LIMITS } from "../../base/limits.ts";
import { listOf, looseOf } from "../loose.ts";
import type { Point } from "./batch.ts";

/** Where a cumulative series stands. */
export interface Mark {
  readonly start: number;
  readonly time: number;
  readonly value: number;
  readonly count: number;
  readonly counts: readonly number[] | undefined;
}

/** Where series stand after a request. */
export type Moved = ReadonlyMap<string, Mark>;

/** What came to a cumulative series since its last point. */
export interface Step {
  /** Where the stretch begins, in microseconds. */
  readonly from: number;
  readonly value: number;
  readonly count: number;
  readonly counts: readonly number[] | undefined;
}

/**
 * Remembers where cumulative series stand, and tells what each point added.
 *
 * A series that was never seen adds its whole value: nothing of it was recorded before. One whose start is newer than the last, or whose value
 * fell, was reset, and adds its whole value too. A point that is not newer than the last adds nothing. Series are bounded: the one untouched
 * longest makes room, and from then on a series that began before that moment only sets a new mark, so that nothing is counted twice.
 *
 * A request whose events could not be stored is undone: its sender sends it again, and it gives the same steps.
 */
export class SeriesMarks {
  private readonly marks = new Map<string, Mark>();
  /** Series that began before were forgotten, perhaps. */
  private since = 0;

  /** Steps of one request. They count at once, for the next request may follow before these are stored. */
  begin(): { readonly moved: Moved; step(key: string, point: Point): Step | undefined; undo(): void } {
    const moved = new Map<string, Mark>();
    const first = new Map<string, Mark | undefined>();
    return {
      moved,
      step: (key, point) => {
        const before = this.marks.get(key);
        const mark = markOf(point);
        if (before && mark.time <= before.time) return undefined;
        this.put(key, mark);
        if (!moved.has(key)) first.set(key, before);
        moved.set(key, mark);
        if (!before) return mark.start < this.since ? undefined : { from: mark.start, ...mark };
        return isReset(before, mark, point) ? { from: mark.start, ...mark } : difference(before, mark);
      },
      undo: () => {
        for (const [key, mark] of moved) {
          if (this.marks.get(key) !== mark) continue;
          const before = first.get(key);
          if (before) this.marks.set(key, before);
          else this.marks.delete(key);
        }
      },
    };
  }

  /** Moves series to where a request left them. */
  take(moved: Moved): void {
    for (const [key, mark] of moved) this.put(key, mark);
  }

  /** The state as a JSON value. */
  toJSON(): unknown {
    return { v: 1, since: this.since, marks: [...this.marks].map(SeriesMarks.entryOf) };
  }

  /** One series as a JSON value. */
  static entryOf([key, m]: readonly [string, Mark]): unknown {
    return [key, m.start, m.time, m.value, m.count, m.counts ?? null];
  }

  /** Takes up a state that was saved; what is no such state is left alone. */
  load(saved: unknown): void {
    const { v, since, marks } = looseOf(saved);
    if (v !== 1) return;
    if (typeof since === "number") this.since = since;
    for (const entry of listOf(marks)) this.loadEntry(entry);
  }

  /** Takes up one series that was saved. */
  loadEntry(entry: unknown): void {
    const [key, start, time, value, count, counts] = listOf(entry);
    if (typeof key === "string" && [start, time, value, count].every((n) => typeof n === "number"))
      this.put(key, { start, time, value, count, counts: Array.isArray(counts) ? counts : undefined } as Mark);
  }

  private put(key: string, mark: Mark): void {
    const held = this.marks.get(key);
    if (held && held.time >= mark.time) return;
    this.marks.delete(key); // the newest stands last
    if (this.marks.size >= LIMITS.otlp_series_max) {
      const [oldest, gone] = this.marks.entries().next().value!;
      this.since = Math.max(this.since, gone.time);
      this.marks.delete(oldest);
    }
    this.marks.set(key, mark);
  }
}

/** Key of a series: a hash of all that names it. */
export const seriesKey = (...parts: readonly string[]): string => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${part.length}:${part},`);
  return hash.digest("base64url").slice(0, 22);
};

function markOf(point: Point): Mark {
  const counts = point.buckets?.counts;
  return {
    start: point.start,
    time: point.time,
    value: (point.kind === "sum" ? point.value : point.sum) ?? 0,
    count: point.count,
    counts: Array.isArray(counts) ? (counts as number[]) : undefined,
  };
}

/** Whether a series began again: its start moved, or what only grows fell. A sum of observations falls where they are negative. */
const isReset = (before: Mark, now: Mark, point: Point): boolean =>
  now.start > before.start || now.count < before.count || (point.kind === "sum" && now.value < before.value);

function difference(before: Mark, now: Mark): Step {
  const same = before.counts?.length === now.counts?.length;
  return {
    from: before.time,
    value: now.value - before.value,
    count: now.count - before.count,
    counts: same ? now.counts?.map((n, k) => Math.max(0, n - before.counts![k]!)) : undefined,
  };
}
