import { LIMITS } from "../../base/limits.ts";
import { type Budget, newPoint, type Point, type PointKind } from "./batch.ts";
import { readAttribute } from "./protobuf-values.ts";
import { Malformed, type WireReader } from "./wire.ts";

/** The field of Metric that holds the points of each kind. */
const KINDS: Readonly<Record<number, PointKind>> = {
  42: "gauge",
  58: "sum",
  74: "histogram",
  82: "exponential_histogram",
  90: "summary",
};

/** A Metric: its points go into the list given. */
export function readMetric(r: WireReader, end: number, points: Point[], budget: Budget): void {
  let name = "";
  let unit = "";
  let data: { kind: PointKind; from: number; stop: number } | undefined;
  while (r.pos < end) {
    const tag = r.tag(end);
    const kind = KINDS[tag];
    if (tag === 10) name = r.name(end);
    else if (tag === 26) unit = r.name(end);
    else if (kind) {
      const stop = r.enter(end);
      data = { kind, from: r.pos, stop };
      r.pos = stop;
    } else r.skip(tag, end);
  }
  if (!data) return;
  const { kind, stop } = data;
  // temporality may stand behind the points it belongs to
  const found: number[] = [];
  let temporality = 0;
  let monotonic = false;
  r.pos = data.from;
  while (r.pos < stop) {
    const tag = r.tag(stop);
    if (tag === 10) {
      budget.item();
      const until = r.enter(stop);
      found.push(r.pos, until);
      r.pos = until;
    } else if (tag === 16) temporality = r.varint(stop);
    else if (tag === 24) monotonic = r.varint(stop) !== 0;
    else r.skip(tag, stop);
  }
  for (let k = 0; k < found.length; k += 2) {
    r.pos = found[k]!;
    const point = newPoint({ kind, name, unit, temporality, monotonic });
    if (kind === "gauge" || kind === "sum") readNumber(r, found[k + 1]!, point, budget);
    else if (kind === "histogram") readHistogram(r, found[k + 1]!, point, budget);
    else if (kind === "summary") readSummary(r, found[k + 1]!, point, budget);
    else readExponential(r, found[k + 1]!, point, budget);
    points.push(point);
  }
  r.pos = end;
}

function readNumber(r: WireReader, end: number, point: Point, budget: Budget): void {
  while (r.pos < end) {
    const tag = r.tag(end);
    if (tag === 17) point.start = r.micros(end);
    else if (tag === 25) point.time = r.micros(end);
    else if (tag === 33) point.value = r.double(end);
    else if (tag === 49) point.value = Number(r.sfixed64(end));
    else if (tag === 58) readAttribute(r, r.enter(end), point.attributes, budget);
    else if (tag === 64) point.empty = (r.varint(end) & 1) === 1;
    else r.skip(tag, end);
  }
}

function readHistogram(r: WireReader, end: number, point: Point, budget: Budget): void {
  const counts: number[] = [];
  const bounds: number[] = [];
  while (r.pos < end) {
    const tag = r.tag(end);
    if (tag === 17) point.start = r.micros(end);
    else if (tag === 25) point.time = r.micros(end);
    else if (tag === 33) point.count = r.fixed64(end);
    else if (tag === 41) point.sum = r.double(end);
    else if (tag === 49) push(counts, r.fixed64(end));
    else if (tag === 50) packed(r, end, counts, (stop) => r.fixed64(stop));
    else if (tag === 57) push(bounds, r.double(end));
    else if (tag === 58) packed(r, end, bounds, (stop) => r.double(stop));
    else if (tag === 74) readAttribute(r, r.enter(end), point.attributes, budget);
    else if (tag === 80) point.empty = (r.varint(end) & 1) === 1;
    else if (tag === 89) point.min = r.double(end);
    else if (tag === 97) point.max = r.double(end);
    else r.skip(tag, end);
  }
  point.buckets = counts.length > 0 ? { bounds, counts } : undefined;
}

function readExponential(r: WireReader, end: number, point: Point, budget: Budget): void {
  const buckets: Record<string, unknown> = { scale: 0, zero_count: 0 };
  while (r.pos < end) {
    const tag = r.tag(end);
    if (tag === 10) readAttribute(r, r.enter(end), point.attributes, budget);
    else if (tag === 17) point.start = r.micros(end);
    else if (tag === 25) point.time = r.micros(end);
    else if (tag === 33) point.count = r.fixed64(end);
    else if (tag === 41) point.sum = r.double(end);
    else if (tag === 48) buckets.scale = r.sint32(end);
    else if (tag === 57) buckets.zero_count = r.fixed64(end);
    else if (tag === 66) buckets.positive = readOffsets(r, r.enter(end));
    else if (tag === 74) buckets.negative = readOffsets(r, r.enter(end));
    else if (tag === 80) point.empty = (r.varint(end) & 1) === 1;
    else if (tag === 97) point.min = r.double(end);
    else if (tag === 105) point.max = r.double(end);
    else if (tag === 113) buckets.zero_threshold = r.double(end);
    else r.skip(tag, end);
  }
  point.buckets = buckets;
}

function readOffsets(r: WireReader, end: number): { offset: number; counts: number[] } {
  let offset = 0;
  const counts: number[] = [];
  while (r.pos < end) {
    const tag = r.tag(end);
    if (tag === 8) offset = r.sint32(end);
    else if (tag === 16) push(counts, r.varint(end));
    else if (tag === 18) packed(r, end, counts, (stop) => r.varint(stop));
    else r.skip(tag, end);
  }
  return { offset, counts };
}

function readSummary(r: WireReader, end: number, point: Point, budget: Budget): void {
  const quantiles: [number, number][] = [];
  while (r.pos < end) {
    const tag = r.tag(end);
    if (tag === 17) point.start = r.micros(end);
    else if (tag === 25) point.time = r.micros(end);
    else if (tag === 33) point.count = r.fixed64(end);
    else if (tag === 41) point.sum = r.double(end);
    else if (tag === 50) {
      const stop = r.enter(end);
      const pair: [number, number] = [0, 0];
      while (r.pos < stop) {
        const inner = r.tag(stop);
        if (inner === 9) pair[0] = r.double(stop);
        else if (inner === 17) pair[1] = r.double(stop);
        else r.skip(inner, stop);
      }
      push(quantiles, pair);
    } else if (tag === 58) readAttribute(r, r.enter(end), point.attributes, budget);
    else if (tag === 64) point.empty = (r.varint(end) & 1) === 1;
    else r.skip(tag, end);
  }
  point.buckets = quantiles.length > 0 ? { quantiles } : undefined;
}

function packed(r: WireReader, end: number, into: number[], read: (stop: number) => number): void {
  const stop = r.enter(end);
  while (r.pos < stop) push(into, read(stop));
}

function push<T>(list: T[], value: T): void {
  if (list.length >= LIMITS.otlp_buckets_max)
    throw new Malformed(`has a point with more than ${LIMITS.otlp_buckets_max} buckets`);
  list.push(value);
}
