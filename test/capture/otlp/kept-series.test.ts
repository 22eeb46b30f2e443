import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createLog } from "../../../src/base/log.ts";
import { KeptSeries } from "../../../src/capture/otlp/kept-series.ts";
import { type Received, receive } from "../../../src/capture/otlp/receive.ts";
import { sumRequest } from "../../support/otlp.ts";
import { tempDir } from "../../support/temp.ts";

const T = 1_789_000_000_000_000;
const LOG = createLog("test", "silent");
const take = ({ series }: KeptSeries, name: string, us: number, value: number): Received =>
  receive("metrics", "json", Buffer.from(JSON.stringify(sumRequest(name, [{ us, start: T, value }], 2))), {
    series,
    now_us: T,
  });
const valuesOf = ({ drafts }: Received): unknown[] => drafts.map((draft) => draft.data.value);

test("marks that were kept are there for whoever opens the folder next, without a close", async () => {
  await using dir = await tempDir();
  const folder = join(dir.path, "otlp");
  const kept = new KeptSeries(folder, LOG);
  for (let n = 1; n <= 3; n++) await kept.keep(take(kept, "hits", T + n, n * 10).moved);
  const after = new KeptSeries(folder, LOG);
  expect(valuesOf(take(after, "hits", T + 4, 34))).toEqual([4]);
  expect(valuesOf(take(after, "hits", T + 3, 30))).toEqual([]);
  await kept.close();
});

test("marks of a request that is not durable yet are not written with those of another", async () => {
  await using dir = await tempDir();
  const kept = new KeptSeries(dir.path, LOG);
  await kept.keep(take(kept, "first", T + 1, 5).moved);
  const onItsWay = take(kept, "second", T + 1, 7);
  await kept.keep(take(kept, "first", T + 2, 6).moved);
  const after = new KeptSeries(dir.path, LOG);
  // its sender sends it again after a crash: the same steps, the same ids
  expect(take(after, "second", T + 1, 7).drafts).toEqual(onItsWay.drafts);
  await kept.close();
});

test("requests that are durable together share one write, and a line that a crash cut short is passed over", async () => {
  await using dir = await tempDir();
  const kept = new KeptSeries(dir.path, LOG);
  const started = kept.keep(take(kept, "a", T + 1, 1).moved);
  const together = Array.from({ length: 50 }, (_, k) => kept.keep(take(kept, `b${k}`, T + 1, 1).moved));
  expect(new Set(together).size).toBe(1);
  await Promise.all([started, ...together]);
  expect(readFileSync(join(dir.path, "series.json"), "utf8").length).toBeGreaterThan(0);
  appendFileSync(join(dir.path, "series.log"), '["cut');
  const after = new KeptSeries(dir.path, LOG);
  for (const name of ["a", "b0", "b49"]) expect(valuesOf(take(after, name, T + 2, 3))).toEqual([2]);
  await kept.close();
  await after.close();
});
