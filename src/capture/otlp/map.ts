import { derivedId } from "../../base/id.ts";
import type { Draft } from "../../define/event.ts";
import { boundKey } from "../bound.ts";
import { textIn } from "./attributes.ts";
import type { Attributes, Batch, Origin } from "./batch.ts";
import { logDraft, logNameOf, timeOfLog } from "./logs.ts";
import { pointDraft, pointFault } from "./points.ts";
import type { Moved, SeriesMarks } from "./series.ts";
import { isTraceId, spanDraft, spanFault, spanIdOf } from "./spans.ts";
import type { Told, Vocabulary } from "./told.ts";
import { type Known, knownOf } from "./vocabulary.ts";

/** Something of a request that is not taken, and why. */
export interface Refusal {
  readonly detail: string;
  readonly type: string;
  readonly original: unknown;
  readonly time: number;
}

/** A request as events. */
export interface Mapped {
  readonly drafts: Draft[];
  readonly refused: Refusal[];
  /** Where cumulative series stand when the drafts are stored. */
  readonly moved: Moved;
  /** To be called when the drafts could not be stored. */
  undo(): void;
}

const NOTHING: ReadonlySet<string> = new Set();

/**
 * Maps telemetry to events. Every span, log record and point is kept as it is (`span.ended`, `log.recorded`, `metric.measured`); those in the
 * words of a known producer give a typed event as well, and their generic form then leaves out the contents that stand there. Ids follow from
 * what the item is, so a request that is sent again makes the same events. Pure but for the marks of series.
 */
export function mapBatch(batch: Batch, series: SeriesMarks, now_us: number): Mapped {
  const drafts: Draft[] = [];
  const refused: Refusal[] = [];
  for (const { origin, items } of batch.spans) {
    const known = knownOf(origin);
    for (const span of items) {
      const time = span.end || span.start || now_us;
      const fault = spanFault(span) ?? timeFault(time);
      if (fault) {
        refused.push({ detail: fault, type: "span.ended", original: span, time: now_us });
        continue;
      }
      const id = spanIdOf(time, span);
      const envelope = envelopeOf(known, origin, span.attributes, time, span.trace_id, span.span_id);
      const typed = known.vocabulary.span?.(span, toldOf(envelope, time, id)) ?? [];
      drafts.push(spanDraft(span, known, origin, envelope, id, contentsOf(known.vocabulary, typed)), ...typed);
    }
  }
  mapLogs(batch, now_us, drafts, refused);
  const steps = series.begin();
  for (const { origin, items } of batch.points) {
    const known = knownOf(origin);
    for (const point of items) {
      const time = point.time || now_us;
      const fault = pointFault(point) ?? timeFault(time);
      if (fault) {
        refused.push({ detail: fault, type: "metric.measured", original: point, time: now_us });
        continue;
      }
      if (point.empty) continue;
      const envelope = envelopeOf(known, origin, point.attributes, time, "", "");
      const draft = pointDraft(point, known, origin, envelope, steps);
      if (!draft) continue;
      drafts.push(draft, ...(known.vocabulary.point?.(point, toldOf(envelope, time, draft.id!)) ?? []));
    }
  }
  return { drafts, refused, moved: steps.moved, undo: () => steps.undo() };
}

const timeFault = (time: number): string | undefined =>
  Number.isSafeInteger(time) ? undefined : "the time is out of range";

function mapLogs(batch: Batch, now_us: number, drafts: Draft[], refused: Refusal[]): void {
  // equal records of one request are several: the request is the same when it is sent again
  const met = new Map<string, number>();
  for (const { origin, items } of batch.logs) {
    const known = knownOf(origin);
    for (const log of items) {
      const time = timeOfLog(log, now_us);
      const fault = timeFault(time);
      if (fault) {
        refused.push({ detail: fault, type: "log.recorded", original: log, time: now_us });
        continue;
      }
      const name = logNameOf(log);
      const what = JSON.stringify([known.service, known.scope, name, log.body, log.attributes, log.span_id]);
      const nth = met.get(what) ?? 0;
      met.set(what, nth + 1);
      const id = derivedId(time, "otlp", "log.recorded", what, nth);
      const envelope = envelopeOf(known, origin, log.attributes, time, log.trace_id, log.span_id);
      const typed = known.vocabulary.log?.(log, toldOf(envelope, time, id)) ?? [];
      drafts.push(logDraft(log, name, known, origin, envelope, id, contentsOf(known.vocabulary, typed)), ...typed);
    }
  }
}

const contentsOf = (vocabulary: Vocabulary, typed: readonly Draft[]): ReadonlySet<string> =>
  typed.length > 0 ? vocabulary.contents : NOTHING;

function envelopeOf(
  { vocabulary, source }: Known,
  { resource }: Origin,
  attributes: Attributes,
  time: number,
  trace_id: string,
  span_id: string,
): Told["envelope"] {
  const { session: names, assistant } = vocabulary;
  const session = textIn(attributes, ...names) ?? (assistant ? textIn(resource, ...names) : undefined);
  return {
    time,
    source,
    via: "otlp",
    session: session === undefined ? undefined : boundKey(session, 128),
    assistant,
    traceparent: isTraceId(trace_id) && span_id.length === 16 ? `00-${trace_id}-${span_id}-01` : undefined,
  };
}

const toldOf = (envelope: Told["envelope"], time: number, of: string): Told => ({
  envelope,
  time,
  id: (type) => derivedId(time, "otlp", type, of),
});
