/**
 * A mergeable sketch of a distribution with a relative error of at most 1 percent for every quantile: DDSketch (Masson, Rim, Lee:
 * "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees", PVLDB 12(12), 2019), with logarithmic
 * buckets of ratio γ = (1+α)/(1-α), α = 0.01. Adding and merging are sums of counts: every order gives the same sketch, and a value can
 * be taken out again.
 */
export type Sketch = Map<number, number>;

const ALPHA = 0.01;
const GAMMA = (1 + ALPHA) / (1 - ALPHA);
const PER_LOG = 1 / Math.log(GAMMA);
/** Buckets reach from 1e-9 to about 1e26; what lies beyond falls into the outermost. */
const INDEX_MIN = -1_040;
const INDEX_MAX = 3_000;
const ZERO = 0;

/** Bucket of a value, for {@link addBucket}: 0 for zero, otherwise twice the shifted index, plus one for negative values. */
export function bucketOf(value: number): number {
  const size = Math.abs(value);
  if (size < 1e-9) return ZERO;
  const index = Math.min(INDEX_MAX, Math.max(INDEX_MIN, Math.ceil(Math.log(size) * PER_LOG)));
  return (index - INDEX_MIN + 1) * 2 + (value < 0 ? 1 : 0);
}

function valueOfBucket(bucket: number): number {
  if (bucket === ZERO) return 0;
  const size = (2 * GAMMA ** ((bucket >> 1) - 1 + INDEX_MIN)) / (GAMMA + 1);
  return bucket & 1 ? -size : size;
}

/** Adds a value `times` times; a negative count takes it out. */
export const addTo = (sketch: Sketch, value: number, times = 1): void => addBucket(sketch, bucketOf(value), times);

/** Adds a value whose bucket is known. */
export function addBucket(sketch: Sketch, bucket: number, times: number): void {
  const count = (sketch.get(bucket) ?? 0) + times;
  if (count === 0) sketch.delete(bucket);
  else sketch.set(bucket, count);
}

/** Adds all of `other` to `sketch`. */
export function mergeInto(sketch: Sketch, other: Sketch): void {
  for (const [bucket, count] of other) sketch.set(bucket, (sketch.get(bucket) ?? 0) + count);
}

/** Order of the values behind buckets: negative ones are odd and fall as the bucket rises. */
const rankOf = (bucket: number): number => (bucket & 1 ? -bucket : bucket);
const ascending = (a: number, b: number): number => rankOf(a) - rankOf(b);

/**
 * The values at the quantiles given (0 to 1, ascending), by the lower-rank rule; undefined where the sketch is empty, or does not hold `all` values
 * there are, so that those of a part are not taken for those of the whole.
 */
export function quantiles(sketch: Sketch, at: readonly number[], all?: number): (number | undefined)[] {
  const buckets = [...sketch.keys()].sort(ascending);
  let total = 0;
  for (const count of sketch.values()) total += count;
  if (all !== undefined && all !== total) return at.map(() => undefined);
  const out: (number | undefined)[] = [];
  let seen = 0;
  let k = -1;
  for (const q of at) {
    const rank = q * (total - 1);
    while (k + 1 < buckets.length && seen <= rank) seen += sketch.get(buckets[++k]!)!;
    out.push(total > 0 && k >= 0 ? valueOfBucket(buckets[k]!) : undefined);
  }
  return out;
}

/** The sketch as bytes: variable-length numbers, difference of bucket then count, in ascending bucket order. */
export function packSketch(sketch: Sketch): Uint8Array {
  const out: number[] = [];
  const put = (n: number): void => {
    let rest = n;
    while (rest >= 128) {
      out.push((rest % 128) | 128);
      rest = Math.floor(rest / 128);
    }
    out.push(rest);
  };
  let last = 0;
  for (const bucket of [...sketch.keys()].sort((a, b) => a - b)) {
    put(bucket - last);
    put(sketch.get(bucket)!);
    last = bucket;
  }
  return Uint8Array.from(out);
}

/** The sketch of bytes made by {@link packSketch}. */
export function unpackSketch(bytes: Uint8Array): Sketch {
  const sketch: Sketch = new Map();
  let at = 0;
  const take = (): number => {
    let value = 0;
    let scale = 1;
    for (; at < bytes.length; scale *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) break;
    }
    return value;
  };
  let bucket = 0;
  while (at < bytes.length) {
    bucket += take();
    sketch.set(bucket, take());
  }
  return sketch;
}
