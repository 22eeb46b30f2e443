import { LIMITS } from "../src/base/limits.ts";
import { recall, remember } from "../src/base/remember.ts";
import type { Draft, Event } from "../src/define/event.ts";
import { defineProcessor } from "../src/define/processor.ts";
import { mcpCalled } from "../src/events/mcp.ts";
import { anomalyDetected, metricMeasured, thresholdSet } from "../src/events/measure.ts";
import { modelCalled } from "../src/events/model.ts";
import { replaces, type Setting, settingOf } from "../src/events/thresholds.ts";
import { toolCalled } from "../src/events/tool.ts";

/** The last values of a series, and what is expected of the next. */
interface Series {
  readonly values: number[];
  /** Where the next value goes once the window is full. */
  at: number;
  /** Values since centre and spread were computed. */
  stale: number;
  median: number;
  spread: number;
  /** Newest value, and when an anomaly was last told, in event time. */
  newest_us: number;
  told_us: number;
}

type Labels = Readonly<Record<string, string>>;

interface Threshold {
  readonly name: string;
  readonly metric: string;
  readonly labels: Labels;
  readonly above?: number | undefined;
  readonly below?: number | undefined;
  readonly severity: string;
  /** As it was set; absent in states of before. */
  readonly setting?: Setting;
}

interface State {
  readonly series: Map<string, Series>;
  readonly thresholds: Map<string, Threshold>;
  /** Thresholds that were taken away, by name. */
  removed?: Map<string, Setting>;
  /** When a threshold was last told of a series, in event time. */
  readonly told: Map<string, number>;
}

const WINDOW = 128;
const NEEDED = 32;
const REFRESH = 64;
/** Robust standard deviations: an anomaly, and a critical one. */
const SCORE = 8;
const SCORE_CRITICAL = 20;
/** One series tells an anomaly at most this often. */
const QUIET_US = 60_000_000;

/**
 * Finds values far from what their series showed lately, by the modified z-score of Iglewicz and Hoaglin ("How to Detect and Handle
 * Outliers", 1993): 0.6745 (x - median) / MAD over the last 128 values; and values beyond static thresholds.
 */
export default defineProcessor<State>({
  about: "Finds values out of the ordinary and beyond thresholds.",
  on: [toolCalled, mcpCalled, modelCalled, metricMeasured, thresholdSet] as never,
  emits: [anomalyDetected] as never,
  reads: "events",
  passes: false,
  start: () => ({ series: new Map(), thresholds: new Map(), told: new Map() }),
  step: (state, event) => {
    const data = event.data as Readonly<Record<string, unknown>>;
    const emit: Draft[] = [];
    const look = (metric: string, value: unknown, series: string, labels: () => Labels): void =>
      lookAt(state, event, { metric, value, series, labels }, emit);
    switch (event.type) {
      case toolCalled.type: {
        const tool = data.tool as string;
        look("tool.duration", data.duration_ms, `tool=${tool}`, () => ({ "gen_ai.tool.name": tool, tool }));
        break;
      }
      case mcpCalled.type: {
        const [server, method, tool] = [
          data.server as string,
          data.method as string,
          (data.tool as string | undefined) ?? "",
        ];
        look("mcp.client.operation.duration", data.duration_ms, `${server}/${method}/${tool}`, () => ({
          "weir.mcp.server": server,
          "mcp.method.name": method,
          "gen_ai.tool.name": tool,
        }));
        break;
      }
      case modelCalled.type: {
        const model = data.model as string;
        const labels = () => ({ "gen_ai.response.model": model, model });
        const tokens = (type: string, value: number): void =>
          look("gen_ai.client.token.usage", value, `model=${model},type=${type}`, () => ({
            ...labels(),
            "gen_ai.token.type": type,
          }));
        look("gen_ai.client.operation.duration", data.duration_ms, `model=${model}`, labels);
        look("weir.cost", data.cost_usd, `model=${model}`, labels);
        tokens(
          "input",
          Number(data.input_tokens) + Number(data.cache_creation_tokens) + Number(data.cache_read_tokens),
        );
        tokens("output", Number(data.output_tokens));
        break;
      }
      case metricMeasured.type: {
        const labels = (data.labels as string | undefined) ?? "";
        look(data.name as string, data.value, labels === "{}" ? "" : labels.replace(/^\{|\}$/g, ""), () =>
          labelsOf(labels),
        );
        break;
      }
      default:
        setThreshold(state, event);
    }
    return emit.length > 0 ? { emit } : undefined;
  },
});

/** The newest setting holds, in whatever order they arrive, so one that was taken away is remembered too. */
function setThreshold(state: State, event: Event): void {
  const setting = settingOf(event);
  const { name, metric, labels, above, below, severity } = setting;
  const held = state.thresholds.get(name)?.setting ?? state.removed?.get(name);
  if (held && !replaces(setting, held)) return;
  if (setting.removed === "true") {
    state.thresholds.delete(name);
    state.removed ??= new Map();
    remember(state.removed, name, setting, LIMITS.thresholds_max);
    return;
  }
  // the order to set one is refused then; this is for what comes another way
  if (state.thresholds.size >= LIMITS.thresholds_max && !state.thresholds.has(name)) return;
  state.removed?.delete(name);
  state.thresholds.set(name, { name, metric, labels: labelsOf(labels), above, below, severity, setting });
}

function labelsOf(text: string | undefined): Record<string, string> {
  if (!text) return {};
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null
      ? Object.fromEntries(Object.entries(parsed).map(([k, v]) => [k, String(v)]))
      : {};
  } catch {
    return {}; // labels that are no JSON match nothing in particular
  }
}

/** One value of a series, with the labels that thresholds may ask for. */
interface Measured {
  readonly metric: string;
  readonly value: unknown;
  readonly series: string;
  readonly labels: () => Labels;
}

function lookAt(state: State, event: Event, { metric, value, series, labels }: Measured, emit: Draft[]): void {
  if (typeof value !== "number") return;
  const key = series === "" ? metric : `${metric}{${series}}`;
  let known: Labels | undefined;
  for (const threshold of state.thresholds.values()) {
    if (threshold.metric !== metric) continue;
    known ??= labels();
    if (matches(threshold, known)) beyond(state, event, key, value, threshold, emit);
  }
  // what an answer costs or weighs differs by nature: only thresholds speak of it
  if (metric !== "weir.cost" && metric !== "gen_ai.client.token.usage") unusual(state, event, key, value, emit);
}

const matches = (threshold: Threshold, labels: Labels): boolean =>
  Object.entries(threshold.labels).every(([name, value]) => labels[name] === value);

function beyond(state: State, event: Event, series: string, value: number, threshold: Threshold, emit: Draft[]): void {
  const { above, below, name, severity } = threshold;
  const high = above !== undefined && value > above;
  if (!high && !(below !== undefined && value < below)) return;
  const key = `${name} ${series}`;
  const told = state.told.get(key);
  if (told !== undefined && event.time - told < QUIET_US) return;
  remember(state.told, key, event.time, LIMITS.state_entries_max);
  const limit = (high ? above : below)!;
  emit.push(
    anomalyDetected.of(
      {},
      {
        series: series.slice(0, 1_000),
        kind: high ? "high" : "low",
        severity: severity as "warning",
        score: finite(limit === 0 ? Math.abs(value) : Math.abs(value - limit) / Math.abs(limit)),
        value,
        expected_low: below ?? Math.min(0, value, limit),
        expected_high: above ?? Math.max(value, limit),
        method: `threshold:${name}`.slice(0, 64),
      },
    ),
  );
}

function unusual(state: State, event: Event, key: string, value: number, emit: Draft[]): void {
  let series = recall(state.series, key, LIMITS.series_max);
  if (!series) {
    series = { values: [], at: 0, stale: 0, median: 0, spread: 0, newest_us: 0, told_us: 0 };
    remember(state.series, key, series, LIMITS.series_max);
  }
  // history that comes late or again, from an import for example, is no news, and must not be measured against what came after it
  if (event.time < series.newest_us) return;
  series.newest_us = event.time;
  if (series.values.length >= NEEDED) {
    const score = (0.6745 * (value - series.median)) / series.spread;
    if (Math.abs(score) >= SCORE && event.time - series.told_us >= QUIET_US) {
      series.told_us = event.time;
      const reach = (SCORE * series.spread) / 0.6745;
      emit.push(
        anomalyDetected.of(
          {},
          {
            series: key.slice(0, 1_000),
            kind: score > 0 ? "high" : "low",
            severity: Math.abs(score) >= SCORE_CRITICAL ? "critical" : "warning",
            score: finite(Math.abs(score)),
            value,
            expected_low: finite(series.median - reach),
            expected_high: finite(series.median + reach),
            method: "robust-z",
          },
        ),
      );
    }
  }
  if (series.values.length < WINDOW) series.values.push(value);
  else {
    series.values[series.at] = value;
    series.at = (series.at + 1) % WINDOW;
  }
  if (++series.stale >= REFRESH || series.values.length <= NEEDED) refresh(series);
}

/** Values at the end of what a number holds overflow in between; an event carries finite ones. */
const finite = (value: number): number => Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, value));

function refresh(series: Series): void {
  series.stale = 0;
  const sorted = Float64Array.from(series.values).sort();
  series.median = middle(sorted);
  for (let i = 0; i < sorted.length; i++) sorted[i] = Math.abs(sorted[i]! - series.median);
  // a series that hardly moves would call every change an anomaly: 5 percent of its size, or a thousandth, is the least spread
  series.spread = Math.max(middle(sorted.sort()), Math.abs(series.median) * 0.05, 0.001);
}

const middle = (sorted: Float64Array): number => {
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
};
