import { derivedId } from "../../base/id.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Draft } from "../../define/event.ts";
import { spanEnded } from "../../events/telemetry.ts";
import { boundJson } from "../bound.ts";
import { attributesJson, tidy, without } from "./attributes.ts";
import type { Attributes, Origin, Span } from "./batch.ts";
import type { Told } from "./told.ts";
import type { Known } from "./vocabulary.ts";

const KINDS = [undefined, "internal", "server", "client", "producer", "consumer"];
const STATUSES = [undefined, "ok", "error"];
const TRACE = /^[0-9a-f]{32}$/;
const SPAN = /^[0-9a-f]{16}$/;
const NO_TRACE = "0".repeat(32);
const NO_SPAN = "0".repeat(16);

export const isTraceId = (id: string): boolean => id.length === 32 && TRACE.test(id) && id !== NO_TRACE;
const isSpanId = (id: string): boolean => id.length === 16 && SPAN.test(id) && id !== NO_SPAN;

/** Why a span is none, or nothing. */
export function spanFault(span: Span): string | undefined {
  if (!isTraceId(span.trace_id)) return "the trace id is not 16 bytes, or all zero";
  if (!isSpanId(span.span_id)) return "the span id is not 8 bytes, or all zero";
  return undefined;
}

const VARIANT = "89ab89ab89ab89ab";

/** Id of a span's event: a UUIDv7 whose free bits are the span's id and the last ones of the trace's. No hash, for there are many. */
export function spanIdOf(time_us: number, { span_id: s, trace_id: t }: Span): string {
  const ms = Math.floor(time_us / 1_000);
  if (ms >= 2 ** 48) return derivedId(time_us, "otlp", "span.ended", t, s);
  const hex = ms.toString(16).padStart(12, "0");
  const variant = VARIANT[Number.parseInt(t[29]!, 16)]!;
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7${s.slice(0, 3)}-${variant}${s.slice(3, 6)}-${s.slice(6)}${t.slice(30)}`;
}

/** The span as it is. */
export function spanDraft(
  span: Span,
  known: Known,
  origin: Origin,
  envelope: Told["envelope"],
  id: string,
  contents: ReadonlySet<string>,
): Draft {
  const attributes = contents.size > 0 ? without(span.attributes, contents) : span.attributes;
  // every property by name: these are many
  return {
    type: spanEnded.type,
    id,
    time: envelope.time,
    source: envelope.source,
    via: envelope.via,
    session: envelope.session,
    assistant: envelope.assistant,
    data: {
      name: span.name === "" ? "unnamed" : tidy(span.name, 512),
      trace_id: span.trace_id,
      span_id: span.span_id,
      parent_span_id: isSpanId(span.parent_span_id) ? span.parent_span_id : undefined,
      kind: KINDS[span.kind],
      service: known.service,
      scope: known.scope,
      resource: resourceJson(origin),
      duration_ms: span.start > 0 && span.end > span.start ? (span.end - span.start) / 1_000 : 0,
      status: STATUSES[span.status],
      status_message: span.status_message === "" ? undefined : tidy(span.status_message, 4_000),
      attributes: attributesJson(attributes),
      events: span.events.length === 0 ? undefined : boundJson(span.events, LIMITS.otlp_attributes_chars_max),
      links: span.links.length === 0 ? undefined : boundJson(span.links, LIMITS.otlp_attributes_chars_max),
      trace_state: span.trace_state === "" ? undefined : tidy(span.trace_state, 512),
      dropped: span.dropped > 0 ? Math.min(span.dropped, Number.MAX_SAFE_INTEGER) : undefined,
    },
  };
}

const SERVICE: ReadonlySet<string> = new Set(["service.name"]);
const resources = new WeakMap<Attributes, string | undefined>();

/** The resource's attributes beside the service, as JSON; made once a resource. */
export function resourceJson({ resource }: Origin): string | undefined {
  if (resources.has(resource)) return resources.get(resource);
  const text = attributesJson(without(resource, SERVICE), 8_000);
  resources.set(resource, text);
  return text;
}
