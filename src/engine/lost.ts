import { LIMITS } from "../base/limits.ts";

/**
 * Notes that sequences of the log are missing, in a list that has each once, in their order: ranges that touch become one. Whether any of them is news.
 * Of too many ranges the oldest are left out; the table `gaps` has them all.
 */
export function noteLost(lost: [number, number][], first: number, last: number): boolean {
  if (lost.some(([a, b]) => a <= first && last <= b)) return false;
  const touching = lost.filter(([a, b]) => a <= last + 1 && first <= b + 1);
  const apart = lost.filter((range) => !touching.includes(range));
  const one: [number, number] = [
    Math.min(first, ...touching.map(([a]) => a)),
    Math.max(last, ...touching.map(([, b]) => b)),
  ];
  const all = [...apart, one].sort(([a], [b]) => a - b);
  lost.splice(0, lost.length, ...all.slice(-LIMITS.lost_ranges_max));
  return true;
}
