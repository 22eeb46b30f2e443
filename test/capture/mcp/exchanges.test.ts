import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createExchanges, type Mark, type Opened } from "../../../src/capture/mcp/http/exchanges.ts";
import { passed } from "../../../src/capture/mcp/http/headers.ts";
import { createScopes } from "../../../src/capture/mcp/http/scopes.ts";
import type { Draft } from "../../../src/define/event.ts";
import { definitionOf } from "../../../src/events/catalog.ts";

const SAMPLES = new URL("../../../../shared/data/mcp/", import.meta.url).pathname;
const ORIGIN = { server: "s", payloads: "redacted", project: "/home/ada/app" } as const;
const JSON_TYPE = "application/json";
const STREAM = "text/event-stream; charset=utf-8";

type Reply = {
  readonly status?: number;
  readonly media?: string | undefined;
  readonly encoding?: string;
  readonly session?: string;
};

/** Drives a record by hand, a millisecond between any two things that happen. */
function recording() {
  const drafts: Draft[] = [];
  const exchanges = createExchanges(ORIGIN, (draft) => void drafts.push(draft));
  let at = 1_000_000;
  let n = 0;
  const tell = (mark: Mark) => exchanges.take(mark, new Uint8Array(0), (at += 1_000));
  const bytesOf = (body: unknown): Uint8Array =>
    body instanceof Uint8Array ? body : Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  const begin = (body?: unknown, opened: Partial<Opened> = {}) => {
    const id = ++n;
    tell({ kind: "opened", n: id, method: "POST", path: "/mcp", ...opened });
    if (body !== undefined) exchanges.take(id, bytesOf(body), (at += 1_000));
    tell({ kind: "asked", n: id });
    return {
      head: ({ status = 200, media = JSON_TYPE, encoding, session }: Reply = {}) =>
        tell({ kind: "answered", n: id, status, media, encoding, session }),
      body: (chunk: unknown) => exchanges.take(-id, bytesOf(chunk), (at += 1_000)),
      close: (how: "ended" | "aborted" | "failed" = "ended", error?: string) =>
        tell({ kind: "closed", n: id, how, error }),
      miss: () => exchanges.missed(-id, 0),
    };
  };
  return {
    begin,
    exchanges,
    drafts,
    end: () => exchanges.end((at += 1_000)),
    /** A whole exchange. */
    pass(body: unknown, reply: unknown, opened: Partial<Opened> = {}, head: Reply = {}) {
      const exchange = begin(body, opened);
      exchange.head(head);
      exchange.body(reply);
      exchange.close();
    },
    data: () => {
      for (const draft of drafts) {
        const { list } = definitionOf(draft.type)!;
        expect(Object.keys(draft.data).filter((name) => !list.some(([known]) => known === name))).toEqual([]);
      }
      return drafts.map((d) => d.data as Record<string, unknown>);
    },
    outcomes: () =>
      drafts.map(({ data }) => [(data as { tool?: string }).tool, (data as { error_type?: string }).error_type]),
  };
}
const request = (id: unknown, name: string, more: object = {}) => ({
  jsonrpc: "2.0",
  id,
  method: "tools/call",
  params: { name, ...more },
});
const result = (id: unknown, value: unknown = {}) => ({ jsonrpc: "2.0", id, result: value });
const event = (message: unknown, id?: string) =>
  `${id === undefined ? "" : `id: ${id}\n`}event: message\ndata: ${JSON.stringify(message)}\n\n`;

describe("exchanges over HTTP", () => {
  test("what became of a request is told apart", () => {
    const r = recording();
    r.pass(request(1, "json"), result(1));
    r.pass(
      request(1, "stream"),
      event({ method: "notifications/progress", params: {} }) + event(result(1)),
      {},
      { media: STREAM },
    );
    r.pass(request(1, "failing"), result(1, { isError: true }));
    r.pass(
      request(1, "refused"),
      { jsonrpc: "2.0", id: 1, error: { code: -32602, message: "no" } },
      {},
      { status: 400 },
    );
    r.pass(
      request(1, "nameless"),
      { jsonrpc: "2.0", id: null, error: { code: -32020, message: "header" } },
      {},
      { status: 400 },
    );
    r.pass(request(1, "denied"), "who are you?", {}, { status: 401, media: "text/plain" });
    r.pass(request(1, "moved"), "", {}, { status: 307 });
    r.pass(request(1, "silent"), "", {}, { media: STREAM });
    r.begin(request(1, "away")).close("failed", "ECONNREFUSED");
    r.begin(request(1, "left")).close("aborted");
    const broken = r.begin(request(1, "broken"));
    broken.head();
    broken.body('{"jsonrpc":"2.0","id":1,"resu');
    broken.close("failed");
    r.pass({ jsonrpc: "2.0", method: "notifications/initialized" }, "", {}, { status: 202 });
    r.pass("no JSON at all", "neither");
    expect(r.outcomes()).toEqual([
      ["json", undefined],
      ["stream", undefined],
      ["failing", "tool_error"],
      ["refused", "-32602"],
      ["nameless", "-32020"],
      ["denied", "http_401"],
      ["moved", "http_307"],
      ["silent", "unanswered"],
      ["away", "unreachable"],
      ["left", "cancelled"],
      ["broken", "unanswered"],
    ]);
    expect(r.data()[5]).toMatchObject({ error: "http_401: who are you?", success: false });
    expect(r.data()[8]).toMatchObject({ error: "unreachable: ECONNREFUSED" });
    expect(r.data()[0]).toMatchObject({ duration_ms: 2, request_id: "client:1" });
  });

  test("what is still under way when the proxy ends has no answer", async () => {
    const r = recording();
    r.begin(request(1, "asked"));
    const streaming = r.begin(request(1, "streaming"));
    streaming.head({ media: STREAM });
    streaming.body("data: {");
    await r.end();
    expect(r.outcomes()).toEqual([
      ["asked", "unanswered"],
      ["streaming", "unanswered"],
    ]);
  });

  test("a batch, and answers in another order, pair by their ids", () => {
    const r = recording();
    r.pass([request(1, "a"), request("1", "b")], event(result("1")) + event(result(1)), {}, { media: STREAM });
    r.pass([request(1, "c"), request(2, "d")], [result(2), result(1)]);
    expect(r.outcomes().map(([tool]) => tool)).toEqual(["b", "a", "d", "c"]);
  });

  test("clients without a session may use the same ids at the same time", () => {
    const r = recording();
    const first = r.begin(request(1, "first"));
    const second = r.begin(request(1, "second"));
    for (const exchange of [second, first]) {
      exchange.head();
      exchange.body(result(1, { content: [] }));
      exchange.close();
    }
    expect(r.outcomes()).toEqual([
      ["second", undefined],
      ["first", undefined],
    ]);
  });

  test("in a session, questions of the server, cancelling and resuming go over other exchanges", async () => {
    const r = recording();
    const initialize = {
      jsonrpc: "2.0",
      id: 0,
      method: "initialize",
      params: { protocolVersion: "2025-11-25", clientInfo: { name: "cc", version: "2" } },
    };
    r.pass(initialize, result(0, { protocolVersion: "2025-06-18" }), {}, { session: "S" });
    const opened = { session: "S", protocol: "2025-06-18", traceparent: "00-aa-bb-01" };
    const call = r.begin(request(1, "asks"), opened);
    call.head({ media: STREAM });
    call.body(event({ jsonrpc: "2.0", id: 1, method: "sampling/createMessage", params: {} }));
    r.pass(result(1, { role: "assistant" }), "", opened, { status: 202 });
    call.body(event(result(1)));
    call.close();
    const cut = r.begin(request(2, "resumed"), opened);
    cut.head({ media: STREAM });
    cut.body(event({ jsonrpc: "2.0", method: "notifications/message" }, "e1"));
    cut.close("aborted");
    const again = r.begin(undefined, { ...opened, method: "GET" });
    again.head({ media: STREAM });
    again.body(event(result(2), "e2"));
    const stopped = r.begin(request(3, "stopped"), opened);
    stopped.head({ media: STREAM });
    r.pass({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 3 } }, "", opened, {
      status: 202,
    });
    stopped.close("aborted");
    const open = r.begin(request(4, "open"), opened);
    open.head({ media: STREAM });
    open.body(event({ jsonrpc: "2.0", method: "notifications/message" }, "e3"));
    open.close("ended");
    again.close();
    r.pass(undefined, "", { ...opened, method: "DELETE" }, { status: 200 });
    const [init, sampling, asks, ...rest] = r.data();
    expect(init).toMatchObject({ method: "initialize", protocol: "2025-06-18", client: "cc 2" });
    expect(sampling).toMatchObject({ method: "sampling/createMessage", request_id: "server:1", success: true });
    expect(asks).toMatchObject({ tool: "asks", protocol: "2025-06-18", client: "cc 2", mcp_session: "S" });
    expect(r.drafts[2]).toMatchObject({ traceparent: "00-aa-bb-01" });
    expect(rest.map((d) => [d.tool, d.error_type])).toEqual([
      ["resumed", undefined],
      ["stopped", "cancelled"],
      ["open", "unanswered"],
    ]);
    await r.end();
    expect(r.drafts).toHaveLength(6);
  });

  test("servers with a stream and an address for posts answer on the stream", () => {
    const r = recording();
    const stream = r.begin(undefined, { method: "GET", path: "/sse" });
    stream.head({ media: STREAM });
    stream.body("event: endpoint\ndata: /message?sessionId=7\n\n");
    const opened = { path: "/message?sessionId=7" };
    r.pass(request(1, "old"), "Accepted", opened, { status: 202, media: "text/plain" });
    stream.body(event(result(1)));
    r.pass(request(2, "lost"), "Accepted", opened, { status: 202, media: "text/plain" });
    r.pass(request(3, "elsewhere"), "Accepted", { path: "/other" }, { status: 202, media: "text/plain" });
    stream.close("aborted");
    expect(r.outcomes()).toEqual([
      ["old", undefined],
      ["elsewhere", "unanswered"],
      ["lost", "unanswered"],
    ]);
  });

  test("compressed answers are read, and those that cannot be are counted", async () => {
    const r = recording();
    const body = Buffer.from(event(result(1, { content: [{ type: "text", text: "hello" }] })));
    for (const [encoding, bytes, media] of [
      ["gzip", gzipSync(body), STREAM],
      ["br", brotliCompressSync(JSON.stringify(result(1))), JSON_TYPE],
      ["zstd", body, STREAM],
      ["gzip", gzipSync(Buffer.alloc(90_000_000)), JSON_TYPE],
    ] as const) {
      const exchange = r.begin(request(1, encoding));
      exchange.head({ encoding, media });
      for (let k = 0; k < bytes.length; k += 999) exchange.body(bytes.subarray(k, k + 999));
      exchange.close();
      if (encoding === "gzip") await r.exchanges.end(2_000_000);
    }
    await r.end();
    expect(r.outcomes().filter(([tool]) => tool)).toEqual(
      expect.arrayContaining([
        ["gzip", undefined],
        ["br", undefined],
      ]),
    );
    const dropped = r.drafts.filter((d) => d.type === "events.dropped").map((d) => d.data);
    expect(dropped).toEqual([
      { where: "mcp_unread", count: 1 },
      { where: "mcp_unread", count: 1 },
    ]);
  });

  test("what is missing is counted, and nothing is made of the rest", () => {
    const r = recording();
    const torn = r.begin(request(1, "torn"));
    torn.head();
    torn.miss();
    torn.body(result(1));
    torn.close();
    r.exchanges.missed(0, 5);
    expect(r.data()).toEqual([
      { where: "mcp_backlog", count: 1 },
      { where: "mcp_backlog", count: 5 },
    ]);
  });

  test("the session unused for longest is forgotten, its requests told as unanswered", () => {
    const gone: number[] = [];
    const scopes = createScopes((scope) => void gone.push(scope.pairing.pending("client").length), 2);
    const first = scopes.of("a");
    first.pairing.take("client", { id: 1, method: "m", bytes: 1 }, 1);
    scopes.of("b");
    expect(scopes.of("a")).toBe(first);
    scopes.of("c");
    scopes.of("d");
    expect(gone).toEqual([0, 1]);
  });

  test("headers of a connection stay behind, all others pass in their order and case", () => {
    const raw = [
      "X-A",
      "1",
      "connection",
      "keep-alive, x-hop",
      "X-Hop",
      "2",
      "Set-Cookie",
      "a",
      "Set-Cookie",
      "b",
      "TE",
      "t",
    ];
    expect(passed(raw)).toEqual(["X-A", "1", "Set-Cookie", "a", "Set-Cookie", "b"]);
    expect(passed(["Host", "x", "Accept", "y"], ["host"])).toEqual(["Accept", "y"]);
  });
});

/** Messages of the samples: requests with their answers. */
function samples(): string[] {
  const found: string[] = [];
  for (const name of readdirSync(SAMPLES, { recursive: true, encoding: "utf8" }))
    if (/\.(json|vcr)$/.test(name)) found.push(readFileSync(join(SAMPLES, name), "utf8"));
  return found;
}

describe.skipIf(!existsSync(SAMPLES))("samples", () => {
  test("a recorded session over HTTP pairs completely", () => {
    const { interactions } = JSON.parse(readFileSync(join(SAMPLES, "mcp-recorder/mock_session.json"), "utf8")) as {
      interactions: { type: string; request: { method: string }; response: unknown }[];
    };
    const r = recording();
    const asked = interactions.filter(({ type }) => type === "jsonrpc_request");
    for (const { request: body, response } of asked) r.pass(body, event(response), { session: "S" }, { media: STREAM });
    expect(r.data().map((d) => d.method)).toEqual(asked.map((one) => one.request.method));
    expect(asked.length).toBeGreaterThan(2);
  });

  test("nothing that is changed, cut, repeated or mixed up makes it fail or remember more and more", async () => {
    const texts = samples();
    const step = fc.record({
      body: fc.nat(texts.length - 1),
      reply: fc.nat(texts.length - 1),
      from: fc.nat(3_000),
      byte: fc.nat(255),
      session: fc.option(fc.constantFrom("A", "B"), { nil: undefined }),
      method: fc.constantFrom("POST", "POST", "POST", "GET", "DELETE", "OPTIONS"),
      status: fc.constantFrom(200, 200, 202, 404, 500),
      media: fc.constantFrom(JSON_TYPE, STREAM, undefined),
      encoding: fc.constantFrom(undefined, undefined, "gzip", "br"),
      how: fc.constantFrom("ended", "ended", "aborted", "failed", undefined),
    });
    const mutated = (text: string, from: number, byte: number): Uint8Array => {
      const bytes = Buffer.from(text);
      bytes[from % bytes.length] = byte;
      return bytes.subarray(byte % 2 ? 0 : from % bytes.length);
    };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const r = recording();
        for (const { body, reply, from, byte, session, method, status, media, encoding, how } of steps) {
          const exchange = r.begin(mutated(texts[body]!, from, byte), { session, method });
          exchange.head({ status, media, ...(encoding ? { encoding } : {}) });
          const bytes = mutated(texts[reply]!, from, byte);
          exchange.body(media === STREAM && byte % 3 ? Buffer.from(`data: ${Buffer.from(bytes)}\n\n`) : bytes);
          if (how) exchange.close(how);
        }
        await r.end();
        r.data();
        const told = r.drafts.length;
        await r.end();
        expect(r.drafts).toHaveLength(told); // nothing is left waiting
      }),
      { numRuns: 150 },
    );
  });
});
