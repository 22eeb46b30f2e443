import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";
import { load, post } from "./http-ingest.ts";
import { startPeer } from "./http-peer.ts";
import { remove, startInstance, table, untilApplied } from "./instance.ts";

/** Different requests; more are sent than there are, and the tables drop the repeats: what is measured is the way to the durable answer. */
const REQUESTS = 400;

/**
 * Spans as OTLP protobuf in batches of `--batch` (500) over `--connections` (4) for `--seconds` (4) after three to warm up, each request answered after the durable
 * acknowledgement. Floor in the same run: the same server that reads the body and answers 200 without decoding it.
 */
export default async function otlp(options: ReadonlyMap<string, string>): Promise<Record<string, unknown>> {
  const seconds = Number(options.get("seconds") ?? 4);
  const batch = Number(options.get("batch") ?? 500);
  const connections = Number(options.get("connections") ?? 4);
  const weir = await startInstance(
    undefined,
    options.has("prof") ? ["--cpu-prof", `--cpu-prof-dir=${options.get("prof")}`] : [],
  );
  const peer = await startPeer(weir.token, 200);
  const bodies = Array.from({ length: REQUESTS }, (_, k) => requestOf(k, batch));
  const requests = (url: string): Buffer[] =>
    bodies.map((body) => post("/v1/traces", url, weir.token, "application/x-protobuf", body));
  const how = { connections, seconds, warm: 3 };
  const floor = await load(peer.url, requests(peer.url), how);
  const cpu = weir.cpu();
  const own = await load(weir.http_url, requests(weir.http_url), how);
  const spent = weir.cpu() - cpu;
  peer.stop();
  const stored = Math.min(own.answered, REQUESTS) * batch;
  await untilApplied(weir, stored);
  const answer = await weir.post<{ rows: number[][] }>("/api/sql", { query: "select count(*) from spans" });
  await weir.stop();
  remove(weir.dir);
  table(
    [
      { what: "weir: durable", ...own },
      { what: "floor: read, not decoded", ...floor },
    ].map((l) => ({
      what: l.what,
      "spans/s": l.per_s * batch,
      "p50 ms": l.p50_ms,
      "p99 ms": l.p99_ms,
      failed: l.failed,
    })),
  );
  if (own.failed > 0) process.stdout.write(`first failure: ${own.wrong}\n`);
  return {
    spans_per_s: own.per_s * batch,
    of_floor: own.per_s / floor.per_s,
    floor_spans_per_s: floor.per_s * batch,
    p99_ms: own.p99_ms,
    failed: own.failed,
    rows: answer.rows[0]![0],
    expected_rows: stored,
    bytes_per_span: bodies[0]!.length / batch,
    cpu_us_per_span: (spent / (own.answered * batch)) * 1e6,
  };
}

/** An export request as the OpenTelemetry SDK writes it: server and client spans with eight attributes. */
function requestOf(k: number, batch: number): Buffer {
  const resource = resourceFromAttributes({ "service.name": "shop", "service.version": "1.2.3", "host.name": "a1" });
  const scope = { name: "@opentelemetry/instrumentation-http", version: "0.57.0" };
  const spans = Array.from({ length: batch }, (_, i) => {
    const n = k * batch + i;
    const start: [number, number] = [1_790_000_000 + Math.floor(n / 1_000), (n % 1_000) * 1_000_000];
    return {
      name: i % 2 ? "GET /api/orders/:id" : "SELECT orders",
      kind: i % 2 ? 1 : 2,
      spanContext: () => ({
        traceId: `${(k + 1).toString(16).padStart(16, "0")}${(Math.floor(i / 10) + 1).toString(16).padStart(16, "0")}`,
        spanId: (n + 1).toString(16).padStart(16, "0"),
        traceFlags: 1,
      }),
      startTime: start,
      endTime: [start[0], start[1] + 5_000] as [number, number],
      duration: [0, 5_000] as [number, number],
      status: { code: 0 },
      attributes: {
        "http.request.method": "GET",
        "http.route": "/api/orders/:id",
        "http.response.status_code": 200,
        "url.path": `/api/orders/${n}`,
        "server.address": "shop.example.com",
        "server.port": 443,
        "network.protocol.version": "1.1",
        "user_agent.original": "Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0",
      },
      events: [],
      links: [],
      ended: true,
      resource,
      instrumentationScope: scope,
      droppedAttributesCount: 0,
      droppedEventsCount: 0,
      droppedLinksCount: 0,
    } as unknown as ReadableSpan;
  });
  return Buffer.from(ProtobufTraceSerializer.serializeRequest(spans)!);
}
