import { jsonDepth } from "../../base/json-depth.ts";
import { LIMITS } from "../../base/limits.ts";
import { isLoose, type Loose, listOf, looseOf } from "../loose.ts";
import {
  type Attributes,
  type Batch,
  Budget,
  type LogRecord,
  newLog,
  newPoint,
  newSpan,
  type Origin,
  type Point,
  type PointKind,
  type Signal,
  type Span,
  setAttribute,
} from "./batch.ts";
import { Malformed } from "./wire.ts";

/** Levels of an export request above and around an attribute's own nesting, three a level of it. */
const FRAME_DEPTH = 16;

/**
 * Reads an export request in OTLP/JSON. Integers of 64 bits are taken as text and as numbers, enums as numbers and as names, ids as hexadecimal.
 * What has another type than it should is taken as absent. Throws `Malformed`.
 */
export function readJson(signal: Signal, text: string): Batch {
  if (jsonDepth(text) > LIMITS.otlp_depth_max * 3 + FRAME_DEPTH)
    throw new Malformed(`is nested deeper than ${LIMITS.otlp_depth_max}`);
  let request: unknown;
  try {
    request = JSON.parse(text);
  } catch {
    throw new Malformed("is no JSON"); // the parser's own words quote the input, secrets too
  }
  if (!isLoose(request)) throw new Malformed("is no JSON object");
  const [outer, inner, items] = PLACES[signal];
  const list = request[outer];
  if (list !== undefined && !Array.isArray(list)) throw new Malformed(`has a ${outer} that is no list`);
  const budget = new Budget();
  const batch: Batch = { spans: [], logs: [], points: [] };
  for (const part of listOf(list).map(looseOf)) {
    budget.item();
    const resource = attributesOf(looseOf(part.resource).attributes, budget);
    for (const of of listOf(part[inner]).map(looseOf)) {
      budget.item();
      const scope = wordOf(looseOf(of.scope).name);
      readItems(signal, listOf(of[items]), { resource, scope }, batch, budget);
    }
  }
  return batch;
}

/** Where things stand in the request of each signal. */
const PLACES = {
  traces: ["resourceSpans", "scopeSpans", "spans"],
  logs: ["resourceLogs", "scopeLogs", "logRecords"],
  metrics: ["resourceMetrics", "scopeMetrics", "metrics"],
} as const;

function readItems(signal: Signal, list: readonly unknown[], origin: Origin, batch: Batch, budget: Budget): void {
  const items = list.map((item) => {
    budget.item();
    return looseOf(item);
  });
  if (items.length === 0) return;
  if (signal === "traces") batch.spans.push({ origin, items: items.map((item) => spanOf(item, budget)) });
  else if (signal === "logs") batch.logs.push({ origin, items: items.map((item) => logOf(item, budget)) });
  else batch.points.push({ origin, items: items.flatMap((item) => pointsOf(item, budget)) });
}

function spanOf(item: Loose, budget: Budget): Span {
  const span = newSpan();
  span.trace_id = hexOf(item.traceId);
  span.span_id = hexOf(item.spanId);
  span.parent_span_id = hexOf(item.parentSpanId);
  span.trace_state = wordOf(item.traceState);
  span.name = wordOf(item.name);
  span.kind = enumOf(item.kind, SPAN_KINDS);
  span.start = microsOf(item.startTimeUnixNano);
  span.end = microsOf(item.endTimeUnixNano);
  span.attributes = attributesOf(item.attributes, budget);
  const events = listOf(item.events);
  const links = listOf(item.links);
  for (const event of events.slice(0, LIMITS.otlp_parts_max).map(looseOf)) {
    budget.item();
    span.events.push({
      time: microsOf(event.timeUnixNano),
      name: wordOf(event.name),
      attributes: attributesOf(event.attributes, budget),
    });
  }
  for (const link of links.slice(0, LIMITS.otlp_parts_max).map(looseOf)) {
    budget.item();
    span.links.push({
      trace_id: hexOf(link.traceId),
      span_id: hexOf(link.spanId),
      attributes: attributesOf(link.attributes, budget),
    });
  }
  span.status = enumOf(looseOf(item.status).code, STATUS_CODES);
  span.status_message = wordOf(looseOf(item.status).message);
  span.dropped =
    countOf(item.droppedAttributesCount) +
    countOf(item.droppedEventsCount) +
    countOf(item.droppedLinksCount) +
    Math.max(0, events.length - LIMITS.otlp_parts_max) +
    Math.max(0, links.length - LIMITS.otlp_parts_max);
  return span;
}

function logOf(item: Loose, budget: Budget): LogRecord {
  const log = newLog();
  log.time = microsOf(item.timeUnixNano);
  log.observed = microsOf(item.observedTimeUnixNano);
  log.severity_number = countOf(item.severityNumber);
  log.severity_text = wordOf(item.severityText);
  log.body = item.body === undefined ? undefined : anyValue(item.body, budget, 0);
  log.event_name = wordOf(item.eventName);
  log.attributes = attributesOf(item.attributes, budget);
  log.trace_id = hexOf(item.traceId);
  log.span_id = hexOf(item.spanId);
  log.dropped = countOf(item.droppedAttributesCount);
  return log;
}

const METRIC_KINDS: readonly (readonly [string, PointKind])[] = [
  ["gauge", "gauge"],
  ["sum", "sum"],
  ["histogram", "histogram"],
  ["exponentialHistogram", "exponential_histogram"],
  ["summary", "summary"],
];

function pointsOf(item: Loose, budget: Budget): Point[] {
  const found = METRIC_KINDS.find(([name]) => isLoose(item[name]));
  if (!found) return [];
  const [place, kind] = found;
  const data = looseOf(item[place]);
  const metric = {
    kind,
    name: wordOf(item.name),
    unit: wordOf(item.unit),
    temporality: enumOf(data.aggregationTemporality, TEMPORALITIES),
    monotonic: data.isMonotonic === true,
  };
  return listOf(data.dataPoints).map((entry) => {
    budget.item();
    const given = looseOf(entry);
    const point = newPoint(metric);
    point.start = microsOf(given.startTimeUnixNano);
    point.time = microsOf(given.timeUnixNano);
    point.attributes = attributesOf(given.attributes, budget);
    point.value = numberOf(given.asDouble) ?? numberOf(given.asInt);
    point.count = countOf(given.count);
    point.sum = numberOf(given.sum);
    point.min = numberOf(given.min);
    point.max = numberOf(given.max);
    point.empty = (countOf(given.flags) & 1) === 1;
    point.buckets = bucketsOf(kind, given);
    return point;
  });
}

function bucketsOf(kind: PointKind, given: Loose): Record<string, unknown> | undefined {
  const numbers = (value: unknown): number[] => short(value).map((entry) => numberOf(entry) ?? 0);
  const offsets = (value: unknown) =>
    isLoose(value) ? { offset: numberOf(value.offset) ?? 0, counts: numbers(value.bucketCounts) } : undefined;
  if (kind === "histogram") {
    const counts = numbers(given.bucketCounts);
    return counts.length > 0 ? { bounds: numbers(given.explicitBounds), counts } : undefined;
  }
  if (kind === "exponential_histogram")
    return {
      scale: numberOf(given.scale) ?? 0,
      zero_count: countOf(given.zeroCount),
      positive: offsets(given.positive),
      negative: offsets(given.negative),
      zero_threshold: numberOf(given.zeroThreshold),
    };
  if (kind !== "summary") return undefined;
  const quantiles = short(given.quantileValues)
    .map(looseOf)
    .map((entry) => [numberOf(entry.quantile) ?? 0, numberOf(entry.value) ?? 0]);
  return quantiles.length > 0 ? { quantiles } : undefined;
}

function short(value: unknown): readonly unknown[] {
  const list = listOf(value);
  if (list.length > LIMITS.otlp_buckets_max)
    throw new Malformed(`has a point with more than ${LIMITS.otlp_buckets_max} buckets`);
  return list;
}

function attributesOf(list: unknown, budget: Budget): Attributes {
  const attributes: Attributes = {};
  for (const entry of listOf(list)) {
    if (isLoose(entry)) setAttribute(attributes, wordOf(entry.key), anyValue(entry.value, budget, 0) ?? null);
  }
  return attributes;
}

/** An AnyValue; one in which no field is set is nothing. */
function anyValue(given: unknown, budget: Budget, depth: number): unknown {
  budget.value(depth);
  if (!isLoose(given)) return undefined;
  if (typeof given.stringValue === "string") return given.stringValue;
  if (typeof given.boolValue === "boolean") return given.boolValue;
  if (given.intValue !== undefined) return integerOf(given.intValue);
  if (given.doubleValue !== undefined) return numberOf(given.doubleValue);
  if (typeof given.bytesValue === "string") return given.bytesValue;
  if (isLoose(given.arrayValue))
    return listOf(given.arrayValue.values).map((value) => anyValue(value, budget, depth + 1) ?? null);
  if (!isLoose(given.kvlistValue)) return undefined;
  const inside: Attributes = {};
  for (const entry of listOf(given.kvlistValue.values).map(looseOf))
    setAttribute(inside, wordOf(entry.key), anyValue(entry.value, budget, depth + 1) ?? null);
  return inside;
}

/** A 64-bit integer: a number where it is exact, else its text. */
function integerOf(value: unknown): number | string | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  if (typeof value !== "string" || !/^-?\d{1,20}$/.test(value)) return undefined;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function numberOf(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value !== "string" || value === "") return undefined;
  const number = Number(value);
  return Number.isNaN(number) ? undefined : number;
}

const countOf = (value: unknown): number => {
  const number = numberOf(value);
  return number !== undefined && number > 0 && Number.isFinite(number) ? Math.floor(number) : 0;
};

/** Nanoseconds since 1970 as microseconds; numbers have lost their last digits already. */
function microsOf(value: unknown): number {
  if (typeof value === "string" && /^\d{4,20}$/.test(value)) return Number(value.slice(0, -3));
  return typeof value === "number" && value > 0 && Number.isFinite(value) ? Math.floor(value / 1_000) : 0;
}

const hexOf = (value: unknown): string => (typeof value === "string" ? value.toLowerCase() : "");
const wordOf = (value: unknown): string => (typeof value === "string" ? value : "");

const SPAN_KINDS = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"].map((k) => `SPAN_KIND_${k}`);
const STATUS_CODES = ["UNSET", "OK", "ERROR"].map((k) => `STATUS_CODE_${k}`);
const TEMPORALITIES = ["UNSPECIFIED", "DELTA", "CUMULATIVE"].map((k) => `AGGREGATION_TEMPORALITY_${k}`);

const enumOf = (value: unknown, names: readonly string[]): number =>
  typeof value === "string" && Number.isNaN(Number(value)) ? Math.max(0, names.indexOf(value)) : countOf(value);
