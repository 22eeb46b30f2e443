import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { context, propagation, trace } from "@opentelemetry/api";
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";
import { expect, test } from "vitest";
import { createLog } from "../../src/base/log.ts";
import { createWeir } from "../../src/sdk/index.ts";
import { connectBroker } from "../../src/wire/connect.ts";
import { readCredential } from "../../src/wire/credentials.ts";
import { brokerDir } from "../../src/wire/folder.ts";
import { eventsSubject } from "../../src/wire/subjects.ts";
import { type CollectedSpan, type Collector, startCollector } from "../support/collector.ts";
import { mcpOverHttp, mcpOverStdio } from "../support/mcp-client.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { PATIENT, startWeir, type Weir } from "../support/weir.ts";

/** Exports often, so that a test sees what comes. */
const exporting = (collector: { readonly url: string }): Record<string, string> => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  OTEL_BSP_SCHEDULE_DELAY: "50",
  OTEL_METRIC_EXPORT_INTERVAL: "200",
});
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const CALLER = "b7ad6b7169203331";

async function publish(
  weir: Weir,
  k: number,
  headers: Readonly<Record<string, string>> = {},
  more: object = {},
): Promise<void> {
  const event = {
    specversion: "1.0",
    id: `call-${k}`,
    source: "test://telemetry",
    type: "tool.called",
    session: "traced",
    data: { tool: "Bash", call_id: `c${k}`, duration_ms: 3, success: true },
    ...more,
  };
  const response = await weir.http("/api/events", {
    method: "POST",
    headers: { "Content-Type": "application/cloudevents+json", ...headers },
    body: JSON.stringify(event),
  });
  expect(response.status).toBe(200);
}

/** The way from a span up to the first of its trace, by parents. */
function wayOf(collector: Collector, last: CollectedSpan): string[] {
  const names: string[] = [];
  for (let span: CollectedSpan | undefined = last; span; span = collector.spans.find((s) => s.id === span?.parent))
    names.unshift(span.name);
  return names;
}

test("an event published over HTTP is one trace from the request to the commit of the tables", async () => {
  await using collector = await startCollector();
  await using weir = await startWeir({ env: exporting(collector) });
  await weir.settled(); // the first tick of the clock is through: a frame of it in the same batch would make links of parents
  await publish(weir, 1, { traceparent: `00-${TRACE}-${CALLER}-01` });
  const commit = await until(
    "the commit is exported",
    () => collector.spans.find((s) => s.trace === TRACE && s.name === "process tables"),
    PATIENT,
  );
  const path = ["POST /api/events", "send weir.in.{partition}", "process validate", "process enrich", "process tables"];
  await until("all of the trace is exported", () => wayOf(collector, commit).length === path.length, PATIENT);
  expect(wayOf(collector, commit)).toEqual(path);
  const named = (name: string) => collector.spans.find((s) => s.trace === TRACE && s.name === name)!;
  expect(named("POST /api/events")).toMatchObject({
    part: "front",
    kind: 2,
    parent: CALLER,
    attributes: { "http.request.method": "POST", "http.route": "/api/events", "http.response.status_code": 200 },
  });
  expect(named("send weir.in.{partition}")).toMatchObject({
    kind: 4,
    attributes: { "messaging.system": "nats", "messaging.destination.name": "weir.in.0", "weir.events": 1 },
  });
  expect(named("process validate")).toMatchObject({
    part: "processors",
    kind: 5,
    attributes: { "messaging.batch.message_count": 1, "messaging.destination.name": "WEIR_IN" },
  });
  await until("detect follows enrich", () => named("process detect"), PATIENT);
  expect(named("process detect").parent).toBe(named("process enrich").id);
  expect(await weir.sql("select traceparent from events where session = 'traced'")).toEqual([
    { traceparent: `00-${TRACE}-${named("POST /api/events").id}-01` },
  ]);

  const wanted = [
    "messaging.client.sent.messages",
    "messaging.client.consumed.messages",
    "messaging.process.duration",
    "http.server.request.duration",
    "weir.tables.lag_messages",
    "weir.processor.lag_messages",
  ];
  await until("metrics are exported", () => wanted.every((name) => collector.metrics.has(name)), PATIENT);
  await until(
    "the tables' count is exported",
    () => Number(collector.metrics.get("weir.events.applied")?.[0]?.asDouble ?? 0) > 0,
    PATIENT,
  );
  expect(await (await weir.http("/metrics")).text()).toMatch(/^weir_events_applied_total \d+$/m);
});

test("an event's own trace context goes before that of the request", async () => {
  await using collector = await startCollector();
  await using weir = await startWeir({ env: exporting(collector) });
  await weir.settled();
  const id = "11111111111111111111111111111111";
  const response = await weir.http("/api/events", {
    method: "POST",
    headers: { "Content-Type": "application/cloudevents+json", traceparent: `00-${TRACE}-${CALLER}-01` },
    body: JSON.stringify({
      specversion: "1.0",
      id: "own",
      source: "test://telemetry",
      type: "tool.called",
      traceparent: `00-${id}-2222222222222222-01`,
      data: { tool: "Bash", call_id: "own2", duration_ms: 3, success: true },
    }),
  });
  expect(response.status).toBe(200);
  const commit = await until(
    "the commit is exported",
    () => collector.spans.find((s) => s.trace === id && s.name === "process tables"),
    PATIENT,
  );
  await until("all of it is exported", () => wayOf(collector, commit).length === 4, PATIENT);
  expect(wayOf(collector, commit)[0]).toBe("send weir.in.{partition}");
  expect(collector.spans.find((s) => s.trace === TRACE)?.name).toBe("POST /api/events");
});

test("an event of the SDK is one trace from the program's own span to the commit", async () => {
  await using collector = await startCollector();
  await using weir = await startWeir({ env: exporting(collector) });
  await weir.settled();
  // the program's own SDK, which weir/sdk finds by the API
  const memory = new InMemorySpanExporter();
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(memory)] });
  provider.register();
  try {
    const span = trace.getTracer("program").startSpan("agent turn");
    const { traceId, spanId } = span.spanContext();
    await using producer = createWeir({ dataDir: weir.dataDir, source: "test://program" });
    const data = { tool: "Bash", call_id: "sdk", duration_ms: 1, success: true };
    await producer.emit({ type: "tool.called", session: "sdk", traceparent: `00-${traceId}-${spanId}-01`, data });
    await producer.flush();
    span.end();
    const sending = memory.getFinishedSpans().find((s) => s.name === "send weir.in.{partition}");
    expect(sending?.parentSpanContext?.spanId).toBe(spanId);
    const commit = await until(
      "the commit is exported",
      () => collector.spans.find((s) => s.trace === traceId && s.name === "process tables"),
      PATIENT,
    );
    await until("all of it is exported", () => wayOf(collector, commit).length === 3, PATIENT);
    expect(wayOf(collector, commit)).toEqual(["process validate", "process enrich", "process tables"]);
    const validate = collector.spans.find((s) => s.trace === traceId && s.name === "process validate");
    expect(validate?.parent).toBe(sending?.spanContext().spanId);
  } finally {
    await provider.shutdown();
    trace.disable();
    context.disable();
    propagation.disable();
  }
});

test("a call of an MCP tool is a span under the caller's, and its duration a metric", async () => {
  await using collector = await startCollector();
  await using weir = await startWeir({ env: exporting(collector) });
  await using client = await mcpOverHttp(weir.runtime);
  await client.call("sessions", {}, { traceparent: `00-${TRACE}-${CALLER}-01` });
  const span = await until(
    "the call is exported",
    () => collector.spans.find((s) => s.name === "tools/call sessions"),
    PATIENT,
  );
  expect(span).toMatchObject({
    trace: TRACE,
    parent: CALLER,
    kind: 2,
    attributes: { "mcp.method.name": "tools/call", "gen_ai.tool.name": "sessions" },
  });
  await until("the duration is exported", () => collector.metrics.has("mcp.server.operation.duration"), PATIENT);

  // the bridge on stdio is a process of its own: its call, and the request it makes of it
  await using bridge = await mcpOverStdio({ ...weir.env });
  await bridge.call("usage", {}, { traceparent: `00-${TRACE}-${CALLER}-01` });
  const call = await until(
    "the bridge's call is exported",
    () => collector.spans.find((s) => s.name === "tools/call usage" && s.part === "mcp"),
    PATIENT,
  );
  await until(
    "the request under it is exported",
    () => collector.spans.find((s) => s.parent === call.id && s.name.startsWith("GET /api/query/")),
    PATIENT,
  );
});

test("without a collector named, nothing of the SDK is loaded, and an event's context passes through to the last header", async () => {
  await using dir = await tempDir();
  const told = join(dir.path, "loaded");
  // each import of a package of OpenTelemetry is noted, on every thread
  const hooks = join(dir.path, "hooks.mjs");
  writeFileSync(
    hooks,
    `import { appendFileSync } from "node:fs";
export async function resolve(name, context, next) {
  if (name.startsWith("@opentelemetry/")) appendFileSync(${JSON.stringify(told)}, name + "\\n");
  return next(name, context);
}`,
  );
  const preload = join(dir.path, "preload.mjs");
  writeFileSync(
    preload,
    `import { register } from "node:module"; register(${JSON.stringify(pathToFileURL(hooks).href)});`,
  );
  const watched = { NODE_OPTIONS: `--import ${pathToFileURL(preload).href}` };
  {
    await using weir = await startWeir({ env: watched });
    await weir.settled();
    const traceparent = `00-${TRACE}-${CALLER}-01`;
    await publish(weir, 1, {}, { traceparent });
    await weir.settled();
    await using bus = await connectBroker({
      url: weir.runtime.nats_url,
      credentials: await readCredential(brokerDir(weir.dataDir), "engine"),
      name: "test",
      log: createLog("test", "silent"),
    });
    const last = await bus.jsm.streams.getMessage("WEIR_EVENTS", { last_by_subj: eventsSubject("enrich", 0) });
    expect(last?.header.get("traceparent")).toBe(traceparent);
    await publish(weir, 2, { traceparent }); // a request's context is the parent of a span, and there is none
    await weir.settled();
    expect(new Set(readFileSync(told, "utf8").trim().split("\n"))).toEqual(new Set(["@opentelemetry/api"]));
    expect(await weir.sql("select traceparent from events where session = 'traced' order by id")).toEqual([
      { traceparent },
      { traceparent: null },
    ]);
  }
  // the hooks do see the SDK where it is loaded
  await using collector = await startCollector();
  await using weir = await startWeir({ env: { ...watched, ...exporting(collector) } });
  await weir.settled();
  expect(existsSync(told) && readFileSync(told, "utf8")).toContain("@opentelemetry/sdk-trace-node");
}); // weir is started twice, with each module looked at

test.each([
  ["answers 500", 500],
  ["answers 503, to be tried again", 503],
  ["is away", 0],
] as const)("a collector that %s disturbs nothing", async (_, status) => {
  const collector = await startCollector();
  if (status === 0) await collector[Symbol.asyncDispose]();
  else collector.answer(status);
  try {
    await using weir = await startWeir({ env: exporting(collector) });
    for (let k = 0; k < 5; k++) await publish(weir, k);
    await weir.settled();
    expect(await weir.sql("select count(*)::int as n from events where session = 'traced'")).toEqual([{ n: 5 }]);
    if (status !== 0) await until("the collector was asked", () => collector.requests > 0, PATIENT);
    await until("it is told", () => weir.process.stderr().includes("telemetry was not exported"), PATIENT);
    const ran = await weir.stop();
    expect(ran.code).toBe(0);
  } finally {
    if (status !== 0) await collector[Symbol.asyncDispose]();
  }
});

test("a collector that takes connections and never answers delays no event and no end, and holds few connections", async () => {
  const sockets = new Set<Socket>();
  let most = 0;
  const hanging = createServer((socket) => {
    sockets.add(socket);
    most = Math.max(most, sockets.size);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    socket.resume();
  });
  await new Promise<void>((done) => hanging.listen(0, "127.0.0.1", done));
  const { port } = hanging.address() as { port: number };
  try {
    await using weir = await startWeir({
      env: { ...exporting({ url: `http://127.0.0.1:${port}` }), OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" },
    });
    for (let k = 0; k < 300; k++) await publish(weir, k);
    await weir.settled();
    expect(await weir.sql("select count(*) as n from tool_calls")).toEqual([{ n: 300 }]);
    expect(await weir.run(["verify"])).toMatchObject({ code: 0 });
    await until("the collector was asked", () => most > 0, PATIENT);
    expect(most).toBeLessThan(32); // two threads with a batch of spans and one of metrics each, not one a frame
    expect((await weir.stop()).code).toBe(0);
    expect(weir.process.stderr()).toMatch(/OTEL_EXPORTER_OTLP_PROTOCOL=grpc is not spoken/);
  } finally {
    for (const socket of sockets) socket.destroy();
    hanging.close();
  }
});
