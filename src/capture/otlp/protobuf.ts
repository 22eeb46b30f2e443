import { LIMITS } from "../../base/limits.ts";
import {
  type Attributes,
  type Batch,
  Budget,
  type LogRecord,
  newLog,
  newSpan,
  type Origin,
  type Signal,
  type Span,
} from "./batch.ts";
import { readMetric } from "./protobuf-metrics.ts";
import { readAttribute, readValue } from "./protobuf-values.ts";
import { WireReader } from "./wire.ts";

/**
 * Reads an export request in protobuf (opentelemetry-proto 1.x, `collector/*_service.proto`). Cases are `field * 8 + wire type`. Throws
 * `Malformed`.
 */
export function readProtobuf(signal: Signal, bytes: Uint8Array): Batch {
  const r = new WireReader(bytes);
  const budget = new Budget();
  const batch: Batch = { spans: [], logs: [], points: [] };
  while (r.pos < bytes.length) {
    const tag = r.tag(bytes.length);
    if (tag === 10) readResourceOf(signal, r, r.enter(bytes.length), batch, budget);
    else r.skip(tag, bytes.length);
  }
  return batch;
}

/** ResourceSpans, ResourceLogs or ResourceMetrics: a resource (1), and the parts of each scope (2), in any order. */
function readResourceOf(signal: Signal, r: WireReader, end: number, batch: Batch, budget: Budget): void {
  budget.item();
  const resource: Attributes = {};
  const scopes: number[] = [];
  while (r.pos < end) {
    const tag = r.tag(end);
    if (tag === 10) {
      const stop = r.enter(end);
      while (r.pos < stop) {
        const inner = r.tag(stop);
        if (inner === 10) readAttribute(r, r.enter(stop), resource, budget);
        else r.skip(inner, stop);
      }
    } else if (tag === 18) {
      budget.item();
      const stop = r.enter(end);
      scopes.push(r.pos, stop);
      r.pos = stop;
    } else r.skip(tag, end);
  }
  for (let k = 0; k < scopes.length; k += 2) {
    r.pos = scopes[k]!;
    readScopeOf(signal, r, scopes[k + 1]!, resource, batch, budget);
  }
  r.pos = end;
}

function readScopeOf(
  signal: Signal,
  r: WireReader,
  end: number,
  resource: Attributes,
  batch: Batch,
  budget: Budget,
): void {
  let scope = "";
  const spans: Span[] = [];
  const logs: LogRecord[] = [];
  const points: Batch["points"][number]["items"] = [];
  while (r.pos < end) {
    const tag = r.tag(end);
    if (tag === 10) {
      const stop = r.enter(end);
      while (r.pos < stop) {
        const inner = r.tag(stop);
        if (inner === 10) scope = r.name(stop);
        else r.skip(inner, stop);
      }
    } else if (tag === 18) {
      budget.item();
      const stop = r.enter(end);
      if (signal === "traces") spans.push(readSpan(r, stop, budget));
      else if (signal === "logs") logs.push(readLog(r, stop, budget));
      else readMetric(r, stop, points, budget);
    } else r.skip(tag, end);
  }
  const origin: Origin = { resource, scope };
  if (spans.length > 0) batch.spans.push({ origin, items: spans });
  if (logs.length > 0) batch.logs.push({ origin, items: logs });
  if (points.length > 0) batch.points.push({ origin, items: points });
}

function readSpan(r: WireReader, end: number, budget: Budget): Span {
  const span = newSpan();
  while (r.pos < end) {
    const tag = r.tag(end);
    switch (tag) {
      case 10:
        span.trace_id = r.hex(end);
        break;
      case 18:
        span.span_id = r.hex(end);
        break;
      case 26:
        span.trace_state = r.text(end);
        break;
      case 34:
        span.parent_span_id = r.hex(end);
        break;
      case 42:
        span.name = r.name(end);
        break;
      case 48:
        span.kind = r.varint(end);
        break;
      case 57:
        span.start = r.micros(end);
        break;
      case 65:
        span.end = r.micros(end);
        break;
      case 74:
        readAttribute(r, r.enter(end), span.attributes, budget);
        break;
      case 80:
      case 96:
      case 112:
        span.dropped += r.varint(end);
        break;
      case 90:
        readSpanEvent(r, r.enter(end), span, budget);
        break;
      case 106:
        readLink(r, r.enter(end), span, budget);
        break;
      case 122:
        readStatus(r, r.enter(end), span);
        break;
      default:
        r.skip(tag, end);
    }
  }
  return span;
}

function readSpanEvent(r: WireReader, end: number, span: Span, budget: Budget): void {
  if (span.events.length >= LIMITS.otlp_parts_max) {
    span.dropped++;
    r.pos = end;
    return;
  }
  budget.item();
  let time = 0;
  let name = "";
  const attributes: Attributes = {};
  while (r.pos < end) {
    const tag = r.tag(end);
    if (tag === 9) time = r.micros(end);
    else if (tag === 18) name = r.name(end);
    else if (tag === 26) readAttribute(r, r.enter(end), attributes, budget);
    else r.skip(tag, end);
  }
  span.events.push({ time, name, attributes });
}

function readLink(r: WireReader, end: number, span: Span, budget: Budget): void {
  if (span.links.length >= LIMITS.otlp_parts_max) {
    span.dropped++;
    r.pos = end;
    return;
  }
  budget.item();
  let trace_id = "";
  let span_id = "";
  const attributes: Attributes = {};
  while (r.pos < end) {
    const tag = r.tag(end);
    if (tag === 10) trace_id = r.hex(end);
    else if (tag === 18) span_id = r.hex(end);
    else if (tag === 34) readAttribute(r, r.enter(end), attributes, budget);
    else r.skip(tag, end);
  }
  span.links.push({ trace_id, span_id, attributes });
}

function readStatus(r: WireReader, end: number, span: Span): void {
  while (r.pos < end) {
    const tag = r.tag(end);
    if (tag === 18) span.status_message = r.text(end);
    else if (tag === 24) span.status = r.varint(end);
    else r.skip(tag, end);
  }
}

function readLog(r: WireReader, end: number, budget: Budget): LogRecord {
  const log = newLog();
  while (r.pos < end) {
    const tag = r.tag(end);
    switch (tag) {
      case 9:
        log.time = r.micros(end);
        break;
      case 16:
        log.severity_number = r.varint(end);
        break;
      case 26:
        log.severity_text = r.name(end);
        break;
      case 42:
        log.body = readValue(r, r.enter(end), budget, 0);
        break;
      case 50:
        readAttribute(r, r.enter(end), log.attributes, budget);
        break;
      case 56:
        log.dropped += r.varint(end);
        break;
      case 74:
        log.trace_id = r.hex(end);
        break;
      case 82:
        log.span_id = r.hex(end);
        break;
      case 89:
        log.observed = r.micros(end);
        break;
      case 98:
        log.event_name = r.name(end);
        break;
      default:
        r.skip(tag, end);
    }
  }
  return log;
}
