import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Signal } from "../../../src/capture/otlp/batch.ts";
import { type Form, type Received, receive } from "../../../src/capture/otlp/receive.ts";
import { SeriesMarks } from "../../../src/capture/otlp/series.ts";
import { checkEvent } from "../../../src/events/check.ts";
import { eventOf } from "../../../src/sdk/frames.ts";
import { attributes, logsRequest, spansRequest, sumRequest } from "../../support/otlp.ts";

const NOW = 1_790_000_000_000_000;
const T = 1_789_000_000_000_000;
const take = (signal: Signal, request: unknown, series = new SeriesMarks()): Received =>
  receive(signal, "json", Buffer.from(JSON.stringify(request)), { series, now_us: NOW });
const valid = ({ drafts }: Received): void => {
  for (const draft of drafts)
    expect(checkEvent(eventOf(draft, { source: "x://y", via: "otlp" }, false)), JSON.stringify(draft)).toBeUndefined();
};

const SAMPLES = resolve(import.meta.dirname, "../../../../shared/data/otlp");
const files = existsSync(SAMPLES)
  ? [
      ...readdirSync(join(SAMPLES, "vs-copilot")).map((f) => join(SAMPLES, "vs-copilot", f)),
      ...readdirSync(join(SAMPLES, "opentelemetry-proto")).map((f) => join(SAMPLES, "opentelemetry-proto", f)),
    ]
  : [];
const requestsOf = (file: string): { signal: Signal; text: string }[] =>
  (file.endsWith(".jsonl")
    ? readFileSync(file, "utf8")
        .split("\n")
        .filter((line) => line !== "")
    : [readFileSync(file, "utf8")]
  ).map((text) => ({
    text,
    signal: text.includes("resourceSpans") ? "traces" : text.includes("resourceLogs") ? "logs" : "metrics",
  }));

describe.skipIf(files.length === 0)("samples of ../shared/data/otlp", () => {
  test.each(files)("%s is taken whole", (file) => {
    for (const { signal, text } of requestsOf(file)) {
      const received = receive(signal, "json", Buffer.from(text), { series: new SeriesMarks(), now_us: NOW });
      valid(received);
      expect(received).toMatchObject({ rejected: 0, malformed: false });
      expect(received.drafts.length).toBeGreaterThan(0);
    }
  });

  test("the calls of tools of an assistant in an editor are calls", () => {
    const drafts = files
      .filter((f) => f.includes("vs-copilot"))
      .flatMap(requestsOf)
      .flatMap(({ signal, text }) => take(signal, JSON.parse(text)).drafts);
    const calls = drafts.filter((d) => d.type === "tool.called");
    expect(calls).toHaveLength(8);
    expect(calls.every((d) => d.session && d.assistant === "copilot" && d.fact?.startsWith("tool:"))).toBe(true);
    expect(drafts.filter((d) => d.type === "span.ended")).toHaveLength(11);
  });
});

describe("hostile bytes", () => {
  const signals: readonly Signal[] = ["traces", "metrics", "logs"];
  const harmless = (signal: Signal, form: Form, bytes: Uint8Array): void => {
    const received = receive(signal, form, bytes, { series: new SeriesMarks(), now_us: NOW });
    valid(received);
    if (received.malformed) expect(received.message).toMatch(/^the (traces|metrics|logs) request \w/);
  };

  test("bytes of which the parser quotes half a character", () =>
    harmless("traces", "json", Uint8Array.from([241, 128, 128, 128])));

  test("any bytes as protobuf or JSON", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.constantFrom(...signals),
        fc.constantFrom<Form>("protobuf", "json"),
        (bytes, signal, form) => harmless(signal, form, bytes),
      ),
      { numRuns: 2_000 },
    );
  });

  test("requests with a part replaced by something else", () => {
    const whole = {
      ...spansRequest([{ id: "00000000000000d1", name: "chat", us: T, ms: 1, attributes: { a: "b" } }]),
      ...logsRequest([{ us: T, name: "api_request", attributes: { "session.id": "s", input_tokens: 1 } }]),
      ...sumRequest("m", [{ us: T, start: T, value: 1 }], 2),
    };
    fc.assert(
      fc.property(fc.nat(), fc.jsonValue({ maxDepth: 3 }), fc.constantFrom(...signals), (at, value, signal) => {
        let seen = 0;
        const total = JSON.stringify(whole).split(/[:[,]/).length;
        const changed = JSON.stringify(whole, (_, part: unknown) => (seen++ === at % total ? value : part)) ?? "null";
        harmless(signal, "json", Buffer.from(changed));
      }),
      { numRuns: 2_000 },
    );
  });

  test("depth, numbers of things and lengths are bounded", () => {
    const deep = `{"resourceLogs":${"[".repeat(5_000)}${"]".repeat(5_000)}}`;
    expect(receive("logs", "json", Buffer.from(deep), { series: new SeriesMarks(), now_us: NOW })).toMatchObject({
      malformed: true,
      message: expect.stringContaining("nested deeper"),
    });
    // a million empty resources in two bytes each
    const many = Buffer.alloc(2_000_000, Buffer.from([10, 0]));
    expect(receive("traces", "protobuf", many, { series: new SeriesMarks(), now_us: NOW })).toMatchObject({
      malformed: true,
      message: expect.stringContaining("items"),
    });
    const huge = logsRequest([
      { us: T, body: "x".repeat(300_000), attributes: { a: "y".repeat(300_000), b: "\ud800" } },
    ]);
    valid(take("logs", huge));
    const buckets = { counts: Array.from({ length: 2_000 }, () => "1") };
    const metric = {
      name: "h",
      histogram: {
        aggregationTemporality: 1,
        dataPoints: [{ bucketCounts: buckets.counts, attributes: attributes({}) }],
      },
    };
    expect(take("metrics", { resourceMetrics: [{ scopeMetrics: [{ metrics: [metric] }] }] })).toMatchObject({
      malformed: true,
      message: expect.stringContaining("buckets"),
    });
  });
});
