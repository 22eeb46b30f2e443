import { gzipSync } from "node:zlib";
import { Hono } from "hono";
import { expect, test } from "vitest";
import { LIMITS } from "../../src/base/limits.ts";
import { createLog } from "../../src/base/log.ts";
import { addOtlp } from "../../src/cli/otlp.ts";
import type { Emitter } from "../../src/sdk/emitter.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

const HEADERS = { "Content-Type": "application/json" };

/** The routes before an emitter that takes everything, or nothing before it is told to. */
async function routes(folder: string, emitDurably: () => Promise<void> = () => Promise.resolve()) {
  const app = new Hono();
  const emitter = { stats: () => ({ buffered: 0 }), emitDurably } as unknown as Emitter;
  const { close } = addOtlp(app, { emitter, folder, log: createLog("test", "silent") });
  return { app, [Symbol.asyncDispose]: close };
}

const post = (app: Hono, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  Promise.resolve(
    app.request("/v1/traces", {
      method: "POST",
      headers: { ...HEADERS, ...headers },
      ...({ body, duplex: "half" } as object),
    }),
  );

test("bodies that are still being read take room: connections beyond the limit are asked to wait", async () => {
  await using dir = await tempDir();
  await using it = await routes(dir.path);
  const senders: ReadableStreamDefaultController[] = [];
  const slow = (): ReadableStream => new ReadableStream({ start: (controller) => void senders.push(controller) });
  const places = LIMITS.http_pending_bytes_max / LIMITS.otlp_body_bytes_max;
  const reading = Array.from({ length: places + 1 }, () => post(it.app, slow()));
  await until("reading", () => senders.length === places + 1);
  expect((await post(it.app, "{}")).status).toBe(429);
  for (const sender of senders) {
    sender.enqueue(Buffer.from("{}"));
    sender.close();
  }
  for (const response of await Promise.all(reading)) expect(response.status).toBe(200);
  expect((await post(it.app, "{}")).status).toBe(200);
});

test("what comes out of gzip takes room too", async () => {
  await using dir = await tempDir();
  let go: () => void = () => {};
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  await using it = await routes(dir.path, () => gate);
  const big = gzipSync(Buffer.from(`{"x":"${"a".repeat(LIMITS.otlp_inflated_bytes_max - 100)}"}`));
  const gzip = { "Content-Encoding": "gzip" };
  const answers = Array.from({ length: 12 }, () => post(it.app, big, { ...gzip, "Content-Length": `${big.length}` }));
  const statuses: number[] = [];
  for (const answer of answers) void answer.then(({ status }) => statuses.push(status));
  await until("refusing", () => statuses.length >= 7);
  go();
  await Promise.all(answers);
  const fit = Math.ceil(LIMITS.http_pending_bytes_max / LIMITS.otlp_inflated_bytes_max) + 1;
  expect(statuses.filter((status) => status === 200).length).toBeLessThanOrEqual(fit);
  expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(12 - fit);
});
