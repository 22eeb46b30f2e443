import { join } from "node:path";
import { Client as NewClient, StreamableHTTPClientTransport as NewHttp } from "@modelcontextprotocol/client";
import { StdioClientTransport as NewStdio } from "@modelcontextprotocol/client/stdio";
import { Client as OldClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as OldStdio } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport as OldHttp } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LIMITS } from "../../src/base/limits.ts";
import { createHttp } from "../../src/read/http/app.ts";
import { type HttpServer, serveHttp } from "../../src/read/http/serve.ts";
import { cleanText, compact } from "../../src/read/mcp/compact.ts";
import { INSTRUCTIONS } from "../../src/read/mcp/server.ts";
import { filledStore, ROOT, sessionOf, type TestStore } from "../support/filled-store.ts";
import { expectGolden } from "../support/golden.ts";
import { readContext, type TestContext, TOKEN } from "../support/read-context.ts";

let store: TestStore;
let ctx: TestContext;
let server: HttpServer;
beforeAll(async () => {
  store = await filledStore();
  ctx = await readContext(store);
  server = await serveHttp(createHttp(ctx), { port: 0 });
});
afterAll(async () => {
  await server.close();
  ctx.select.close();
  await store[Symbol.asyncDispose]();
});

/** What the tests use of a client of either line. */
interface AnyClient {
  listTools(): Promise<{
    tools: {
      name: string;
      description?: string;
      inputSchema: unknown;
      outputSchema?: unknown;
      annotations?: Record<string, unknown>;
    }[];
  }>;
  // biome-ignore lint/suspicious/noExplicitAny: results are looked at field by field
  callTool(request: { name: string; arguments?: Record<string, unknown> }): Promise<any>;
  getInstructions(): string | undefined;
  close(): Promise<void>;
}
const ME = { name: "weir-test", version: "1.0.0" };
const MODERN = { versionNegotiation: { mode: { pin: "2026-07-28" } } } as const;
const headers = (token = TOKEN) => ({ requestInit: { headers: { Authorization: `Bearer ${token}` } } });
const bridge = () => ({
  command: process.execPath,
  args: ["--import", "tsx", join(ROOT, "test/support/stdio-bridge.ts"), server.url, TOKEN],
  cwd: ROOT,
  stderr: "inherit" as const,
});

/** Every way a client may come. */
const WAYS: Readonly<Record<string, () => Promise<AnyClient>>> = {
  "2026-07-28 over HTTP": async () => {
    const client = new NewClient(ME, MODERN);
    await client.connect(new NewHttp(new URL(`${server.url}/mcp`), headers()));
    return client as unknown as AnyClient;
  },
  "2025 over HTTP, new client": async () => {
    const client = new NewClient(ME);
    await client.connect(new NewHttp(new URL(`${server.url}/mcp`), headers()));
    return client as unknown as AnyClient;
  },
  "2025 over HTTP, old client": async () => {
    const client = new OldClient(ME);
    await client.connect(new OldHttp(new URL(`${server.url}/mcp`), headers()));
    return client as unknown as AnyClient;
  },
  "2026-07-28 over stdio": async () => {
    const client = new NewClient(ME, MODERN);
    await client.connect(new NewStdio(bridge()));
    return client as unknown as AnyClient;
  },
  "2025 over stdio, old client": async () => {
    const client = new OldClient(ME);
    await client.connect(new OldStdio(bridge()));
    return client as unknown as AnyClient;
  },
};

describe.each(Object.keys(WAYS))("a client of %s", (way) => {
  let client: AnyClient;
  beforeAll(async () => {
    client = await WAYS[way]!();
  });
  afterAll(() => client.close());

  it("is told which tool to choose", () => {
    expect(client.getInstructions()).toBe(INSTRUCTIONS);
  });
  it("finds a tool for every query and command", async () => {
    const { tools } = await client.listTools();
    expect(tools.map((t) => t.name)).toEqual([...ctx.queries.keys(), "sql", "health", ...ctx.commands.keys()]);
    for (const tool of tools)
      expect(tool.annotations).toMatchObject({ readOnlyHint: !ctx.commands.has(tool.name), openWorldHint: false });
    // what hosts ask about before it is called
    const destructive = tools.filter(({ annotations }) => annotations?.destructiveHint).map(({ name }) => name);
    expect(destructive.sort()).toEqual(["forget_session", "remove_threshold", "remove_watch"]);
    for (const name of ctx.commands.keys()) expect(INSTRUCTIONS).toContain(name);
  });
  it("asks, and gets the same data as text and structured", async () => {
    const answer = await client.callTool({ name: "session", arguments: { session: sessionOf(0) } });
    expect(answer.isError).toBeFalsy();
    expect(JSON.parse(answer.content[0].text)).toEqual(answer.structuredContent);
    expect(answer.structuredContent).toMatchObject({
      columns: expect.arrayContaining(["session", "cost_usd"]),
      as_of: { seq: 300 },
    });
    expect(answer.structuredContent.rows[0][0]).toBe(sessionOf(0));
  });
  it("gets a list of arguments, a number as text, and SQL", async () => {
    const usage = await client.callTool({ name: "usage", arguments: { by: ["total"], limit: "5" } });
    expect(usage.structuredContent.rows).toHaveLength(1);
    const sql = await client.callTool({ name: "sql", arguments: { query: "select count(*) as n from tool_calls" } });
    expect(sql.structuredContent).toMatchObject({ columns: ["n"], rows: [[3_000]] });
    expect((await client.callTool({ name: "health" })).structuredContent).toMatchObject({
      health: { state: "ok" },
      tables: { seq: 300 },
    });
  });
  it("is told what is wrong and what to do", async () => {
    const wrong = await client.callTool({ name: "sessions", arguments: { limt: 5 } });
    expect(wrong).toMatchObject({
      isError: true,
      content: [{ text: expect.stringMatching(/^error: bad_input: limt is no argument \(did you mean limit\?\)/) }],
    });
    expect((await client.callTool({ name: "sql", arguments: { query: "drop table events" } })).content[0].text).toMatch(
      /^error: sql_refused/,
    );
  });
  it("is told of a wrong type, and of too much", async () => {
    for (const [name, args] of [
      ["session", { session: { a: 1 } }],
      ["sessions", { text: 7 }],
      ["sessions", { text: "x".repeat(200_000) }],
    ] as const)
      expect((await client.callTool({ name, arguments: args })).content[0].text).toMatch(/^error: bad_input: /);
  });
  it("gives an order", async () => {
    const answer = await client.callTool({ name: "acknowledge_alert", arguments: { id: "alert-500", note: way } });
    expect(answer.structuredContent).toMatchObject({ seq: 301 });
    expect(ctx.taken.at(-1)).toMatchObject({ type: "alert.acknowledged", actor: "mcp", data: { note: way } });
  });
});

describe("MCP over HTTP", () => {
  it("has the tools of the golden list", async () => {
    const client = await WAYS["2026-07-28 over HTTP"]!();
    const { tools } = await client.listTools();
    await client.close();
    expectGolden("mcp-tools.json", tools);
    expect(INSTRUCTIONS.length).toBeLessThan(2_000);
    const spoken = new Set(INSTRUCTIONS.match(/[a-z_]+/g));
    expect(tools.map(({ name }) => name).filter((name) => !spoken.has(name))).toEqual([]);
    for (const tool of tools) expect(tool.description!.length, tool.name).toBeLessThan(2_500);
  });
  it("needs the token", async () => {
    const client = new NewClient(ME);
    await expect(client.connect(new NewHttp(new URL(`${server.url}/mcp`), headers("wrong")))).rejects.toThrow();
  });
  it("refuses a body that is too large", async () => {
    const init = {
      method: "POST",
      headers: {
        Authorization: `Bearer ${TOKEN}`,
        "Content-Type": "application/json",
        Accept: "application/json, text/event-stream",
      },
    };
    expect((await fetch(`${server.url}/mcp`, { ...init, body: "x".repeat(1_100_000) })).status).toBe(413);
    expect(
      (
        await fetch(`${server.url}/mcp`, {
          ...init,
          body: '{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}',
        })
      ).status,
    ).toBe(200);
  });
});

describe("MCP without a running weir", () => {
  it("starts, and says not_running", async () => {
    const client = new OldClient(ME);
    const nowhere = bridge();
    await client.connect(
      new OldStdio({ ...nowhere, args: [...nowhere.args.slice(0, 3), "http://127.0.0.1:9", TOKEN] }),
    );
    const answer = (await client.callTool({ name: "sessions" })) as { isError: boolean; content: { text: string }[] };
    expect(answer.isError).toBe(true);
    expect(answer.content[0]!.text).toMatch(/^error: not_running: nobody answers at .*\(start it with: weir up\)/);
    await client.close();
  });
});

describe("answers for assistants", () => {
  const answer = (rows: unknown[][], extra = {}) => ({
    columns: [{ name: "a", type: "VARCHAR" }],
    rows,
    as_of: { seq: 1, time: null },
    truncated: false,
    ...extra,
  });
  it("keep hidden and directing characters out", () => {
    const hostile = "a\u202eb\u2066c\u0000d\u001b[31me\u200bf\ufeffg\u{e0041}h\ud800i\u0085j\nk\tl";
    expect(cleanText(hostile)).toBe("abcd[31mefghij\nk\tl");
    expect(compact(answer([[hostile, { [hostile]: [hostile] }]])).rows).toEqual([
      ["abcd[31mefghij\nk\tl", { "abcd[31mefghij\nk\tl": ["abcd[31mefghij\nk\tl"] }],
    ]);
    expect(cleanText("ünï 日本 👍 é")).toBe("ünï 日本 👍 é");
  });
  it("cut long values and say so", () => {
    expect(cleanText("x".repeat(5_000))).toBe(`${"x".repeat(2_000)}… [3000 more characters]`);
  });
  it("stay below the limit, and tell how to narrow", () => {
    const made = compact(answer(Array.from({ length: 1_000 }, (_, k) => [`${k} ${"x".repeat(500)}`])));
    expect(JSON.stringify(made).length * 2).toBeLessThan(LIMITS.mcp_answer_chars_max);
    expect(made.note).toMatch(/^\d+ of 1000 rows left out .* narrow/);
    expect(compact(answer([["x"]], { truncated: true, note: "All." })).note).toBe(
      "There are more rows: narrow the period or the filters. All.",
    );
    expect(compact(answer([["x"]])).note).toBeUndefined();
  });
  it("write times and numbers short", () => {
    expect(
      compact(answer([["2026-11-20T12:00:00.000Z", "2026-11-20T12:00:00.123456Z", 0.1 + 0.2, 12345678901234]])).rows,
    ).toEqual([["2026-11-20T12:00:00Z", "2026-11-20T12:00:00.123Z", 0.3, 12345678901234]]);
  });
});
