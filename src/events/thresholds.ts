import type { Event } from "../define/event.ts";

/** What was last said of a static threshold. */
export interface Setting {
  readonly name: string;
  readonly metric: string;
  readonly labels?: string | undefined;
  readonly above?: number | undefined;
  readonly below?: number | undefined;
  readonly severity: string;
  /** "true" where it was taken away. */
  readonly removed?: string | undefined;
  readonly set_at: number;
  readonly set_by?: string | undefined;
}

/** The setting that a `threshold.set` tells. */
export function settingOf(event: Event): Setting {
  const { name, metric, labels, above, below, severity, removed } = event.data as unknown as Setting;
  return { name, metric, labels, above, below, severity, removed, set_at: event.time, set_by: event.actor };
}

/**
 * Whether a setting takes the place of the one held: it is newer, or of two of one moment the larger as text. So the table and whoever watches values
 * agree, in whatever order settings arrive.
 */
export const replaces = (next: Setting, held: Setting): boolean =>
  next.set_at > held.set_at || (next.set_at === held.set_at && textOf(next) > textOf(held));

const textOf = ({ metric, labels, above, below, severity, removed, set_by }: Setting): string =>
  JSON.stringify([metric, labels, above, below, severity, removed, set_by].map((value) => value ?? null));
