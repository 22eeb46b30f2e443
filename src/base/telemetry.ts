import {
  type Attributes,
  type Context,
  context,
  type Histogram,
  type Link,
  type Meter,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { LIMITS } from "./limits.ts";

/**
 * weir's own spans and counts. Only the API is loaded here. Without an SDK (telemetry-sdk.ts, or the one of the program weir/sdk is used in) a
 * span is a shell that hands its parent's context on, so a trace passes through weir also when weir itself tells nobody.
 */
const tracer = trace.getTracer("weir");
let recording = false;
let meters: Meters | undefined;

/** The histograms and counters; what is seen as a state (lag, positions) comes from the status instead. */
interface Meters {
  readonly sent: (attributes: Attributes) => void;
  readonly consumed: (frames: number, attributes: Attributes) => void;
  readonly process: Histogram;
  readonly mcp: Histogram;
  readonly http: Histogram;
}

/** Seconds; the buckets that the semantic conventions advise. */
const SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** Told by telemetry-sdk.ts when spans and counts are exported, and when they are no more. */
export function setTelemetry(state: { traces: boolean; meter: Meter | undefined }): void {
  recording = state.traces;
  meters = state.meter && metersOf(state.meter);
}

function metersOf(meter: Meter): Meters {
  const seconds = (name: string, description: string): Histogram =>
    meter.createHistogram(name, { description, unit: "s", advice: { explicitBucketBoundaries: SECONDS } });
  const sent = meter.createCounter("messaging.client.sent.messages", {
    description: "frames sent to the broker",
    unit: "{message}",
  });
  const consumed = meter.createCounter("messaging.client.consumed.messages", {
    description: "frames taken from the broker",
    unit: "{message}",
  });
  return {
    sent: (attributes) => sent.add(1, attributes),
    consumed: (frames, attributes) => consumed.add(frames, attributes),
    process: seconds("messaging.process.duration", "time of one batch, until what came of it is durable"),
    mcp: seconds("mcp.server.operation.duration", "time of a call of a tool"),
    http: seconds("http.server.request.duration", "time of a request"),
  };
}

/** Whether anything of this thread is exported. Only work that serves nothing else asks. */
export const telemetryOn = (): boolean => recording || meters !== undefined;

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/;

/** The span a W3C `traceparent` names (https://www.w3.org/TR/trace-context/#traceparent-header); undefined where the text is none. */
export function spanContextOf(text: string | undefined): SpanContext | undefined {
  if (!text) return undefined;
  const [, traceId, spanId, flags] = TRACEPARENT.exec(text) ?? [];
  if (!traceId || !spanId || text.startsWith("ff") || (text.startsWith("00") && text.length !== 55)) return undefined;
  const found = { traceId, spanId, traceFlags: Number.parseInt(flags!, 16) & 1, isRemote: true };
  return trace.isSpanContextValid(found) ? found : undefined;
}

/** A span as `traceparent`; undefined for one that stands in no trace. */
export function traceparentOf(span: Span | undefined): string | undefined {
  const of = span?.spanContext();
  if (!of || !trace.isSpanContextValid(of)) return undefined;
  return `00-${of.traceId}-${of.spanId}-${(of.traceFlags & 1).toString(16).padStart(2, "0")}`;
}

/** The `traceparent` of the request that is being served; undefined outside one, and while nothing is exported. */
export const activeTraceparent = (): string | undefined =>
  recording ? traceparentOf(trace.getActiveSpan()) : undefined;

/** Where a span over many things belongs: to the one context that all of them have, or to all of them by links (`links_max`, the rest only counted). */
export function originOf(traces: readonly (string | undefined)[]): { parent: Context; links: Link[] } {
  const [first] = traces;
  if (traces.every((text) => text === first)) return { parent: withParent(spanContextOf(first)), links: [] };
  const links: Link[] = [];
  for (const text of new Set(traces)) {
    if (links.length >= LIMITS.span_links_max) break;
    const found = spanContextOf(text);
    if (found) links.push({ context: found });
  }
  return { parent: ROOT_CONTEXT, links };
}

const withParent = (parent: SpanContext | undefined): Context =>
  parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT;

/** Ends a span, as failed where there is an error. */
export function endSpan(span: Span, error?: unknown): void {
  if (error !== undefined) {
    span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) });
    span.setAttribute("error.type", typeOf(error));
  }
  span.end();
}
const typeOf = (error: unknown): string =>
  String((error as { code?: unknown })?.code ?? (error as { name?: unknown })?.name ?? "_OTHER");

/** The span over sending one frame. `traces`: the `traceparent` texts of its events, each once; `undefined` among them where some have none. */
export function sendSpan(subject: string, traces: readonly (string | undefined)[], events: number): Span {
  const { parent, links } = originOf(traces);
  const attributes = {
    "messaging.system": "nats",
    "messaging.operation.name": "send",
    "messaging.operation.type": "send",
    "messaging.destination.name": subject,
    "messaging.destination.template": "weir.in.{partition}",
    "weir.events": events,
  };
  return tracer.startSpan("send weir.in.{partition}", { kind: SpanKind.PRODUCER, attributes, links }, parent);
}

/** Ends the span of a frame, and counts the frame. */
export function sent(span: Span, error?: unknown): void {
  endSpan(span, error);
  meters?.sent({
    "messaging.system": "nats",
    "messaging.operation.name": "send",
    "messaging.destination.template": "weir.in.{partition}",
    ...(error === undefined ? {} : { "error.type": typeOf(error) }),
  });
}

/** One batch of frames of a consumer: a processor, or `tables`. */
export interface Processing {
  /** The header of what comes of the batch. */
  readonly trace: string | undefined;
  end(error?: unknown): void;
}

/**
 * The span over one batch. `started`: when it was begun, on the clock of `performance.now()`. `traces`: the header of each frame.
 * It is ended when what came of the batch is durable.
 */
export function processSpan(
  consumer: string,
  of: { stream: string; traces: readonly (string | undefined)[]; events: number; started: number },
): Processing {
  if (!telemetryOn()) return handedOn(of.traces);
  const { parent, links } = originOf(of.traces);
  const common = {
    "messaging.system": "nats",
    "messaging.operation.name": "process",
    "messaging.destination.name": of.stream,
    "messaging.consumer.group.name": consumer,
  };
  const attributes = {
    ...common,
    "messaging.operation.type": "process",
    "messaging.batch.message_count": of.traces.length,
    "weir.events": of.events,
  };
  const span = tracer.startSpan(
    `process ${consumer}`,
    { kind: SpanKind.CONSUMER, attributes, links, startTime: of.started },
    parent,
  );
  meters?.consumed(of.traces.length, common);
  return {
    trace: traceparentOf(span),
    end(error) {
      endSpan(span, error);
      meters?.process.record((performance.now() - of.started) / 1_000, {
        ...common,
        ...(error === undefined ? {} : { "error.type": typeOf(error) }),
      });
    },
  };
}

/** With nothing exported: the one context that all frames have goes on as it is. */
function handedOn(traces: readonly (string | undefined)[]): Processing {
  const [first] = traces;
  const one = first && traces.every((text) => text === first) && spanContextOf(first);
  return one ? { trace: first, end() {} } : NOTHING;
}
const NOTHING: Processing = { trace: undefined, end() {} };

/** What `serve` measures. */
export interface Served {
  readonly name: string;
  /** `http` for a request, `mcp` for a call of a tool. */
  readonly what: "http" | "mcp";
  /** Low in number: they are the attributes of the duration as well. */
  readonly attributes: Attributes;
  /** The caller's `traceparent`, which goes before the span this stands in. */
  readonly from?: string | undefined;
}

/** Serves one request within a span. `work` may add attributes; those of `counted` belong to the duration too. */
export async function serve<T>(
  { name, what, attributes, from }: Served,
  work: (add: (more: Attributes, failed?: boolean) => void, rename: (name: string) => void) => Promise<T>,
): Promise<T> {
  if (!telemetryOn())
    return work(
      () => {},
      () => {},
    );
  const started = performance.now();
  const caller = spanContextOf(from);
  const around = caller ? withParent(caller) : context.active();
  const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, around);
  const counted: Attributes = { ...attributes };
  const add = (more: Attributes, failed = false): void => {
    Object.assign(counted, more);
    span.setAttributes(more);
    if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
  };
  try {
    return await context.with(trace.setSpan(around, span), () => work(add, (better) => span.updateName(better)));
  } catch (error) {
    add({ "error.type": typeOf(error) }, true);
    throw error;
  } finally {
    span.end();
    meters?.[what].record((performance.now() - started) / 1_000, counted);
  }
}
