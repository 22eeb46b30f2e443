import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ErrorCode, WeirError } from "../../src/base/errors.ts";
import { fastEvents } from "../../src/read/http/fast.ts";
import { createIntake } from "../../src/read/http/intake.ts";
import { type HttpServer, serveHttp } from "../../src/read/http/serve.ts";
import { filledStore, type TestStore } from "../support/filled-store.ts";
import { readContext, type TestContext, TOKEN } from "../support/read-context.ts";

let store: TestStore;
let ctx: TestContext;
let fast: HttpServer;
let slow: HttpServer;
let hosts: string[] = [];
/** What `publish` fails with, where it does. */
let failure: WeirError | undefined;
beforeAll(async () => {
  store = await filledStore();
  ctx = await readContext(store);
  const served = {
    ...ctx,
    get hosts() {
      return hosts;
    },
    publish: async (events: readonly unknown[]) => {
      if (failure) throw failure;
      return ctx.publish(events);
    },
  };
  fast = await serveHttp(createIntake(served), { port: 0, first: fastEvents(served) });
  slow = await serveHttp(createIntake(served), { port: 0 });
  hosts = [fast, slow].map(({ port }) => `127.0.0.1:${port}`);
});
afterAll(async () => {
  await fast.close();
  await slow.close();
  ctx.select.close();
  await store[Symbol.asyncDispose]();
});

const EVENT = { specversion: "1.0", type: "tool.called", source: "x://y", data: { tool: "é" } };
const ONE = "application/cloudevents+json";

async function answerOf(server: HttpServer, body: string | Uint8Array, headers: Readonly<Record<string, string>>) {
  const response = await fetch(`${server.url}/api/events`, {
    method: "POST",
    headers: { Authorization: `Bearer ${TOKEN}`, "Content-Type": ONE, ...headers },
    body: body as string,
  });
  const told = Object.fromEntries([...response.headers].filter(([name]) => name !== "date"));
  return { status: response.status, headers: told, body: await response.json() };
}

test("the short way answers as the routes do, whatever comes", async () => {
  const plain = { "Content-Type": "application/json" };
  const cases: [string | Uint8Array, Record<string, string>, number][] = [
    [JSON.stringify(EVENT), {}, 200],
    [JSON.stringify(EVENT), { "Content-Type": "Application/CloudEvents+JSON; charset=utf-8" }, 200],
    [JSON.stringify([EVENT, {}, EVENT]), plain, 200],
    [JSON.stringify([EVENT]), {}, 400],
    [JSON.stringify([]), plain, 200],
    [JSON.stringify({}), {}, 400],
    ["", {}, 400],
    ["{", {}, 400],
    ["[".repeat(5_000), plain, 400],
    [Buffer.from([0x22, 0xff, 0x22]), {}, 400],
    [JSON.stringify({ ...EVENT, subject: "\ufffd" }), {}, 200],
    [JSON.stringify(Array(1_001).fill({})), plain, 413],
    ["x".repeat(70_000), {}, 400],
    [JSON.stringify({ ...EVENT, data: { tool: "x".repeat(100_000) } }), {}, 200],
    ["x".repeat(1_100_000), {}, 413],
    [JSON.stringify(EVENT), { "Content-Type": "text/plain" }, 415],
    [JSON.stringify(EVENT), { "Content-Encoding": "gzip" }, 415],
    [JSON.stringify(EVENT), { Authorization: "Bearer wrong" }, 401],
    [JSON.stringify(EVENT), { Authorization: `Bearer ${TOKEN}x` }, 401],
    [JSON.stringify(EVENT), { Origin: "https://evil.example" }, 403],
    ['{"tool":"x"}', { ...plain, "ce-type": "tool.called", "ce-specversion": "1.0" }, 200],
  ];
  for (const [body, headers, status] of cases) {
    const [a, b] = [await answerOf(fast, body, headers), await answerOf(slow, body, headers)];
    expect(a, `${status} ${String(body).slice(0, 60)}`).toEqual(b);
    expect(a.status).toBe(status);
  }
});

test("a sender is told when to come again", async () => {
  const codes: [ErrorCode, number, string | undefined][] = [
    ["spool_full", 503, "1"],
    ["broker_unreachable", 503, "1"],
    ["limit_reached", 429, "1"],
    ["timeout", 504, undefined],
    ["internal", 500, undefined],
  ];
  for (const [code, status, later] of codes) {
    failure = new WeirError(code, `because of ${code}`);
    const [a, b] = [await answerOf(fast, JSON.stringify(EVENT), {}), await answerOf(slow, JSON.stringify(EVENT), {})];
    expect(a).toEqual(b);
    expect([a.status, a.headers["retry-after"]]).toEqual([status, later]);
    expect(JSON.stringify(a.body).includes("because of")).toBe(code !== "internal");
  }
  failure = undefined;
});

test("requests that arrive together are answered each with its own, in their order on one connection", async () => {
  const idOf = (k: number): string => `018f0000-0000-7000-8000-${String(k).padStart(12, "0")}`;
  const sent = Array.from({ length: 300 }, (_, k) => ({ ...EVENT, id: idOf(k) }));
  const answers = await Promise.all(
    sent.map((event, k) => answerOf(fast, k % 7 === 0 ? "{" : JSON.stringify(event), {})),
  );
  answers.forEach((answer, k) => {
    expect(answer.status).toBe(k % 7 === 0 ? 400 : 200);
    if (k % 7) expect(answer.body).toMatchObject({ events: [{ id: idOf(k) }] });
  });
  // several requests in one packet, without waiting for answers
  const head = `POST /api/events HTTP/1.1\r\nHost: 127.0.0.1:${fast.port}\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Type: ${ONE}\r\n`;
  const text = await new Promise<string>((resolve, reject) => {
    let got = "";
    const socket = connect(fast.port, "127.0.0.1");
    socket.setEncoding("utf8").on("data", (part) => {
      got += part;
      if (got.split("HTTP/1.1 200").length === 6) socket.end();
    });
    socket.once("close", () => resolve(got)).once("error", reject);
    const requests = sent.slice(0, 5).map((event) => {
      const body = Buffer.from(JSON.stringify(event));
      return `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
    });
    socket.write(requests.join(""));
  });
  expect([...text.matchAll(/"id":"([^"]+)"/g)].map((match) => match[1])).toEqual([0, 1, 2, 3, 4].map(idOf));
});

test("a sender that went away disturbs nobody", async () => {
  for (let k = 0; k < 20; k++) {
    const socket = connect(fast.port, "127.0.0.1");
    const body = JSON.stringify(EVENT);
    socket.on("error", () => {});
    await new Promise<void>((resolve) =>
      socket.write(
        `POST /api/events HTTP/1.1\r\nHost: 127.0.0.1:${fast.port}\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Type: ${ONE}\r\nContent-Length: ${k % 2 ? body.length + 2 : body.length + 3}\r\n\r\n${body}`,
        () => resolve(),
      ),
    );
    socket.destroy();
  }
  expect((await answerOf(fast, JSON.stringify(EVENT), {})).status).toBe(200);
});
