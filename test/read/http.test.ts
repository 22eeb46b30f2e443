import type { Hono } from "hono";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { WeirError } from "../../src/base/errors.ts";
import { createHttp } from "../../src/read/http/app.ts";
import { parseJson } from "../../src/read/http/body.ts";
import { createIntake } from "../../src/read/http/intake.ts";
import { PAGE_JS } from "../../src/read/http/page/page.js.ts";
import { filledStore, type TestStore } from "../support/filled-store.ts";
import { expectGolden } from "../support/golden.ts";
import { readContext, type TestContext, TOKEN } from "../support/read-context.ts";

const AUTH = { Authorization: `Bearer ${TOKEN}` };
const JSON_AUTH = { ...AUTH, "Content-Type": "application/json" };

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
const get = (path: string, headers: Record<string, string> = AUTH) => app.request(path, { headers });
const post = (path: string, body: unknown, headers: Record<string, string> = JSON_AUTH) =>
  (path === "/api/events" ? intake : app).request(path, {
    method: "POST",
    headers,
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
// biome-ignore lint/suspicious/noExplicitAny: answers are looked at field by field
const bodyOf = async (response: Response | Promise<Response>): Promise<any> => (await response).json();

it("a sender that goes away in the middle of a body is no bug of weir", async () => {
  const failures: unknown[] = [];
  const watched = createIntake({ ...ctx, report: (error) => failures.push(error) });
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(Buffer.from("{"));
      controller.error(new Error("aborted"));
    },
  });
  const request = { method: "POST", headers: JSON_AUTH, body, duplex: "half" } as object;
  const answer = await watched.request("/api/events", request);
  expect([answer.status, failures]).toEqual([400, []]);
  expect(await bodyOf(answer)).toMatchObject({
    error: { code: "bad_input", message: expect.stringContaining("broke off") },
  });
});

describe("who may ask", () => {
  it.each(["/api/query/sessions", "/api/status", "/api/events", "/metrics", "/openapi.json", "/mcp", "/no/such/path"])(
    "%s needs the token",
    async (path) => {
      for (const headers of [
        {},
        { Authorization: "Bearer wrong" },
        { Authorization: TOKEN },
        { Authorization: `Basic ${TOKEN}` },
        { Authorization: "Bearer " },
      ] as Record<string, string>[]) {
        const response = await get(path, headers);
        expect(response.status).toBe(401);
        expect(response.headers.get("www-authenticate")).toContain("Bearer");
        expect(await bodyOf(response)).toMatchObject({
          error: { code: "unauthorized", hint: expect.stringContaining("runtime.json") },
        });
      }
      expect((await get(`${path}?token=${TOKEN}`, {})).status).toBe(401);
    },
  );
  it("an empty token opens nothing", async () => {
    const open = createHttp({ ...ctx, token: "" });
    for (const header of ["Bearer ", "Bearer x", ""])
      expect((await open.request("/api/status", { headers: { Authorization: header } })).status).toBe(401);
  });
  it("slows guessing down, and never whoever has the token", async () => {
    const codes = [];
    for (let i = 0; i < 25; i++) codes.push((await get("/api/status", { Authorization: `Bearer guess${i}` })).status);
    expect(codes.filter((c) => c === 401)).toHaveLength(20);
    expect(codes.filter((c) => c === 429)).toHaveLength(5);
    expect((await get("/api/status")).status).toBe(200);
  });
  it.each([
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example:80",
    "evil.example:4777",
    "[::2]",
    "1270.0.1",
  ])("refuses the host %s on every path", async (host) => {
    for (const path of ["/", "/health", "/api/status", "/mcp"]) {
      const response = await get(path, { ...AUTH, Host: host });
      expect(response.status).toBe(403);
      expect(await bodyOf(response)).toMatchObject({ error: { code: "forbidden" } });
    }
  });
  it.each(["localhost", "localhost:4777", "LOCALHOST:1", "127.0.0.1:65535"])("takes the host %s", async (host) => {
    expect((await get("/api/status", { ...AUTH, Host: host })).status).toBe(200);
  });
  it.each(["https://evil.example", "null", "http://localhost:9999", "http://127.0.0.1.evil.example", "file://"])(
    "refuses pages of %s",
    async (origin) => {
      for (const path of ["/health", "/api/status"])
        expect((await get(path, { ...AUTH, Host: "localhost:4777", Origin: origin })).status).toBe(403);
      expect(
        (
          await app.request("/mcp", {
            method: "POST",
            headers: { ...JSON_AUTH, Host: "localhost:4777", Origin: origin },
            body: "{}",
          })
        ).status,
      ).toBe(403);
    },
  );
  it("takes its own page", async () => {
    expect(
      (await get("/api/status", { ...AUTH, Host: "localhost:4777", Origin: "http://localhost:4777" })).status,
    ).toBe(200);
  });
  it("tells browsers what not to do", async () => {
    for (const path of ["/", "/api/status", "/nothing"]) {
      const { headers } = await get(path);
      expect(headers.get("content-security-policy")).toMatch(
        /default-src 'none'; script-src 'self';.*frame-ancestors 'none'/,
      );
      expect(headers.get("content-security-policy")).not.toContain("unsafe");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("access-control-allow-origin")).toBeNull();
    }
  });
});

describe("health", () => {
  it("needs no token and tells no secrets", async () => {
    expect(await bodyOf(get("/health", {}))).toEqual({ status: "ok", reasons: [], version: "0.0.0-test" });
    ctx.health = { state: "degraded", reasons: ["the tables are 5,000 messages behind"] };
    expect((await get("/health", {})).status).toBe(200);
    ctx.health = { state: "failing", reasons: ["the broker is away"] };
    const failing = await get("/health", {});
    expect(failing.status).toBe(503);
    expect(await failing.text()).not.toContain(TOKEN);
  });
  it("is failing where the status cannot be told", async () => {
    const broken = createHttp({ ...ctx, status: () => Promise.reject(new Error("secret detail")) });
    const response = await broken.request("/health");
    expect(response.status).toBe(503);
    expect(await response.text()).not.toContain("secret detail");
  });
});

describe("queries", () => {
  it("answers with columns, rows and position", async () => {
    const answer = await bodyOf(get("/api/query/sessions?limit=2&since=30d&sort=cost"));
    expect(answer.rows).toHaveLength(2);
    expect(answer.as_of).toEqual({ seq: 300, time: "2026-11-20T12:00:00.000Z" });
    expect(answer.columns[0]).toEqual({ name: "session", type: "VARCHAR" });
  });
  it("takes lists with commas, as JSON, or given several times", async () => {
    for (const by of ["by=day,model", "by=day&by=model", 'by=["day","model"]'])
      expect((await bodyOf(get(`/api/query/usage?${encodeURI(by)}`))).rows[0][1]).toMatch(/opus|mystery/);
  });
  it("names every fault", async () => {
    const response = await get("/api/query/sessions?limt=2&since=whenever");
    expect(response.status).toBe(400);
    expect((await bodyOf(response)).error).toMatchObject({
      code: "bad_input",
      message: expect.stringMatching(/limt is no argument \(did you mean limit\?\); since=whenever is no time/),
    });
    expect((await get("/api/query/session")).status).toBe(400);
    expect(await bodyOf(get("/api/query/sesions"))).toMatchObject({
      error: { code: "not_found", message: "no query is called sesions (did you mean sessions?)" },
    });
  });
  it("keeps what went wrong inside from the client", async () => {
    const broken = createHttp({ ...ctx, ask: () => Promise.reject(new Error("/home/ada/secret")) });
    const response = await broken.request("/api/query/sessions", { headers: AUTH });
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("secret");
  });
  it.each([
    ["timeout", 504],
    ["limit_reached", 429],
    ["store_failed", 503],
    ["conflict", 409],
    ["sql_refused", 400],
  ] as const)("answers %s with %i", async (code, status) => {
    const broken = createHttp({ ...ctx, ask: () => Promise.reject(new WeirError(code, "x")) });
    const response = await broken.request("/api/query/sessions", { headers: AUTH });
    expect(response.status).toBe(status);
    expect(await bodyOf(response)).toMatchObject({ error: { code } });
  });
});

describe("commands, SQL and events", () => {
  it("gives an order in the name of whoever asks", async () => {
    const response = await post(
      "/api/command/acknowledge_alert",
      { id: "alert-500", note: "mine" },
      { ...JSON_AUTH, "Weir-Actor": "ada" },
    );
    expect(await bodyOf(response)).toEqual({ ids: [expect.any(String)], seq: 301 });
    expect(ctx.taken).toMatchObject([
      { type: "alert.acknowledged", actor: "ada", data: { alert: "alert-500", note: "mine" } },
    ]);
    expect((await post("/api/command/acknowledge_alert", {})).status).toBe(400);
  });
  it("refuses a method that a path does not take, and says which it takes", async () => {
    const order = await get("/api/command/acknowledge_alert");
    expect([order.status, order.headers.get("allow")]).toEqual([405, "POST"]);
    expect((await bodyOf(order)).error).toEqual({
      code: "bad_input",
      message: "/api/command/acknowledge_alert does not take GET",
      hint: "it takes POST",
    });
    const both = await intake.request("/api/events", { method: "DELETE", headers: AUTH });
    expect([both.status, both.headers.get("allow")]).toEqual([405, "GET, HEAD, POST"]);
    const nothing = await app.request("/api/nothing", { method: "DELETE", headers: AUTH });
    expect([nothing.status, nothing.headers.get("allow")]).toEqual([404, null]);
  });
  it("answers the token of capture so too, where it opens the path", async () => {
    const capture = { token: "narrow", opens: (path: string) => path.startsWith("/v1/") };
    const receiving = createIntake({ ...ctx, capture });
    receiving.post("/v1/traces", (c) => c.body(null, 200));
    for (const token of [TOKEN, capture.token]) {
      const headers = { Authorization: `Bearer ${token}` };
      const { status, headers: told } = await receiving.request("/v1/traces", { headers });
      expect([status, told.get("allow")]).toEqual([405, "POST"]);
    }
    const headers = { Authorization: `Bearer ${capture.token}` };
    expect((await receiving.request("/api/status", { headers })).status).toBe(401);
  });
  it("answers SQL as JSON and CSV", async () => {
    expect((await bodyOf(post("/api/sql", { query: "select 1 as a" }))).rows).toEqual([[1]]);
    const csv = await post("/api/sql", {
      query: `select 'a,"b' as "x", 5 as y, '=cmd()' as z, null as n`,
      format: "csv",
    });
    expect(csv.headers.get("content-type")).toContain("text/csv");
    expect(await csv.text()).toBe('x,y,z,n\r\n"a,""b",5,\'=cmd(),\r\n');
    expect(await bodyOf(post("/api/sql", { query: "delete from events" }))).toMatchObject({
      error: { code: "sql_refused" },
    });
    for (const body of [{}, { query: 5 }, { query: "select 1", format: "xml" }, { query: "select 1", evil: 1 }, []])
      expect((await post("/api/sql", body)).status).toBe(400);
  });
  it("takes CloudEvents, one or many, and tells of each", async () => {
    const event = {
      specversion: "1.0",
      type: "metric.measured",
      source: "x",
      id: "018f0000-0000-7000-8000-00000000000a",
      data: { name: "x", value: 1 },
    };
    const one = await post("/api/events", event, {
      ...AUTH,
      "Content-Type": "application/cloudevents+json; charset=utf-8",
    });
    expect(one.status).toBe(200);
    expect(await bodyOf(one)).toEqual({ accepted: 1, rejected: 0, events: [{ id: event.id, status: "accepted" }] });
    const many = await post("/api/events", [event, {}], {
      ...AUTH,
      "Content-Type": "application/cloudevents-batch+json",
    });
    expect(await bodyOf(many)).toMatchObject({
      accepted: 1,
      rejected: 1,
      events: [{ status: "accepted" }, { status: "rejected", error: "type is missing" }],
    });
    expect((await post("/api/events", [{}])).status).toBe(400);
    expect((await post("/api/events", event, { ...AUTH, "Content-Type": "text/plain" })).status).toBe(415);
    expect(
      (await post("/api/events", [event], { ...AUTH, "Content-Type": "application/cloudevents+json" })).status,
    ).toBe(400);
    expect((await bodyOf(get("/api/events?type=tool.called&limit=3"))).rows).toHaveLength(3);
  });
  it("refuses bodies that are too large, too deep, too wide, or no JSON", async () => {
    expect((await post("/api/sql", `{"query":"${"x".repeat(1_100_000)}"}`)).status).toBe(413);
    const endless = new ReadableStream({ pull: (c) => c.enqueue(new Uint8Array(65_536).fill(32)) });
    const streamed = new Request("http://localhost/api/sql", {
      method: "POST",
      headers: JSON_AUTH,
      body: endless,
      duplex: "half",
    } as RequestInit);
    expect((await app.request(streamed)).status).toBe(413);
    expect((await post("/api/events", `${"[".repeat(100_000)}`)).status).toBe(400);
    expect(
      (
        await post("/api/events", {
          type: "x",
          data: Object.fromEntries(Array.from({ length: 2_000 }, (_, k) => [`k${k}`, 1])),
        })
      ).status,
    ).toBe(400);
    for (const text of ["", "{", "\u0000", "{}}"]) expect((await post("/api/events", text)).status).toBe(400);
    expect(
      (
        await app.request("/api/sql", {
          method: "POST",
          headers: JSON_AUTH,
          body: new Uint8Array([0x22, 0xff, 0xfe, 0x22]),
        })
      ).status,
    ).toBe(400);
    expect((await post("/api/sql", "{}", { ...JSON_AUTH, "Content-Encoding": "gzip" })).status).toBe(415);
    expect(ctx.taken).toEqual([]);
    expect(parseJson('{"a":"[[[[{{{\\"[["}')).toEqual({ a: '[[[[{{{"[[' });
  });
});

describe("descriptions", () => {
  it("describes every query and command in OpenAPI 3.1", async () => {
    const document = await bodyOf(get("/openapi.json"));
    expect(document.openapi).toBe("3.1.0");
    for (const name of ctx.queries.keys()) expect(document.paths[`/api/query/${name}`].get.operationId).toBe(name);
    for (const name of ctx.commands.keys()) expect(document.paths[`/api/command/${name}`].post.operationId).toBe(name);
    const ids = Object.values(document.paths as Record<string, Record<string, { operationId: string }>>).flatMap((p) =>
      Object.values(p).map((o) => o.operationId),
    );
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, name] of JSON.stringify(document).matchAll(/#\/components\/schemas\/(\w+)/g))
      expect(document.components.schemas).toHaveProperty(name!);
    for (const [path, method] of [
      ["/api/events", "get"],
      ["/api/events", "post"],
      ...["verify", "archive", "archive/new", "rebuild", "snapshot"].map((name) => [`/api/${name}`, "post"]),
      ["/mcp", "post"],
      ["/v1/logs", "post"],
    ])
      expect([path, method, typeof document.paths[path!]?.[method!]]).toEqual([path, method, "object"]);
    expect(Object.keys(document.paths["/api/sql"].post.responses[200].content)).toContain("text/csv");
    const refused = document.paths["/api/events"].post.responses[400].content["application/json"].schema.oneOf;
    expect(refused).toContainEqual({ $ref: "#/components/schemas/Published" }); // of events none of which was taken
    expectGolden("openapi.json", document);
  });
  it("answers with Prometheus text", async () => {
    const response = await get("/metrics");
    expect(response.headers.get("content-type")).toContain("text/plain; version=0.0.4");
    expect(await response.text()).toContain("weir_up 1");
  });
  it("has a page without a token, without inline script, and safe against what was recorded", async () => {
    const html = await (await get("/", {})).text();
    expect(html).not.toMatch(/<script(?![^>]*src=)|<style|\son\w+=|style=/);
    for (const [, path] of html.matchAll(/(?:src|href)="([^"]+)"/g)) expect((await get(path!, {})).status).toBe(200);
    expect(PAGE_JS).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|localStorage/);
    expect(() => new Function(PAGE_JS)).not.toThrow();
  });
});
