import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Client as NewClient, StreamableHTTPClientTransport as NewTransport } from "@modelcontextprotocol/client";
import { Client as OldClient } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StreamableHTTPClientTransport as OldTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { CreateMessageRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { acceptedContent, createMcpHandler, inputRequired, McpServer } from "@modelcontextprotocol/server";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { CLI, cli, envOf, PATIENT, ROOT, type Started, start, startWeir } from "../support/weir.ts";

const EVERYTHING = join(ROOT, "node_modules/@modelcontextprotocol/server-everything/dist/index.js");
type Env = Record<string, string>;

/** `weir proxy` that listens, and the address it told. */
async function proxied(env: Env, name: string, to: string, ...more: readonly string[]) {
  const words = [CLI, "proxy", "--name", name, "--to", to, "--port", "0", "--json", ...more];
  const program = start(process.execPath, words, { env });
  const line = await until("the proxy listens", () => /^\{.*\}$/m.exec(program.stdout())?.[0], PATIENT);
  return {
    ...program,
    url: (JSON.parse(line) as { url: string }).url,
    async [Symbol.asyncDispose]() {
      program.child.kill("SIGTERM");
      await program.ended;
    },
  };
}

/** A server of this process. */
async function serving(handler: (req: IncomingMessage, res: ServerResponse) => void) {
  const server: Server = createServer(handler).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A request by hand: what came back, as it came. */
function raw(url: string, options: { method?: string; headers?: Record<string, string>; body?: Uint8Array } = {}) {
  return new Promise<{ status: number; headers: string[]; body: Buffer }>((resolve, reject) => {
    const asked = request(url, { method: options.method ?? "POST", headers: options.headers }, (res) => {
      const parts: Buffer[] = [];
      res.on("data", (part: Buffer) => parts.push(part));
      res.on("end", () => resolve({ status: res.statusCode!, headers: res.rawHeaders, body: Buffer.concat(parts) }));
      res.on("error", reject);
    });
    asked.on("error", reject);
    asked.end(options.body);
  });
}

/** A server of npm on a free port; it tells the port once it listens. */
async function everything(
  kind: "streamableHttp" | "sse",
  env: Env,
): Promise<Started & { url: string; stop(): Promise<void> }> {
  const { server, url, [Symbol.asyncDispose]: free } = await serving(() => {});
  const { port } = server.address() as AddressInfo;
  await free();
  const program = start(process.execPath, [EVERYTHING, kind], { env: { ...env, PORT: String(port) } });
  await until("the server listens", () => /on port/.test(program.stderr()), PATIENT);
  return {
    ...program,
    url,
    async stop() {
      program.child.kill("SIGKILL");
      await program.ended;
    },
  };
}

describe("weir proxy", () => {
  test("requests and answers of any kind arrive as they were sent", async () => {
    await using dir = await tempDir();
    const seen: { method: string; url: string; headers: string[]; body: Buffer }[] = [];
    await using upstream = await serving((req, res) => {
      const parts: Buffer[] = [];
      req.on("data", (part: Buffer) => parts.push(part));
      req.on("end", () => {
        const body = Buffer.concat(parts);
        seen.push({ method: req.method!, url: req.url!, headers: req.rawHeaders, body });
        const status = Number(req.headers["x-status"] ?? 200);
        res.writeHead(status, ["X-Reply", "1", "Set-Cookie", "a=1", "Set-Cookie", "b=2", "Location", "/elsewhere"]);
        if (req.method === "HEAD" || status === 204) res.end();
        else res.end(body);
      });
    });
    await using proxy = await proxied(envOf(join(dir.path, "data")), "echo", `${upstream.url}/mcp?key=1`);
    expect(proxy.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/mcp\?key=1$/);
    const origin = new URL(proxy.url).origin;
    const sent = fc.record({
      method: fc.constantFrom("POST", "POST", "GET", "DELETE", "PUT", "HEAD", "OPTIONS"),
      path: fc.constantFrom("/", "/mcp", "/.well-known/oauth-protected-resource", "/a%20b?c=%2F"),
      body: fc.oneof(
        fc.constant(undefined),
        fc.uint8Array({ maxLength: 300 }),
        fc.json().map((text) => Buffer.from(text)),
        fc.integer({ min: 1, max: 400_000 }).map((size) => Buffer.alloc(size, "é\n{")),
      ),
      chunked: fc.boolean(),
      status: fc.constantFrom(200, 201, 204, 302, 400, 404, 500),
    });
    const headers = {
      Authorization: "Bearer mine",
      "MCP-Protocol-Version": "2026-07-28",
      "Mcp-Method": "tools/call",
      "Mcp-Name": "=?base64?w6k=?=",
      "Mcp-Session-Id": "s-1",
      "Last-Event-ID": "7",
      "X-Odd-Case": "Yes",
    };
    await fc.assert(
      fc.asyncProperty(sent, async ({ method, path, body: given, chunked, status }) => {
        const body = method === "GET" || method === "HEAD" ? undefined : given;
        const length: Record<string, string> =
          body === undefined
            ? {}
            : chunked
              ? { "Transfer-Encoding": "chunked" }
              : { "Content-Length": `${body.length}` };
        const got = await raw(origin + path, {
          method,
          headers: { ...headers, ...length, "X-Status": `${status}` },
          ...(body ? { body } : {}),
        });
        const there = seen.at(-1)!;
        const bodyThere = body ?? Buffer.alloc(0);
        expect([there.method, there.url]).toEqual([method, path === "/" ? "/mcp?key=1" : path]);
        expect(there.body.equals(bodyThere)).toBe(true);
        const at = there.headers.indexOf("Host");
        expect(there.headers[at + 1]).toBe(new URL(upstream.url).host);
        for (const [name, value] of Object.entries(headers))
          expect(there.headers[there.headers.indexOf(name) + 1]).toBe(value);
        expect(there.headers.filter((name) => /weir|forwarded|^via$/i.test(name))).toEqual([]);
        expect(got.status).toBe(status);
        expect(got.headers.slice(0, 8)).toEqual([
          "X-Reply",
          "1",
          "Set-Cookie",
          "a=1",
          "Set-Cookie",
          "b=2",
          "Location",
          "/elsewhere",
        ]);
        expect(got.body.equals(status === 204 || method === "HEAD" ? Buffer.alloc(0) : Buffer.from(bodyThere))).toBe(
          true,
        );
      }),
      { numRuns: 40 },
    );
    const large = Buffer.alloc(10_000_000, "0123456789abcdef");
    expect((await raw(proxy.url, { body: large })).body.equals(large)).toBe(true);
  });

  test("streams pass as they come, and whoever goes takes the other end along", async () => {
    await using dir = await tempDir();
    const open = new Set<ServerResponse>();
    let written = 0;
    await using upstream = await serving((req, res) => {
      open.add(res);
      res.on("close", () => open.delete(res));
      res.writeHead(200, { "Content-Type": "text/event-stream" });
      res.flushHeaders();
      if (req.url === "/flood") {
        const more = (): void => {
          if (res.destroyed) return;
          written += 65_536;
          if (res.write(Buffer.alloc(65_536))) setImmediate(more);
          else res.once("drain", more);
        };
        more();
      }
    });
    await using proxy = await proxied(envOf(join(dir.path, "data")), "streams", upstream.url);
    const abort = new AbortController();
    // the head of an answer comes before anything of its body does
    const answer = await fetch(proxy.url, { signal: abort.signal });
    const reader = answer.body!.getReader();
    for (const text of ["data: one\n\n", "data: two\n\n"]) {
      for (const res of open) res.write(text);
      expect(Buffer.from((await reader.read()).value!).toString()).toBe(text);
    }
    abort.abort();
    await until("the server's end is closed", () => open.size === 0, PATIENT);

    const cut = await fetch(proxy.url);
    await until("it is open", () => open.size === 1, PATIENT);
    for (const res of open) res.destroy();
    await expect(cut.text()).rejects.toThrow();

    // a client that does not read holds the server back
    const slow = request(new URL("/flood", proxy.url)).end();
    const [flood] = (await once(slow, "response")) as [IncomingMessage];
    flood.pause();
    let before = -1;
    await until("the server waits", () => {
      const same = written > 0 && written === before;
      before = written;
      return new Promise((resolve) => setTimeout(() => resolve(same), 100));
    });
    expect(written).toBeLessThan(20_000_000);
    slow.destroy();
    await until("the flood is over", () => open.size === 0, PATIENT);
  });

  test("what it is not meant for is refused", async () => {
    await using dir = await tempDir();
    const env = envOf(join(dir.path, "data"));
    let asked = 0;
    await using upstream = await serving((_req, res) => {
      asked++;
      res.end("here");
    });
    await using proxy = await proxied(env, "guarded", upstream.url, "--allowed-hosts", "weir.example");
    const { host } = new URL(proxy.url);
    for (const [headers, status] of [
      [{ Host: "evil.example" }, 403],
      [{ Host: host, Origin: "https://evil.example" }, 403],
      [{ Host: "weir.example:80" }, 200],
      [{ Host: host, Origin: `http://${host}` }, 200],
    ] as const)
      expect((await raw(proxy.url, { headers })).status).toBe(status);
    expect(asked).toBe(2);
    const { port } = new URL(proxy.url);
    const elsewhere = await new Promise<number>((resolve) => {
      const path = "http://evil.example/";
      request({ host: "127.0.0.1", port, path, headers: { Host: host } }, (res) => resolve(res.statusCode!)).end();
    });
    expect([elsewhere, asked]).toEqual([400, 2]);
    for (const words of [
      ["--to", "ftp://127.0.0.1"],
      ["--to", "http://me:secret@127.0.0.1:1/"],
      ["--to", "mcp.example.com?api_key=abcdef-0123456789"],
      ["--to", upstream.url, "--port", "x"],
      ["--to", upstream.url, "--payloads", "some"],
    ]) {
      const ran = await cli(["proxy", "--name", "x", ...words], { env });
      expect([ran.code, ran.stdout]).toEqual([2, ""]);
      expect(ran.stderr).not.toMatch(/secret@|abcdef/);
    }
    const taken = await cli(["proxy", "--name", "x", "--to", upstream.url, "--port", host.split(":")[1]!], { env });
    expect(taken.stderr).toContain("port_in_use");
    await using keyed = await proxied(env, "keyed", `${upstream.url}/mcp?api_key=abcdef-0123456789`);
    expect(keyed.stdout()).toContain(`${upstream.url}/mcp?api_key=[redacted`);
    const kept = readFileSync(join(env.WEIR_DATA_DIR!, "proxies", `${keyed.child.pid}.json`), "utf8");
    expect(keyed.stdout() + kept).not.toContain("abcdef");
  });

  test("requests of both generations of clients to real servers are recorded, and a server that is away", async () => {
    await using dir = await tempDir();
    const dataDir = join(dir.path, "data");
    const env = envOf(dataDir);
    const server = await everything("streamableHttp", env);
    const older = await everything("sse", env);
    const modern = createMcpHandler(() => {
      const mcp = new McpServer({ name: "modern", version: "1" });
      mcp.registerTool("double", { inputSchema: z.object({ n: z.number() }) }, ({ n }) => ({
        content: [{ type: "text", text: String(n * 2) }],
      }));
      mcp.registerTool("greet", { inputSchema: z.object({}) }, (_input, context) => {
        const answers = context.mcpReq.inputResponses;
        const given = acceptedContent(answers, "name", z.object({ name: z.string() }));
        if (given) return { content: [{ type: "text", text: `hello ${given.name}` }] };
        return inputRequired({
          requestState: "half way",
          inputRequests: {
            name: inputRequired.elicit({ message: "Who?", requestedSchema: z.object({ name: z.string() }) }),
          },
        });
      });
      return mcp;
    });
    await using stateless = await serving((req, res) => {
      const parts: Buffer[] = [];
      req.on("data", (part: Buffer) => parts.push(part));
      req.on("end", async () => {
        const answer = await modern.fetch(
          new Request(`http://${req.headers.host}${req.url}`, {
            method: req.method!,
            headers: req.headers as Record<string, string>,
            ...(parts.length > 0 ? { body: Buffer.concat(parts) } : {}),
          }),
        );
        res.writeHead(answer.status, Object.fromEntries(answer.headers));
        if (!answer.body) return void res.end();
        for await (const chunk of answer.body) res.write(chunk);
        res.end();
      });
    });
    {
      await using proxy = await proxied(env, "everything", `${server.url}/mcp`);
      await using oldProxy = await proxied(env, "older", `${older.url}/sse`);
      await using newProxy = await proxied(env, "modern", `${stateless.url}/mcp`);
      const old = new OldClient({ name: "old", version: "1" }, { capabilities: { sampling: {} } });
      old.setRequestHandler(CreateMessageRequestSchema, () => ({
        model: "m",
        role: "assistant" as const,
        content: { type: "text" as const, text: "sampled" },
      }));
      const transport = new OldTransport(new URL(proxy.url));
      await old.connect(transport as never);
      await until("sampling is offered", async () =>
        (await old.listTools()).tools.some((tool) => tool.name === "trigger-sampling-request"),
      );
      const sampled = await old.callTool({ name: "trigger-sampling-request", arguments: { prompt: "p" } });
      expect(JSON.stringify(sampled.content)).toContain("sampled");
      const progress: unknown[] = [];
      await old.callTool(
        { name: "trigger-long-running-operation", arguments: { duration: 0.2, steps: 4 } },
        undefined,
        { onprogress: (step) => void progress.push(step) },
      );
      expect(progress).toHaveLength(4);
      const failed = await old.callTool({ name: "get-sum", arguments: { a: "x" } }).catch(() => ({ isError: true }));
      expect(failed.isError).toBe(true);
      await transport.terminateSession();
      await old.close();

      const oldest = new OldClient({ name: "oldest", version: "1" });
      await oldest.connect(new SSEClientTransport(new URL(oldProxy.url)) as never);
      expect(JSON.stringify(await oldest.callTool({ name: "get-sum", arguments: { a: 2, b: 3 } }))).toContain("5");
      await oldest.close();

      const pinned = new NewClient(
        { name: "new", version: "2" },
        { versionNegotiation: { mode: { pin: "2026-07-28" } }, capabilities: { elicitation: {} } },
      );
      pinned.setRequestHandler("elicitation/create", () => ({ action: "accept" as const, content: { name: "Ada" } }));
      await pinned.connect(new NewTransport(new URL(newProxy.url)));
      const many = await Promise.all(
        Array.from({ length: 20 }, (_, n) => pinned.callTool({ name: "double", arguments: { n } })),
      );
      expect(many.map((answer) => (answer.content[0] as { text: string }).text)).toEqual(
        Array.from({ length: 20 }, (_, n) => String(n * 2)),
      );
      expect(JSON.stringify(await pinned.callTool({ name: "greet", arguments: {} }))).toContain("hello Ada");
      await pinned.close();

      await server.stop();
      const away = await raw(proxy.url, {
        body: Buffer.from(JSON.stringify({ jsonrpc: "2.0", id: 9, method: "tools/call", params: { name: "gone" } })),
      });
      expect([away.status, away.body.toString()]).toEqual([502, expect.stringContaining("ECONNREFUSED")]);
    }
    await older.stop();

    await using weir = await startWeir({ dataDir });
    await until("the spools are empty", async () => {
      await weir.settled();
      return (await weir.sql("select 1 from mcp_calls where tool in ('gone', 'double')")).length === 21;
    });
    const rows = await weir.sql<Record<string, unknown>>("select * from mcp_calls order by time");
    const of = (name: string) => rows.filter((row) => row.server === name);
    expect(of("everything").map((row) => row.method)).toContain("sampling/createMessage");
    const long = of("everything").find((row) => row.tool === "trigger-long-running-operation")!;
    expect(long).toMatchObject({ success: true, client: "old 1", project: ROOT });
    expect(long.duration_ms).toBeGreaterThan(150);
    expect(long.memory_mb).toBeGreaterThan(10);
    expect(of("everything").filter((row) => row.tool === "get-sum")).toMatchObject([{ success: false }]);
    expect(of("everything").filter((row) => row.tool === "gone")).toMatchObject([{ error_type: "unreachable" }]);
    expect(of("everything").filter((row) => row.error_type === "unanswered")).toEqual([]);
    expect(of("older").find((row) => row.tool === "get-sum")).toMatchObject({ success: true, client: "oldest 1" });
    const doubles = of("modern").filter((row) => row.tool === "double");
    expect(doubles).toHaveLength(20);
    expect(doubles[0]).toMatchObject({ success: true, client: "new 2", protocol: "2026-07-28" });
    const rounds = of("modern").filter((row) => row.tool === "greet");
    expect(rounds.map((row) => [row.success, row.result_type, row.round])).toEqual([
      [true, "input_required", null],
      [true, "complete", 2],
    ]);
    expect((await weir.json<{ ok: boolean }>(["verify", "--json"])).ok).toBe(true);
  });
});
