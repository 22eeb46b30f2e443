import { expect, test } from "vitest";
import { derivedId } from "../../src/base/id.ts";
import type { Event } from "../../src/define/event.ts";
import { loadProjections } from "../../src/engine/load.ts";
import { metricMeasured } from "../../src/events/measure.ts";
import { observedOf } from "../../src/events/observed.ts";
import { BASE_US } from "../support/generate.ts";
import { applyAll, logOf, openTestTables } from "../support/tables.ts";
import { tempDir } from "../support/temp.ts";

const projections = await loadProjections(".");
let n = 0;
const point = (data: Record<string, unknown>): Event => ({
  id: derivedId(BASE_US, "point", n++),
  source: "test://x",
  time: BASE_US,
  type: metricMeasured.type,
  v: metricMeasured.v,
  data: { name: "latency", unit: "ms", kind: "histogram", value: 0, ...data },
});

/** What the table of minutes holds of points that come in two batches. */
async function minute(points: readonly Event[]): Promise<Record<string, unknown>> {
  await using dir = await tempDir();
  const tables = await openTestTables(dir.path, projections);
  try {
    await applyAll(
      tables,
      logOf(
        points,
        points.map((_, k) => k / points.length),
      ),
      [0.5],
    );
    const read = await tables.store.writer.runAndReadAll(
      `select "count"::int as count, "sum", "min", "max", p50, p95, p99 from metrics_minute where name = 'latency'`,
    );
    return read.getRowObjectsJS()[0]!;
  } finally {
    await tables.close();
  }
}

const within = (value: unknown, share: number): unknown =>
  expect.toSatisfy((seen: number) => Math.abs(seen / (value as number) - 1) <= share);

test("a point counts as all of its observations", async () => {
  expect(
    await minute([
      point({ value: 1_000, count: 1, sum: 1_000 }),
      point({ value: 1, count: 999, sum: 999, min: 0.5, max: 5_000 }),
    ]),
  ).toEqual({ count: 1_000, sum: 1_999, min: 0.5, max: 5_000, p50: null, p95: null, p99: null });
});

test("explicit buckets enter the quantiles with their counts, values by themselves beside them", async () => {
  const buckets = JSON.stringify({ bounds: [10, 20, 100], counts: [0, 900, 90, 9] });
  const seen = await minute([
    point({ value: 20, count: 999, sum: 20_000, min: 11, max: 5_000, buckets }),
    point({ value: 7, kind: "gauge" }),
  ]);
  expect(seen).toEqual({
    count: 1_000,
    sum: 20_007,
    min: 7,
    max: 5_000,
    p50: within(15, 0.01),
    p95: within(60, 0.01),
    p99: within(60, 0.01),
  });
});

test("exponential buckets do too, to both sides of zero", async () => {
  // scale 0: bucket k lies between 2^k and 2^(k+1)
  const buckets = JSON.stringify({
    scale: 0,
    zero_count: 10,
    positive: { offset: 3, counts: [60, 20] },
    negative: { offset: 0, counts: [10] },
  });
  expect(await minute([point({ kind: "exponential_histogram", count: 100, sum: 900, buckets })])).toEqual({
    count: 100,
    sum: 900,
    min: -(2 ** 0.5),
    max: 2 ** 4.5,
    p50: within(2 ** 3.5, 0.01),
    p95: within(2 ** 4.5, 0.01),
    p99: within(2 ** 4.5, 0.01),
  });
});

test("what buckets do not tell whole is not taken from them", () => {
  const whole = { count: 3, sum: 30, value: 10 };
  for (const buckets of [
    undefined,
    "[value cut",
    '"[value cut]"',
    "[1]",
    '{"bounds":[1],"counts":[1,1]}',
    '{"bounds":[1],"counts":[4,-1]}',
    '{"bounds":[],"counts":["x"]}',
    '{"scale":-2000,"positive":{"counts":[3]}}',
    '{"quantiles":[[0.5,10]]}',
  ])
    expect(observedOf({ ...whole, buckets })).toEqual({
      count: 3,
      sum: 30,
      min: undefined,
      max: undefined,
      values: [],
    });
  expect(observedOf({ value: 3 })).toBeUndefined();
  expect(observedOf({ value: 3, count: 0 })).toBeUndefined();
});

test("a histogram that leaves its sum out is added up from its buckets", () => {
  expect(observedOf({ value: 0, count: 4, buckets: '{"bounds":[0,10],"counts":[0,3,1]}' })).toMatchObject({
    sum: 25,
    min: 5,
    max: 10,
  });
});
