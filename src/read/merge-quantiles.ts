import { mergeInto, quantiles, type Sketch, unpackSketch } from "../base/sketch.ts";

/** Quantiles of several sketches together, each within 1 percent; null where they hold none, or not all `count` values. `packed` are base64 texts. */
export function mergedQuantiles(
  packed: unknown,
  count?: number,
): { p50: number | null; p95: number | null; p99: number | null } {
  const together: Sketch = new Map();
  for (const text of (packed ?? []) as (string | null)[]) {
    if (text) mergeInto(together, unpackSketch(Buffer.from(text, "base64")));
  }
  const [p50, p95, p99] = quantiles(together, [0.5, 0.95, 0.99], count);
  return { p50: p50 ?? null, p95: p95 ?? null, p99: p99 ?? null };
}
