import type { Meter } from "@opentelemetry/api";
import { clock } from "./clock.ts";
import type { TelemetryConfig } from "./config.ts";
import { LIMITS } from "./limits.ts";
import type { Log } from "./log.ts";
import { setTelemetry } from "./telemetry.ts";

/** Telemetry that is exported. */
export interface Telemetry {
  /** For states that are looked at when they are exported; undefined where metrics are not. */
  readonly meter: Meter | undefined;
  /**
   * Exports what waits, for `telemetry_flush_ms_max` at most, and ends. False where the collector was not in time: its requests and their
   * retries still hold the process then, so a program that is done should exit.
   */
  shutdown(): Promise<boolean>;
}

const OFF: Telemetry = { meter: undefined, shutdown: async () => true };

/**
 * Starts exporting by OTLP over HTTP, where the standard variables ask for it; otherwise no package of the SDK is loaded. Address, headers,
 * compression, sampling and batching are read by the packages from their `OTEL_*` variables. Each thread has providers of its own;
 * `part` tells them apart. A collector that is away is told in the log once a minute, and delays nothing: what finds no room is dropped.
 */
export async function startTelemetry(
  { traces, metrics, metricIntervalMs, unspoken }: TelemetryConfig,
  { part, version, log }: { readonly part: string; readonly version: string; readonly log: Log },
): Promise<Telemetry> {
  if (!traces && !metrics) return OFF;
  for (const setting of unspoken)
    log.warn(
      `${setting} is not spoken: weir sends OTLP over HTTP with JSON; name the collector's HTTP port, mostly 4318`,
    );
  try {
    const [api, { defaultResource, detectResources, envDetector, resourceFromAttributes }] = await Promise.all([
      import("@opentelemetry/api"),
      import("@opentelemetry/resources"),
    ]);
    api.diag.setLogger(quiet(log), api.DiagLogLevel.WARN);
    const resource = defaultResource()
      .merge(
        resourceFromAttributes({
          "service.name": "weir",
          "service.version": version,
          "service.instance.id": `${process.pid}-${part}`,
          "weir.part": part,
        }),
      )
      .merge(detectResources({ detectors: [envDetector] }));
    const ends: (() => Promise<void>)[] = [];
    if (traces) {
      const { NodeTracerProvider, BatchSpanProcessor } = await import("@opentelemetry/sdk-trace-node");
      const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-http");
      const provider = new NodeTracerProvider({
        resource,
        spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ concurrencyLimit: 4 }))],
      });
      provider.register();
      ends.push(() => provider.shutdown());
    }
    let meter: Meter | undefined;
    if (metrics) {
      const { MeterProvider, PeriodicExportingMetricReader } = await import("@opentelemetry/sdk-metrics");
      const { OTLPMetricExporter } = await import("@opentelemetry/exporter-metrics-otlp-http");
      const reader = new PeriodicExportingMetricReader({
        exporter: new OTLPMetricExporter({ concurrencyLimit: 4 }),
        exportIntervalMillis: metricIntervalMs,
        exportTimeoutMillis: Math.min(metricIntervalMs, 30_000),
      });
      const provider = new MeterProvider({ resource, readers: [reader] });
      meter = provider.getMeter("weir", version);
      ends.push(() => provider.shutdown());
    }
    setTelemetry({ traces, meter });
    return { meter, shutdown: () => endAll(ends) };
  } catch (error) {
    log.error({ err: error }, "telemetry cannot be exported; weir works without it");
    return OFF;
  }
}

/** Ends the providers; a collector that does not answer is not waited for. */
async function endAll(ends: readonly (() => Promise<void>)[]): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), LIMITS.telemetry_flush_ms_max);
  });
  const all = Promise.allSettled(ends.map((end) => end())).then(() => true);
  const inTime = await Promise.race([all, over]);
  clearTimeout(timer);
  setTelemetry({ traces: false, meter: undefined });
  return inTime;
}

const TOLD_EVERY_MS = 60_000;

/** The SDK's own complaints as warnings of ours, one a minute. */
function quiet(log: Log): Record<"error" | "warn" | "info" | "debug" | "verbose", (text: string) => void> {
  let last = 0;
  const tell = (text: string): void => {
    const now = clock.nowMs();
    if (now - last < TOLD_EVERY_MS) return;
    last = now;
    // errors come as JSON with a stack
    const why = /"message":"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? text;
    log.warn({ why: why.slice(0, 300) }, "telemetry was not exported");
  };
  const nothing = (): void => {};
  return { error: tell, warn: tell, info: nothing, debug: nothing, verbose: nothing };
}
