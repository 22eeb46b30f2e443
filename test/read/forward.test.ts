import { Agent, type ClientRequest, request } from "node:http";
import { connect } from "node:net";
import type { Hono } from "hono";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createClient } from "../../src/read/client.ts";
import { createHttp } from "../../src/read/http/app.ts";
import { forwardTo } from "../../src/read/http/forward.ts";
import { createIntake, sides } from "../../src/read/http/intake.ts";
import { type First, type HttpServer, serveHttp } from "../../src/read/http/serve.ts";
import { CALLS, filledStore, sessionOf, type TestStore } from "../support/filled-store.ts";
import { readContext, type TestContext, TOKEN } from "../support/read-context.ts";
import { until } from "../support/until.ts";

const AUTH = { Authorization: `Bearer ${TOKEN}` };

let store: TestStore;
let ctx: TestContext;
let app: Hono;
let intake: Hono;
beforeAll(async () => {
  store = await filledStore();
});
beforeEach(async () => {
  ctx?.select.close();
  ctx = await readContext(store);
  app = createHttp(ctx);
  intake = createIntake(ctx);
});
afterAll(async () => {
  ctx.select.close();
  await store[Symbol.asyncDispose]();
});

/** As weir serves it: the intake listens, and hands on what is to be answered. `whole`: whole connections too. */
const listen = async (before: First = () => false, whole = true): Promise<HttpServer> => {
  let port = 0;
  const back = forwardTo(() => port);
  const toIntake = sides.behind(back.forward);
  const behind = await serveHttp(app, { port: 0, first: (...both) => toIntake(...both) || before(...both) });
  const onward = forwardTo(() => behind.port);
  const server = await serveHttp(intake, {
    port: 0,
    first: sides.intake(ctx, onward.forward),
    ...(whole && { divert: sides.divert(behind.port) }),
  });
  port = server.port;
  return {
    ...server,
    async close() {
      await behind.close();
      await server.close();
      onward.close();
      back.close();
    },
  };
};
const closing = (server: HttpServer) => ({ ...server, [Symbol.asyncDispose]: () => server.close() });

describe("over a socket", () => {
  it("answers a client, with the server's codes", async () => {
    await using server = closing(await listen());
    const client = createClient({ http_url: server.url, token: TOKEN, actor: "ada" });
    expect((await client.ask("session", { session: sessionOf(0) })).rows[0]![0]).toBe(sessionOf(0));
    expect((await client.ask("usage", { by: ["total"], since: "2026-01-01" })).rows[0]![4]).toBe(CALLS / 3);
    expect((await client.ask("sessions", {}, { rowsMax: 2 })).truncated).toBe(true);
    expect((await client.sql("select 42")).rows).toEqual([[42]]);
    expect((await client.status()).tables.seq).toBe(300);
    expect(await client.publish([{ type: "metric.measured" }, {}])).toMatchObject([
      { status: "accepted" },
      { status: "rejected" },
    ]);
    expect(await client.publish([{}])).toMatchObject([{ status: "rejected" }]);
    expect(await client.order("resolve_alert", { id: "alert-500" }, "")).toMatchObject({ seq: 301 });
    expect(ctx.taken.at(-1)).toMatchObject({ actor: "ada" });
    await expect(client.ask("sesions", {})).rejects.toMatchObject({ code: "not_found" });
    await expect(client.ask("sessions", { limit: "x" })).rejects.toMatchObject({
      code: "bad_input",
      hint: expect.stringContaining("it takes"),
    });
    await expect(client.ask("session", { session: "x".repeat(20_000) })).rejects.toMatchObject({
      code: "limit_reached",
    });
    await expect(createClient({ http_url: server.url, token: "wrong" }).status()).rejects.toMatchObject({
      code: "unauthorized",
    });
  });
  it("says not_running where nobody, or somebody else, answers", async () => {
    const server = await listen();
    await server.close();
    await expect(createClient({ http_url: server.url, token: TOKEN }).status()).rejects.toMatchObject({
      code: "not_running",
    });
  });
  it("says port_in_use", async () => {
    await using server = closing(await listen());
    await expect(serveHttp(app, { port: server.port })).rejects.toMatchObject({ code: "port_in_use" });
  });
  it("refuses another host on the wire", async () => {
    await using server = closing(await listen());
    const status = await new Promise<number | undefined>((resolve, reject) => {
      request({ host: "127.0.0.1", port: server.port, path: "/health", headers: { Host: "evil.example" } }, (r) => {
        r.resume();
        resolve(r.statusCode);
      })
        .on("error", reject)
        .end();
    });
    expect(status).toBe(403);
  });
});

describe("what the intake hands on", () => {
  it("goes on with method, path, headers and body, and comes back with status, headers and body", async () => {
    const seen: { method?: string; url?: string; headers?: unknown; body?: string }[] = [];
    await using server = closing(
      await listen((incoming, response) => {
        let body = "";
        incoming.setEncoding("utf8").on("data", (part) => {
          body += part;
        });
        incoming.on("end", () => {
          seen.push({ method: incoming.method, url: incoming.url, headers: incoming.headers, body });
          response.writeHead(418, "Teapot", ["X-One", "1", "Set-Cookie", "a=1", "Set-Cookie", "b=2"]);
          response.end("short and stout");
        });
        return true;
      }),
    );
    const answer = await fetch(`${server.url}/some/path?a=1&b=%20`, {
      method: "PUT",
      headers: { "X-Mine": "x", Connection: "close" },
      body: "é".repeat(100_000),
    });
    expect([answer.status, answer.statusText, await answer.text()]).toEqual([418, "Teapot", "short and stout"]);
    expect([answer.headers.get("x-one"), answer.headers.getSetCookie()]).toEqual(["1", ["a=1", "b=2"]]);
    expect(seen).toMatchObject([
      {
        method: "PUT",
        url: "/some/path?a=1&b=%20",
        headers: { host: new URL(server.url).host, "x-mine": "x" },
        body: "é".repeat(100_000),
      },
    ]);
  });

  it("is what is no event, hook or telemetry; each of these answers for its paths, also where it does not take a method", async () => {
    const handedOn: string[] = [];
    await using server = closing(
      await listen((incoming, response) => {
        handedOn.push(`${incoming.method} ${incoming.url}`);
        response.end("{}");
        return true;
      }),
    );
    intake.post("/v1/traces", (c) => c.body(null, 200));
    for (const [method, path, status] of [
      ["GET", "/api/events?limit=1", 200],
      ["HEAD", "/api/events", 200],
      ["POST", "/api/eventsource", 200],
      ["POST", "/api/events/", 200],
      ["POST", "/v10", 200],
      ["POST", "/api/sql", 200],
      ["POST", "/api/events?x=1", 415],
      ["PUT", "/api/events", 405],
      ["GET", "/v1/traces", 405],
      ["POST", "/v1/traces", 200],
      ["POST", "/hooks/nobody", 404],
    ] as const)
      expect([method, path, (await fetch(server.url + path, { method, headers: AUTH })).status]).toEqual([
        method,
        path,
        status,
      ]);
    expect(handedOn).toEqual([
      "GET /api/events?limit=1",
      "HEAD /api/events",
      "POST /api/eventsource",
      "POST /api/events/",
      "POST /v10",
      "POST /api/sql",
    ]);
  });

  it("is told apart also where a connection says nothing, little, or no HTTP", async () => {
    await using server = closing(await listen());
    const said = (parts: readonly string[]): Promise<string> =>
      new Promise((resolve, reject) => {
        let text = "";
        const socket = connect({ port: server.port, host: "127.0.0.1", noDelay: true }, async () => {
          for (const part of parts) {
            socket.write(part);
            await new Promise((wait) => setTimeout(wait, 20));
          }
        });
        socket.on("data", (part) => {
          text += part;
        });
        socket.once("close", () => resolve(text)).once("error", reject);
        if (parts.length === 0) socket.end();
      });
    const head = `Host: 127.0.0.1:${server.port}\r\nAuthorization: Bearer ${TOKEN}\r\nConnection: close\r\n\r\n`;
    expect(await said(["G", "ET /api/sta", `tus HTTP/1.1\r\n${head}`])).toContain("0.0.0-test");
    expect(await said([`GET /${"x".repeat(5_000)} HTTP/1.1\r\n${head}`])).toMatch(/^HTTP\/1\.1 404/);
    expect(await said(["\u0016\u0003\u0001 this is no HTTP\r\n\r\n"])).toMatch(/^HTTP\/1\.1 400/);
    expect(await said([])).toBe("");
  });

  it("comes back part by part, and its work ends when the client goes", async () => {
    let gone = false;
    let said = 0;
    await using server = closing(
      await listen((_, response) => {
        response.writeHead(200, { "Content-Type": "text/event-stream" });
        response.flushHeaders();
        const timer = setInterval(() => response.write(`data: ${++said}\n\n`), 5);
        response.on("close", () => {
          clearInterval(timer);
          gone = true;
        });
        return true;
      }),
    );
    const ending = new AbortController();
    const stream = await fetch(`${server.url}/live`, { signal: ending.signal });
    const reader = stream.body!.getReader();
    expect(Buffer.from((await reader.read()).value!).toString()).toContain("data: 1\n");
    ending.abort();
    await until("the other side knows", () => gone);
  });

  it("a connection goes whole where its first request goes, and later ones find their side all the same", async () => {
    for (const whole of [true, false]) {
      await using server = closing(await listen(undefined, whole));
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const sockets = new Set<unknown>();
      const ask = (method: string, path: string, body = ""): Promise<[number | undefined, string]> =>
        new Promise((resolve, reject) => {
          const headers = { ...AUTH, "Content-Type": "application/json", "Content-Length": body.length };
          const one = request(`${server.url}${path}`, { method, agent, headers }, (answer) => {
            let text = "";
            answer.setEncoding("utf8").on("data", (part) => {
              text += part;
            });
            answer.on("end", () => resolve([answer.statusCode, text]));
          });
          one.on("socket", (socket) => sockets.add(socket)).on("error", reject);
          one.end(body);
        });
      const event = JSON.stringify({ type: "metric.measured", data: {} });
      for (const order of [
        ["read", "publish", "read", "publish"],
        ["publish", "read", "publish", "read"],
      ]) {
        for (const what of order) {
          const [status, text] =
            what === "read" ? await ask("GET", "/api/status") : await ask("POST", "/api/events", event);
          expect([status, text]).toEqual([
            200,
            expect.stringContaining(what === "read" ? "0.0.0-test" : '"accepted":1'),
          ]);
        }
        expect(sockets.size).toBe(1);
        sockets.clear();
        for (const idle of Object.values(agent.freeSockets).flat()) idle?.destroy(); // the next order on a new one
      }
      agent.destroy();
    }
  });

  it("is answered 503 while nobody stands behind, and cut where the other side dies in the middle", async () => {
    let dying: First = () => false;
    await using server = closing(await listen((incoming, response) => dying(incoming, response), false));
    dying = (_, response) => {
      response.writeHead(200, { "Content-Length": 100 });
      response.write("half");
      setTimeout(() => response.destroy(), 20);
      return true;
    };
    await expect(fetch(`${server.url}/x`).then((answer) => answer.text())).rejects.toThrow();
    dying = (incoming) => {
      incoming.socket.destroy();
      return true;
    };
    const answer = await fetch(`${server.url}/x`);
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(await answer.json()).toMatchObject({ error: { code: "not_running" } });
    await using whole = closing(await listen(dying));
    await expect(fetch(`${whole.url}/x`)).rejects.toThrow(); // a connection of its own ends with the other side's
  });

  it("keeps HTTP/1.0, pipelined requests and a body that is told in chunks", async () => {
    await using server = closing(await listen());
    const said = (bytes: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = connect(server.port, "127.0.0.1", () => socket.write(bytes));
        let text = "";
        socket.on("data", (part) => {
          text += part;
        });
        socket.once("close", () => resolve(text)).once("error", reject);
      });
    const head = `Host: 127.0.0.1:${server.port}\r\nAuthorization: Bearer ${TOKEN}\r\n`;
    const old = await said(`GET /api/status HTTP/1.0\r\n${head}\r\n`);
    expect(old).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(JSON.parse(old.slice(old.indexOf("{")))).toMatchObject({ version: "0.0.0-test" });
    const query = JSON.stringify({ query: "select 42 as answer" });
    const chunked = `POST /api/sql HTTP/1.1\r\n${head}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${query.length.toString(16)}\r\n${query}\r\n0\r\n\r\n`;
    const both = await said(`${chunked}GET /health HTTP/1.1\r\n${head}Connection: close\r\n\r\n`);
    expect(both.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2);
    expect(both.indexOf("[[42]]")).toBeGreaterThan(0);
    expect(both.indexOf('"reasons"')).toBeGreaterThan(both.indexOf("[[42]]"));
  });

  it("more clients than one server takes at once do not hold up each other for good", async () => {
    await using server = closing(await listen());
    const all: ClientRequest[] = [];
    const statuses = await Promise.all(
      Array.from(
        { length: 300 },
        () =>
          new Promise<number | undefined>((resolve, reject) => {
            const one = request(`${server.url}/api/status`, { headers: AUTH, agent: false }, (r) => {
              r.resume();
              r.on("end", () => resolve(r.statusCode));
            });
            all.push(one.on("error", reject).end());
          }),
      ),
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
  });
});
