import { ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { expect, test } from "vitest";
import { readTelemetry } from "../../src/base/config.ts";
import { LIMITS } from "../../src/base/limits.ts";
import {
  originOf,
  processSpan,
  sendSpan,
  spanContextOf,
  telemetryOn,
  traceparentOf,
} from "../../src/base/telemetry.ts";
import { tracesOf } from "../../src/sdk/frames.ts";

const traceparent = (trace: string, span = 1, flags = "01"): string =>
  `00-${trace.repeat(32)}-${span.toString(16).padStart(16, "0")}-${flags}`;

test("a traceparent is read as W3C's text says, and nothing else is", () => {
  expect(spanContextOf(traceparent("a"))).toEqual({
    traceId: "a".repeat(32),
    spanId: "0000000000000001",
    traceFlags: 1,
    isRemote: true,
  });
  expect(spanContextOf(traceparent("a", 1, "02"))?.traceFlags).toBe(0);
  expect(spanContextOf(`cc${traceparent("a").slice(2)}-what-a-later-version-adds`)?.spanId).toBe("0000000000000001");
  const wrong = [
    undefined,
    "",
    "00",
    traceparent("0"),
    traceparent("a", 0),
    traceparent("A"),
    `${traceparent("a")}-more`,
    `ff${traceparent("a").slice(2)}`,
    ` ${traceparent("a")}`,
  ];
  for (const text of wrong) expect(spanContextOf(text)).toBeUndefined();
});

test("what has one context throughout stands under it; other things are linked, up to the limit", () => {
  const parentOf = (traces: readonly (string | undefined)[]) => trace.getSpanContext(originOf(traces).parent)?.traceId;
  expect(parentOf([traceparent("a"), traceparent("a")])).toBe("a".repeat(32));
  expect(originOf([])).toEqual({ parent: ROOT_CONTEXT, links: [] });
  expect(originOf([undefined])).toEqual({ parent: ROOT_CONTEXT, links: [] });
  for (const traces of [
    [traceparent("a"), undefined],
    [undefined, traceparent("a")],
    [traceparent("a"), traceparent("b"), traceparent("a")],
  ]) {
    expect(parentOf(traces)).toBeUndefined();
    expect(originOf(traces).links.length).toBe(new Set(traces.filter(Boolean)).size);
  }
  const many = Array.from({ length: LIMITS.span_links_max + 10 }, (_, k) => traceparent("c", k + 1));
  expect(originOf(many).links).toHaveLength(LIMITS.span_links_max);
});

test("the contexts of a frame's events, each once", () => {
  const of = (...traces: (string | undefined)[]) => tracesOf(traces.map((t) => ({ traceparent: t }) as never));
  expect(of()).toEqual([]);
  expect(of(undefined, undefined)).toEqual([undefined]);
  expect(of("a", "a", undefined, "b", "a")).toEqual(["a", undefined, "b"]);
});

test("without an SDK a context is handed on as it came, and none is made up", () => {
  expect(telemetryOn()).toBe(false);
  expect(traceparentOf(sendSpan("weir.in.0", [traceparent("a", 5)], 3))).toBe(traceparent("a", 5));
  expect(traceparentOf(sendSpan("weir.in.0", [], 3))).toBeUndefined();
  const batch = { stream: "WEIR_IN", events: 1, started: 0 };
  expect(processSpan("validate", { ...batch, traces: [traceparent("b", 7)] }).trace).toBe(traceparent("b", 7));
  expect(processSpan("validate", { ...batch, traces: [traceparent("b"), traceparent("c")] }).trace).toBeUndefined();
});

test("the standard variables decide what is exported", () => {
  const of = (env: Record<string, string>) => {
    const { traces, metrics, metricIntervalMs } = readTelemetry(env);
    return [traces, metrics, metricIntervalMs];
  };
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318" };
  expect(of({})).toEqual([false, false, 60_000]);
  expect(of({ OTEL_SERVICE_NAME: "weir", OTEL_METRIC_EXPORT_INTERVAL: "500" })).toEqual([false, false, 500]);
  expect(of(endpoint)).toEqual([true, true, 60_000]);
  // weir's own receiver
  expect(of({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4777" })).toEqual([false, false, 60_000]);
  expect(of({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:9", WEIR_HTTP_PORT: "9" })).toEqual([
    false,
    false,
    60_000,
  ]);
  expect(of({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://a/v1/traces" })).toEqual([true, false, 60_000]);
  expect(of({ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "http://a/v1/metrics" })).toEqual([false, true, 60_000]);
  expect(of({ ...endpoint, OTEL_TRACES_EXPORTER: "none" })).toEqual([false, true, 60_000]);
  expect(of({ ...endpoint, OTEL_SDK_DISABLED: "true" })).toEqual([false, false, 60_000]);
  expect(of({ ...endpoint, OTEL_METRIC_EXPORT_INTERVAL: "soon" })).toEqual([true, true, 60_000]);
  // a protocol that is not spoken is told, and does not keep the telemetry away
  expect(readTelemetry({ ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" })).toMatchObject({
    traces: true,
    unspoken: ["OTEL_EXPORTER_OTLP_PROTOCOL=grpc"],
  });
  expect(readTelemetry({ ...endpoint, OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/protobuf" }).unspoken).toEqual([]);
});
