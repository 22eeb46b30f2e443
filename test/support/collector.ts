import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";

interface Value {
  readonly stringValue?: string;
  readonly intValue?: number | string;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
}
type Pairs = readonly { readonly key: string; readonly value: Value }[];

/** A span as it arrived. */
export interface CollectedSpan {
  readonly part: string;
  readonly name: string;
  readonly kind: number;
  readonly trace: string;
  readonly id: string;
  readonly parent: string;
  readonly links: readonly string[];
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly status: number;
}

/** A collector of OTLP over HTTP, in JSON: what an OpenTelemetry collector does with the same requests. */
export interface Collector {
  readonly url: string;
  readonly spans: readonly CollectedSpan[];
  /** Names of the metrics that arrived, with their last points. */
  readonly metrics: ReadonlyMap<string, readonly Readonly<Record<string, unknown>>[]>;
  readonly requests: number;
  /** Answers this from now on. */
  answer(status: number): void;
  [Symbol.asyncDispose](): Promise<void>;
}

const plainOf = (v: Value): unknown => v.stringValue ?? v.doubleValue ?? v.boolValue ?? Number(v.intValue);
const record = (pairs: Pairs = []): Record<string, unknown> =>
  Object.fromEntries(pairs.map(({ key, value }) => [key, plainOf(value)]));

interface WireSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly links?: readonly { readonly spanId: string }[];
  readonly attributes?: Pairs;
  readonly status?: { readonly code?: number };
}
interface WireMetric {
  readonly name: string;
  readonly [kind: string]: unknown;
}
interface Body {
  readonly resourceSpans?: readonly {
    readonly resource: { readonly attributes: Pairs };
    readonly scopeSpans: readonly { readonly spans: readonly WireSpan[] }[];
  }[];
  readonly resourceMetrics?: readonly {
    readonly scopeMetrics: readonly { readonly metrics: readonly WireMetric[] }[];
  }[];
}

/** Starts a collector on a free port. */
export async function startCollector(): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  const metrics = new Map<string, readonly Readonly<Record<string, unknown>>[]>();
  let status = 200;
  let requests = 0;
  const take = ({ resourceSpans = [], resourceMetrics = [] }: Body): void => {
    for (const { resource, scopeSpans } of resourceSpans)
      for (const span of scopeSpans.flatMap((s) => s.spans))
        spans.push({
          part: String(record(resource.attributes)["weir.part"]),
          name: span.name,
          kind: span.kind,
          trace: span.traceId,
          id: span.spanId,
          parent: span.parentSpanId ?? "",
          links: (span.links ?? []).map((l) => l.spanId),
          attributes: record(span.attributes),
          status: span.status?.code ?? 0,
        });
    for (const metric of resourceMetrics.flatMap((r) => r.scopeMetrics.flatMap((s) => s.metrics))) {
      const data = (metric.gauge ?? metric.sum ?? metric.histogram) as { dataPoints: Record<string, unknown>[] };
      metrics.set(
        metric.name,
        data.dataPoints.map((p) => ({ ...p, attributes: record(p.attributes as Pairs) })),
      );
    }
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      requests++;
      const body = Buffer.concat(chunks);
      const text = request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
      if (status === 200) take(JSON.parse(text.toString("utf8")) as Body);
      response.writeHead(status, { "Content-Type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    metrics,
    get requests() {
      return requests;
    },
    answer(code) {
      status = code;
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
