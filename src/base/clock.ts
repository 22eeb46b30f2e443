// Not read each time: the getter costs more than a microsecond in Node 20. Not read before it is needed: a hook needs none of it, and it loads a module.
let origin_ms: number | undefined;
/** The fine clock may be this far from the wall's: it stands still while a laptop sleeps, and knows nothing of corrections. */
const APART_MS = 100;

/** The only place that reads the wall clock. Event times are integer microseconds since the Unix epoch. */
export const clock = {
  /** Wall time in integer microseconds since the Unix epoch. */
  nowUs(): number {
    const fine = performance.now();
    const wall = Date.now();
    origin_ms ??= performance.timeOrigin;
    if (Math.abs(origin_ms + fine - wall) > APART_MS) origin_ms = wall - fine;
    return Math.round((origin_ms + fine) * 1000);
  },
  /** When this process was started, in integer microseconds since the Unix epoch, to the millisecond. */
  startedUs(): number {
    return Math.round(Date.now() * 1_000 - process.uptime() * 1_000_000);
  },
  /** Wall time in milliseconds since the Unix epoch. */
  nowMs(): number {
    return Date.now();
  },
};

/** ISO 8601 text (UTC, microseconds trimmed to what is there) of a time in microseconds. */
export function isoFromUs(us: number): string {
  const ms = Math.floor(us / 1000);
  const rest = us - ms * 1000;
  const iso = new Date(ms).toISOString();
  return rest === 0 ? iso : `${iso.slice(0, -1)}${String(rest).padStart(3, "0")}Z`;
}

/** Microseconds of an ISO 8601 or RFC 3339 text that begins with its day; undefined where it is no time. Digits beyond microseconds are cut. */
export function usFromIso(text: string): number | undefined {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) return undefined;
  // Date.parse takes "7" for a month of 2001, and the 30th of February for the 2nd of March
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)/.exec(text) ?? [];
  if (new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDate() !== Number(day)) return undefined;
  const fraction = /\.\d{3}(\d{1,3})/.exec(text)?.[1];
  return Math.floor(ms) * 1000 + (fraction ? Number(fraction.padEnd(3, "0")) : 0);
}
