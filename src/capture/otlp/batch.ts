import { LIMITS } from "../../base/limits.ts";
import { Malformed } from "./wire.ts";

/** The three kinds of telemetry. */
export type Signal = "traces" | "metrics" | "logs";

/** Attributes as JSON values; integers beyond 2^53 are decimal text, bytes base64. */
export type Attributes = Record<string, unknown>;

/** Who made the telemetry. */
export interface Origin {
  readonly resource: Attributes;
  readonly scope: string;
  /** What was derived from the resource once, see `vocabulary.ts`. */
  known?: unknown;
}

export interface SpanEvent {
  readonly time: number;
  readonly name: string;
  readonly attributes: Attributes;
}

/** A span; times in microseconds since 1970, 0 where absent; ids in hexadecimal, "" where absent. */
export interface Span {
  trace_id: string;
  span_id: string;
  parent_span_id: string;
  trace_state: string;
  name: string;
  kind: number;
  start: number;
  end: number;
  attributes: Attributes;
  events: SpanEvent[];
  links: { readonly trace_id: string; readonly span_id: string; readonly attributes: Attributes }[];
  status: number;
  status_message: string;
  dropped: number;
}

/** A log record. */
export interface LogRecord {
  time: number;
  observed: number;
  severity_number: number;
  severity_text: string;
  body: unknown;
  event_name: string;
  attributes: Attributes;
  trace_id: string;
  span_id: string;
  dropped: number;
}

export type PointKind = "gauge" | "sum" | "histogram" | "exponential_histogram" | "summary";

/** One point of a metric. */
export interface Point {
  readonly kind: PointKind;
  readonly name: string;
  readonly unit: string;
  /** 1 delta, 2 cumulative, 0 where the kind has none or it was not told. */
  readonly temporality: number;
  readonly monotonic: boolean;
  start: number;
  time: number;
  attributes: Attributes;
  /** Of gauges and sums. */
  value: number | undefined;
  /** Of the others. */
  count: number;
  sum: number | undefined;
  min: number | undefined;
  max: number | undefined;
  /** Upper bounds and counts of buckets; an exponential one tells its scale and offsets; a summary its quantiles. */
  buckets: Readonly<Record<string, unknown>> | undefined;
  /** The point says that it has no value. */
  empty: boolean;
}

/** Telemetry of one request, whatever it was written in. */
export interface Batch {
  readonly spans: { readonly origin: Origin; readonly items: Span[] }[];
  readonly logs: { readonly origin: Origin; readonly items: LogRecord[] }[];
  readonly points: { readonly origin: Origin; readonly items: Point[] }[];
}

/** Counts what a request makes in memory: small bytes can stand for many objects. */
export class Budget {
  private items = 0;
  private values = 0;
  /** One more span, record, point, resource or scope. */
  item(): void {
    if (++this.items > LIMITS.otlp_items_max) throw new Malformed(`has more than ${LIMITS.otlp_items_max} items`);
  }
  /** One more value of an attribute, at a depth. */
  value(depth: number): void {
    if (depth > LIMITS.otlp_depth_max) throw new Malformed(`is nested deeper than ${LIMITS.otlp_depth_max}`);
    if (++this.values > LIMITS.otlp_values_max) throw new Malformed(`has more than ${LIMITS.otlp_values_max} values`);
  }
}

export const newSpan = (): Span => ({
  trace_id: "",
  span_id: "",
  parent_span_id: "",
  trace_state: "",
  name: "",
  kind: 0,
  start: 0,
  end: 0,
  attributes: {},
  events: [],
  links: [],
  status: 0,
  status_message: "",
  dropped: 0,
});

export const newLog = (): LogRecord => ({
  time: 0,
  observed: 0,
  severity_number: 0,
  severity_text: "",
  body: undefined,
  event_name: "",
  attributes: {},
  trace_id: "",
  span_id: "",
  dropped: 0,
});

export const newPoint = (metric: {
  kind: PointKind;
  name: string;
  unit: string;
  temporality: number;
  monotonic: boolean;
}): Point => ({
  ...metric,
  start: 0,
  time: 0,
  attributes: {},
  value: undefined,
  count: 0,
  sum: undefined,
  min: undefined,
  max: undefined,
  buckets: undefined,
  empty: false,
});

/** Puts an attribute in; the one name that would reach the object's prototype is left out. */
export function setAttribute(attributes: Attributes, name: string, value: unknown): void {
  if (name !== "__proto__") attributes[name] = value;
}
