import { derivedId } from "../../base/id.ts";
import type { Draft } from "../../define/event.ts";
import { metricMeasured } from "../../events/measure.ts";
import { boundJson } from "../bound.ts";
import { tidy } from "./attributes.ts";
import type { Attributes, Origin, Point } from "./batch.ts";
import { type SeriesMarks, type Step, seriesKey } from "./series.ts";
import { resourceJson } from "./spans.ts";
import type { Told } from "./told.ts";
import type { Known } from "./vocabulary.ts";

const CUMULATIVE = 2;

/** Names under which weir tells what it computes itself from calls: what a producer sums up under the same name stands beside them. */
const OWN = new Set([
  "gen_ai.client.token.usage",
  "gen_ai.client.operation.duration",
  "mcp.client.operation.duration",
  "tool.duration",
  "weir.cost",
]);

/** Attributes that name a person or a session; as labels they would make a series of each. */
const PERSONAL =
  /^(session\.id|conversation\.id|gen_ai\.conversation\.id|prompt\.id|prompt_id|organization\.id|user\.|event\.)/;

/** Why a point is none, or nothing. */
export function pointFault(point: Point): string | undefined {
  if (point.name === "") return "a metric has no name";
  if (point.empty) return undefined;
  if (point.kind === "gauge" || point.kind === "sum") {
    if (point.value === undefined || !Number.isFinite(point.value))
      return `a point of ${point.name} has no finite value`;
  } else if (!Number.isSafeInteger(point.count)) return `a point of ${point.name} counts more than 2^53`;
  return undefined;
}

/** The point as a value that was measured; nothing where nothing was added. */
export function pointDraft(
  point: Point,
  known: Known,
  origin: Origin,
  envelope: Told["envelope"],
  steps: ReturnType<SeriesMarks["begin"]>,
): Draft | undefined {
  const labels = labelsOf(point.attributes, known);
  const name = tidy(OWN.has(point.name) ? `otlp.${point.name}` : point.name, 256);
  const key = seriesKey(
    point.kind,
    point.name,
    point.unit,
    known.service ?? "",
    known.scope ?? "",
    resourceJson(origin) ?? "",
    sorted(point.attributes),
  );
  const data = measured(point, key, steps);
  if (!data) return undefined;
  const { from, ...values } = data;
  return metricMeasured.of(
    { ...envelope, id: derivedId(envelope.time!, "otlp", "metric.measured", key, from, point.time) },
    { name, unit: point.unit === "" ? undefined : tidy(point.unit, 32), labels, ...values },
  );
}

type Measured = { from: number; value: number; kind: string } & Partial<
  Record<"count" | "sum" | "min" | "max", number> & { buckets: string }
>;

function measured(point: Point, key: string, steps: ReturnType<SeriesMarks["begin"]>): Measured | undefined {
  const { kind, start } = point;
  if (kind === "gauge" || (kind === "sum" && point.temporality === CUMULATIVE && !point.monotonic))
    return { from: start, value: point.value!, kind: "gauge" };
  if (kind === "sum") {
    if (point.temporality !== CUMULATIVE) return { from: start, value: point.value!, kind };
    const step = steps.step(key, point);
    return step && step.value !== 0 ? { from: step.from, value: step.value, kind } : undefined;
  }
  const cumulative = kind === "summary" || point.temporality === CUMULATIVE;
  const whole: Step = { from: start, value: point.sum ?? 0, count: point.count, counts: undefined };
  const step = cumulative ? steps.step(key, point) : whole;
  if (!step || step.count <= 0) return undefined;
  // of a cumulative series only the first stretch has extremes of its own
  const first = !cumulative || step.from === start;
  const mean = step.value / step.count;
  return {
    from: step.from,
    value: Number.isFinite(mean) ? mean : 0,
    kind,
    count: step.count,
    sum: point.sum === undefined ? undefined : finite(step.value),
    min: first ? finite(point.min) : undefined,
    max: first ? finite(point.max) : undefined,
    buckets: bucketsOf(point, step, first),
  };
}

const finite = (value: number | undefined): number | undefined =>
  value !== undefined && Number.isFinite(value) ? value : undefined;

/** Buckets as JSON. Exponential ones of a cumulative series are not taken apart: their scale may change from point to point. */
function bucketsOf(point: Point, step: Step, first: boolean): string | undefined {
  const { buckets, kind } = point;
  if (!buckets) return undefined;
  if (kind === "histogram" && !first) {
    return step.counts && boundJson({ bounds: buckets.bounds, counts: step.counts }, 32_000);
  }
  return kind === "exponential_histogram" && !first ? undefined : boundJson(buckets, 32_000);
}

/** Attributes as labels: texts in a fixed order, with the service that measured. */
function labelsOf(attributes: Attributes, known: Known): string | undefined {
  const labels: Record<string, string> = {};
  for (const name of Object.keys(attributes).sort()) {
    const value = attributes[name];
    if (value === null || value === undefined || PERSONAL.test(name)) continue;
    labels[name] = typeof value === "string" ? tidy(value, 512) : String(JSON.stringify(value)).slice(0, 512);
  }
  if (known.service !== undefined) labels["service.name"] = known.service;
  return boundJson(labels, 4_000);
}

const sorted = (attributes: Attributes): string =>
  JSON.stringify(
    Object.keys(attributes)
      .sort()
      .map((name) => [name, attributes[name]]),
  );
