import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { SeverityNumber } from "@opentelemetry/api-logs";
import { OTLPLogExporter as JsonLogs } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPLogExporter as ProtoLogs } from "@opentelemetry/exporter-logs-otlp-proto";
import { OTLPMetricExporter as JsonMetrics } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPMetricExporter as ProtoMetrics } from "@opentelemetry/exporter-metrics-otlp-proto";
import { OTLPTraceExporter as JsonTraces } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtoTraces } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { LoggerProvider, SimpleLogRecordProcessor } from "@opentelemetry/sdk-logs";
import {
  AggregationTemporality,
  AggregationType,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { expect, test } from "vitest";
import { pack } from "../../src/wire/msgpack.ts";
import { logsRequest, spansRequest } from "../support/otlp.ts";
import { tempDir } from "../support/temp.ts";
import { startWeir, type Weir } from "../support/weir.ts";

type Exporters = {
  Traces: typeof JsonTraces | typeof ProtoTraces;
  Metrics: typeof JsonMetrics | typeof ProtoMetrics;
  Logs: typeof JsonLogs | typeof ProtoLogs;
};

/** Sends a span, a log record and metrics of each kind through the SDK's own exporters. */
async function sendAll(weir: Weir, service: string, { Traces, Metrics, Logs }: Exporters): Promise<void> {
  const { http_url, token } = weir.runtime;
  const to = (path: string) => ({
    url: `${http_url}/v1/${path}`,
    headers: { Authorization: `Bearer ${token}` },
    compression: "gzip" as never,
  });
  const resource = resourceFromAttributes({ "service.name": service, "host.name": "h1" });
  const tracing = new BasicTracerProvider({
    resource,
    spanProcessors: [new SimpleSpanProcessor(new Traces(to("traces")))],
  });
  const tracer = tracing.getTracer("scope-1");
  const span = tracer.startSpan("GET /orders", {
    attributes: { big: 2 ** 40, ratio: 0.5, list: ["a", "b"], ok: true },
  });
  span.addEvent("retried", { attempt: 2 });
  span.setStatus({ code: 2, message: "broke" });
  span.end();
  await tracing.forceFlush();
  await tracing.shutdown();
  const logging = new LoggerProvider({
    resource,
    processors: [new SimpleLogRecordProcessor({ exporter: new Logs(to("logs")) } as never)],
  });
  logging.getLogger("scope-2").emit({
    body: "something happened",
    severityNumber: SeverityNumber.WARN,
    severityText: "WARN",
    attributes: { key: "value" },
  });
  await logging.forceFlush();
  await logging.shutdown();
  const metering = new MeterProvider({
    resource,
    views: [
      {
        instrumentName: "exponential",
        aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM },
      },
    ],
    readers: [
      new PeriodicExportingMetricReader({
        exporter: new Metrics({ ...to("metrics"), temporalityPreference: AggregationTemporality.CUMULATIVE }),
        exportIntervalMillis: 60_000,
      }),
    ],
  });
  const meter = metering.getMeter("scope-3");
  const counter = meter.createCounter("orders", { unit: "{order}" });
  const histogram = meter.createHistogram("latency", { unit: "ms" });
  const exponential = meter.createHistogram("exponential", { unit: "ms" });
  meter.createObservableGauge("depth").addCallback((result) => result.observe(7));
  counter.add(3, { kind: "new" });
  for (const value of [10, 20, 60]) {
    histogram.record(value);
    exponential.record(value);
  }
  await metering.forceFlush();
  counter.add(4, { kind: "new" });
  histogram.record(30);
  await metering.forceFlush();
  await metering.shutdown();
}

test("the OpenTelemetry SDK sends traces, metrics and logs, in protobuf and JSON, and all can be asked for", async () => {
  await using weir = await startWeir();
  await sendAll(weir, "by-proto", { Traces: ProtoTraces, Metrics: ProtoMetrics, Logs: ProtoLogs });
  await sendAll(weir, "by-json", { Traces: JsonTraces, Metrics: JsonMetrics, Logs: JsonLogs });
  await weir.settled();
  for (const service of ["by-proto", "by-json"]) {
    const [span] = await weir.sql<Record<string, unknown>>(
      `select name, scope, kind, status, status_message, attributes, json_extract_string(events, '$[0].name') as event, resource from spans where service = '${service}'`,
    );
    expect(span).toMatchObject({
      name: "GET /orders",
      scope: "scope-1",
      kind: "internal",
      status: "error",
      status_message: "broke",
      event: "retried",
    });
    expect(JSON.parse(String(span!.attributes))).toEqual({ big: 2 ** 40, ratio: 0.5, list: ["a", "b"], ok: true });
    expect(JSON.parse(String(span!.resource))).toMatchObject({ "host.name": "h1" });
    expect(
      await weir.sql(`select severity, severity_number, body, attributes from logs where service = '${service}'`),
    ).toEqual([{ severity: "WARN", severity_number: 13, body: "something happened", attributes: '{"key":"value"}' }]);
    // cumulative totals 3 and 7 are 3 and 4 more; the histogram has three observations, then one more
    expect(
      await weir.sql(
        `select name, kind, value, count, sum from measurements where labels like '%"${service}"%' and name in ('orders', 'latency', 'depth') and not (name = 'depth' and value <> 7) group by all order by name, value`,
      ),
    ).toEqual(
      [
        { name: "depth", kind: "gauge", value: 7, count: null, sum: null },
        { name: "latency", kind: "histogram", value: 30, count: 3, sum: 90 },
        { name: "latency", kind: "histogram", value: 30, count: 1, sum: 30 },
        { name: "orders", kind: "sum", value: 3, count: null, sum: null },
        { name: "orders", kind: "sum", value: 4, count: null, sum: null },
      ].sort(() => 0),
    );
    expect(
      await weir.sql(
        `select count, sum, json_extract(buckets, '$.scale') is not null as scaled from measurements where name = 'exponential' and labels like '%"${service}"%' and count = 3`,
      ),
    ).toEqual([{ count: 3, sum: 90, scaled: true }]);
  }
  const traces = await weir.json<{ rows: unknown[][] }>(["query", "traces", "--service", "by-json", "--json"]);
  expect(JSON.stringify(traces)).toContain("GET /orders");
  expect(JSON.stringify(await weir.json(["query", "logs", "--text", "happened", "--json"]))).toContain("by-proto");
});

const post = (weir: Weir, path: string, body: string | Uint8Array, headers: Record<string, string>) =>
  fetch(`${weir.runtime.http_url}${path}`, {
    method: "POST",
    body: body as never,
    headers: { Authorization: `Bearer ${weir.runtime.token}`, ...headers },
    ...({ duplex: "half" } as object),
  });

test("telemetry and transcript of one session are one row each, whichever came first", async () => {
  await using weir = await startWeir();
  await using dir = await tempDir();
  const us = 1_789_000_000_000_000;
  // one id as the API gives them, and one that is not unique by itself
  const requestsOf = (session: string) => ({ a: `req_011CSHoEeqs5C35K${session.replace("-", "")}`, b: "req_2" });
  const telemetry = (session: string) =>
    logsRequest(
      Object.entries(requestsOf(session)).flatMap(([key, request_id], k) => [
        {
          us: us + k * 1_000_000,
          name: "user_prompt",
          attributes: { "session.id": session, "prompt.id": `${session}-p${key}`, prompt_length: 5, prompt: "hello" },
        },
        {
          us: us + k * 1_000_000 + 10,
          name: "api_request",
          attributes: {
            "session.id": session,
            request_id,
            model: "claude-sonnet-4-5",
            input_tokens: 3,
            output_tokens: 40,
            cache_read_tokens: 100,
            cache_creation_tokens: 0,
            duration_ms: 800,
            cost_usd: 0.01,
          },
        },
        {
          us: us + k * 1_000_000 + 20,
          name: "tool_result",
          attributes: {
            "session.id": session,
            tool_name: "mcp_tool",
            tool_use_id: `${session}-t${key}`,
            success: "true",
            duration_ms: "5",
          },
        },
      ]),
    );
  const transcript = (session: string): string =>
    Object.entries(requestsOf(session))
      .flatMap(([key, requestId], k) => {
        const at = (s: number) => new Date(us / 1_000 + k * 1_000 + s).toISOString();
        const base = { sessionId: session, cwd: "/p", version: "2.1.220" };
        const usage = {
          input_tokens: 3,
          output_tokens: 40,
          cache_read_input_tokens: 100,
          cache_creation_input_tokens: 0,
        };
        const call = { type: "tool_use", id: `${session}-t${key}`, name: "mcp__git__log", input: {} };
        return [
          {
            ...base,
            type: "user",
            uuid: `${session}-u${key}`,
            promptId: `${session}-p${key}`,
            timestamp: at(0),
            message: { role: "user", content: "hello" },
          },
          {
            ...base,
            type: "assistant",
            uuid: `${session}-a${key}`,
            requestId,
            timestamp: at(900),
            message: {
              id: `msg_${session}_${key}`,
              role: "assistant",
              model: "claude-sonnet-4-5",
              usage,
              content: [call],
            },
          },
          {
            ...base,
            type: "user",
            uuid: `${session}-r${key}`,
            timestamp: at(950),
            message: {
              role: "user",
              content: [{ type: "tool_result", tool_use_id: `${session}-t${key}`, content: "ok" }],
            },
          },
        ];
      })
      .map((record) => JSON.stringify(record))
      .join("\n")
      .concat("\n");
  const send = async (session: string): Promise<void> => {
    const response = await post(weir, "/v1/logs", JSON.stringify(telemetry(session)), {
      "Content-Type": "application/json",
    });
    expect([response.status, await response.text()]).toEqual([200, "{}"]);
  };
  const read = async (session: string): Promise<void> => {
    const folder = join(dir.path, session);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${session}.jsonl`), transcript(session));
    await weir.json(["import", "claude-code", folder, "--json"]);
  };
  await send("first-otlp");
  await weir.settled();
  await read("first-otlp");
  await read("first-file");
  await weir.settled();
  await send("first-file");
  await send("first-file");
  await weir.settled();
  for (const session of ["first-otlp", "first-file"]) {
    const where = `where session = '${session}'`;
    const both = { sources: "otlp,transcript" };
    expect(
      await weir.sql(`select sources, output_tokens, duration_ms, reported_cost_usd from model_calls ${where}`),
    ).toEqual(Array(2).fill({ ...both, output_tokens: 40, duration_ms: 800, reported_cost_usd: 0.01 }));
    expect(await weir.sql(`select sources, tool, success, duration_ms from tool_calls ${where}`)).toEqual(
      Array(2).fill({ ...both, tool: "mcp__git__log", success: true, duration_ms: 5 }),
    );
    expect(await weir.sql(`select sources, text from prompts ${where}`)).toEqual(
      Array(2).fill({ ...both, text: "hello" }),
    );
    expect(await weir.sql(`select model_calls, output_tokens, tool_calls, prompts from sessions ${where}`)).toEqual([
      { model_calls: 2, output_tokens: 80, tool_calls: 2, prompts: 2 },
    ]);
  }
});

test("requests are answered as exporters expect", async () => {
  await using weir = await startWeir();
  const good = JSON.stringify(
    spansRequest([{ id: "00000000000000a1", name: "x", us: 1_789_000_000_000_000, ms: 1, attributes: {} }]),
  );
  const json = { "Content-Type": "application/json" };
  expect((await post(weir, "/v1/traces", good, { ...json, Authorization: "" })).status).toBe(401);
  expect((await post(weir, "/v1/traces", good, { "Content-Type": "text/plain" })).status).toBe(415);
  expect((await post(weir, "/v1/traces", good, { ...json, "Content-Encoding": "gzip, gzip" })).status).toBe(415);
  expect((await post(weir, "/v1/traces", "{", json)).status).toBe(400);
  const bomb = gzipSync(Buffer.alloc(32_000_000));
  expect((await post(weir, "/v1/traces", bomb, { ...json, "Content-Encoding": "gzip" })).status).toBe(413);
  expect((await post(weir, "/v1/traces", Buffer.alloc(5_000_000), json)).status).toBe(413);
  // chunked, without a length
  const stream = new ReadableStream({
    start(controller) {
      for (const part of good.match(/.{1,100}/gs)!) controller.enqueue(Buffer.from(part));
      controller.close();
    },
  });
  expect((await post(weir, "/v1/traces", stream as never, json)).status).toBe(200);
  const bad = good.replace("00000000000000a1", "zz");
  const partial = await post(weir, "/v1/traces", bad, json);
  expect([partial.status, await partial.json()]).toEqual([
    200,
    { partialSuccess: { rejectedSpans: 1, errorMessage: "the span id is not 8 bytes, or all zero" } },
  ]);
  const broken = await post(weir, "/v1/logs", Buffer.from([10, 200, 1]), { "Content-Type": "application/x-protobuf" });
  expect([broken.status, broken.headers.get("content-type")]).toEqual([400, "application/x-protobuf"]);
  await weir.settled();
  expect(await weir.sql("select count(*) as n from spans")).toEqual([{ n: 1 }]);
  expect(await weir.sql("select reason, count(*) as n from rejected group by all order by reason")).toEqual([
    { reason: "invalid", n: 1 },
    { reason: "undecodable", n: 2 },
  ]);
  const [kept] = await weir.sql<{ id: string }>("select id from rejected where ends_with(content_type, 'protobuf')");
  expect((await weir.run(["rejected", "show", kept!.id])).stdout).toMatch(/\n\nCsgB\n$/);
  const retried = await weir.run(["rejected", "retry", kept!.id]);
  expect(retried.stderr).toMatch(/^error: bad_input: this input is application\/x-protobuf.*--file/);
});

test("events come as MessagePack, in binary mode, and from many senders at once", async () => {
  await using weir = await startWeir();
  const packed = { "Content-Type": "application/msgpack" };
  const event = {
    specversion: "1.0",
    id: "m1",
    source: "x://m",
    type: "tool.called",
    time: 1_789_000_000_000_000,
    data: { tool: "one" },
  };
  // the bytes of the example in docs/publishing.md
  const frame = {
    w: 1,
    n: 2,
    g: [
      {
        t: "tool.called",
        v: 1,
        n: 2,
        e: {
          id: ["0199d1a0-0000-7000-8000-000000000001", "0199d1a0-0000-7000-8000-000000000002"],
          source: { "=": "my-script://laptop" },
          time: [1_789_000_000_000_000, 1_789_000_000_000_001],
          session: { "=": "demo-1" },
        },
        d: {
          tool: { d: ["search", "fetch"], i: Buffer.from([0, 1]) },
          duration_ms: [12.5, null],
          success: { "=": true },
        },
      },
    ],
  };
  for (const [body, n] of [
    [pack(event), 1],
    [pack([event, { ...event, id: "m2", data: { tool: "two" } }]), 2],
    [pack(frame), 2],
  ] as const) {
    const response = await post(weir, "/api/events", body, packed);
    expect([response.status, await response.json()]).toMatchObject([200, { accepted: n, rejected: 0 }]);
  }
  expect((await post(weir, "/api/events", Buffer.from([0xc1]), packed)).status).toBe(400);
  expect((await post(weir, "/api/events", pack({ ...frame, n: 9 }), packed)).status).toBe(400);
  const binary = await post(weir, "/api/events", '{"tool":"three"}', {
    "Content-Type": "application/json",
    "ce-specversion": "1.0",
    "ce-id": "b1",
    "ce-source": "x://caf%C3%A9",
    "ce-type": "tool.called",
    "ce-time": "2026-09-01T00:00:00Z",
    "ce-session": "demo%202",
  });
  expect([binary.status, await binary.json()]).toMatchObject([200, { accepted: 1 }]);
  const many = await Promise.all(
    Array.from({ length: 200 }, (_, k) =>
      post(weir, "/api/events", JSON.stringify({ type: "tool.called", source: "x://many", data: { tool: `t${k}` } }), {
        "Content-Type": k % 2 ? "application/json" : "application/cloudevents+json",
      }).then((r) => r.status),
    ),
  );
  expect(new Set(many)).toEqual(new Set([200]));
  await weir.settled();
  expect(
    await weir.sql("select source, count(*) as n from events where type = 'tool.called' group by all order by source"),
  ).toEqual([
    { source: "my-script://laptop", n: 2 },
    { source: "x://café", n: 1 },
    { source: "x://m", n: 2 },
    { source: "x://many", n: 200 },
  ]);
  // requests that came together shared frames
  const [frames] = await weir.sql<{ n: number }>(
    "select count(distinct stream_seq) as n from events where source = 'x://many'",
  );
  expect(frames!.n).toBeLessThan(150);
});
