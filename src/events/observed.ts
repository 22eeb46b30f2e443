import type { Several } from "../define/projection.ts";

type Times = readonly [value: number, times: number];

/** What a measured value stands for, where it is the mean of several observations; undefined where it is a value by itself. */
export function observedOf(row: Readonly<Record<string, unknown>>): Several | undefined {
  const count = numberIn(row.count);
  if (count === undefined || count < 1) return undefined;
  const sum = numberIn(row.sum);
  const [min, max] = [numberIn(row.min), numberIn(row.max)];
  const same = count === 1 ? (sum ?? numberIn(row.value)) : min === max ? min : undefined;
  const values = same === undefined ? bucketed(row.buckets, count, min, max) : [[same, count] as const];
  return {
    count,
    // a histogram may leave its sum out; its value says nothing then
    sum:
      sum ??
      (values.length > 0 ? values.reduce((all, [value, times]) => all + value * times, 0) : count * Number(row.value)),
    // of what came since the last point of a series only buckets tell how far it reached
    min: min ?? values[0]?.[0],
    max: max ?? values.at(-1)?.[0],
    values,
  };
}

const numberIn = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isFinite(value) ? value : undefined;

/** Values of buckets in ascending order: the middle of each, within the extremes. None where the buckets do not hold all observations. */
function bucketed(
  text: unknown,
  count: number,
  min = Number.NEGATIVE_INFINITY,
  max = Number.POSITIVE_INFINITY,
): Times[] {
  const told = parsed(text);
  const values = told.bounds === undefined ? exponential(told) : explicit(told, min, max);
  let held = 0;
  const out: Times[] = [];
  for (const [value, times] of values) {
    if (times === 0) continue;
    if (!Number.isFinite(value) || !(times > 0)) return [];
    held += times;
    out.push([Math.min(Math.max(value, min), max), times]);
  }
  return held === count ? out : [];
}

type Told = Readonly<Record<string, unknown>>;

function parsed(text: unknown): Told {
  try {
    const value: unknown = JSON.parse(String(text ?? null));
    return typeof value === "object" && value !== null ? (value as Told) : {};
  } catch {
    return {};
  }
}

const numbers = (value: unknown): readonly number[] =>
  Array.isArray(value) ? value.map((entry) => numberIn(entry) ?? Number.NaN) : [];

/** Buckets between bounds. The outermost are open: they reach to the extremes where these are known, else they stand at their bound. */
function explicit({ bounds, counts }: Told, min: number, max: number): Times[] {
  const at = numbers(bounds);
  const ends = [Math.min(min, at[0] ?? min), ...at, Math.max(max, at.at(-1) ?? max)];
  return numbers(counts).map((times, k) => {
    const [low = Number.NaN, high = Number.NaN] = [ends[k], ends[k + 1]];
    return [Number.isFinite(low) ? (Number.isFinite(high) ? (low + high) / 2 : low) : high, times];
  });
}

/** Buckets that grow by a factor, to both sides of zero. */
function exponential({ scale, zero_count, positive, negative }: Told): Times[] {
  const step = 2 ** -(numberIn(scale) ?? Number.NaN);
  const side = (told: unknown): Times[] => {
    if (typeof told !== "object" || told === null) return [];
    const { offset, counts } = told as Told;
    return numbers(counts).map((times, k) => [2 ** (step * ((numberIn(offset) ?? 0) + k + 0.5)), times]);
  };
  const below = side(negative).map(([value, times]): Times => [-value, times]);
  return [...below.reverse(), [0, numberIn(zero_count) ?? 0], ...side(positive)];
}
