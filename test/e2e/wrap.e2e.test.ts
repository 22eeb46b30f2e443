import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Client as NewClient } from "@modelcontextprotocol/client";
import { StdioClientTransport as NewTransport } from "@modelcontextprotocol/client/stdio";
import { Client as OldClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as OldTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { alive, CLI, envOf, PATIENT, ROOT, start, startWeir } from "../support/weir.ts";

const EVERYTHING = [
  process.execPath,
  join(ROOT, "node_modules/@modelcontextprotocol/server-everything/dist/index.js"),
  "stdio",
];
const wrapped = (name: string, ...command: readonly string[]): string[] => [CLI, "wrap", "--name", name, ...command];
type Env = Record<string, string>;
const wrap = (env: Env, name: string, ...command: readonly string[]) =>
  start(process.execPath, wrapped(name, ...command), { env });

/** Sends chunks through a program and gives the bytes that come back. */
async function through(env: Env, command: readonly string[], chunks: readonly Uint8Array[], from: "stdout" | "stderr") {
  const { child, ended } = wrap(env, "echo", "--", ...command);
  const got: Buffer[] = [];
  child[from]!.removeAllListeners("data");
  // the helper had asked for text; bytes are wanted
  (child[from] as unknown as { _readableState: { decoder: null; encoding: null } })._readableState.decoder = null;
  child[from]!.on("data", (chunk: Buffer) => got.push(chunk));
  for (const chunk of chunks) {
    if (!child.stdin!.write(chunk)) await new Promise((resolve) => child.stdin!.once("drain", resolve));
    await new Promise(setImmediate);
  }
  child.stdin!.end();
  const { code } = await ended;
  return { code, bytes: Buffer.concat(got) };
}

/** A client that speaks line by line, to see exactly what passes. */
function byHand(env: Env, name: string, ...command: readonly string[]) {
  const program = wrap(env, name, "--", ...command);
  const messages = () =>
    program
      .stdout()
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return {
    ...program,
    messages,
    send: (message: object) => program.child.stdin!.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`),
    answer: (id: unknown) =>
      until(`answer ${id}`, () => messages().find((m) => m.id === id && m.method === undefined), PATIENT),
    /** The process behind the proxy. */
    server: () => until("the server runs", () => Number(childrenOf(program.child.pid!)[0] ?? 0), PATIENT),
  };
}
const childrenOf = (pid: number): string[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
const HELLO = {
  id: 0,
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "by-hand", version: "1" } },
};
const INITIALIZED = { method: "notifications/initialized" };
const call = (id: unknown, name: string, args: object, _meta: object = {}) => ({
  id,
  method: "tools/call",
  params: { name, arguments: args, _meta },
});

/** Whether a call of a client is in a spool. */
function spooled(dataDir: string, client: string): boolean {
  const folder = join(dataDir, "spool");
  if (!existsSync(folder)) return false;
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".seg"));
  const texts = files.map((name) => readFileSync(join(folder, name), "latin1"));
  return texts.some((text) => text.includes("get-sum") && text.includes(`${client} `));
}

describe("weir wrap", () => {
  test("any bytes in any chunks arrive unchanged, in both directions and on stderr", async () => {
    await using dir = await tempDir();
    const env = envOf(join(dir.path, "data"));
    const chunks = fc.array(
      fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.json().map((text) => Buffer.from(`${text}\n`)),
        fc.integer({ min: 1, max: 400_000 }).map((size) => Buffer.alloc(size, "é\n{")),
      ),
      { maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(chunks, fc.boolean(), async (list, err) => {
        const command = err ? [process.execPath, "-e", "process.stdin.pipe(process.stderr)"] : ["cat"];
        const { code, bytes } = await through(env, command, list, err ? "stderr" : "stdout");
        expect(code).toBe(0);
        expect(bytes.equals(Buffer.concat(list))).toBe(true);
      }),
      { numRuns: 8 },
    );
    const large = Buffer.alloc(10_000_000, "0123456789abcdef");
    const { bytes } = await through(env, ["cat"], [large, Buffer.from("\n")], "stdout");
    expect(bytes.equals(Buffer.concat([large, Buffer.from("\n")]))).toBe(true);
  });

  test("the command's own words, exit code and signals pass", async () => {
    await using dir = await tempDir();
    const env = envOf(join(dir.path, "data"));
    const run = async (...words: string[]) => {
      const { child, ended } = wrap(env, "x", ...words);
      child.stdin!.end();
      return ended;
    };
    expect(await run("echo", "--name", "y", "--", "--help", "-v")).toMatchObject({
      code: 0,
      stdout: "--name y -- --help -v\n",
    });
    expect((await run("--", "echo", "$HOME;", "a b")).stdout).toBe("$HOME; a b\n");
    expect(await run("--", "sh", "-c", "cat; echo bye >&2; exit 7")).toEqual({ code: 7, stdout: "", stderr: "bye\n" });
    const missing = await run("--", "no-such-program");
    expect([missing.code, missing.stdout]).toEqual([127, ""]);
    expect(missing.stderr).toContain("no-such-program cannot be started");
    expect((await run("--payloads", "some", "--", "cat")).code).toBe(2);

    const script = "trap 'echo got; exit 5' TERM; echo ready; while :; do sleep 0.05; done";
    const program = wrap(env, "x", "--", "sh", "-c", script);
    await until("the trap is set", () => program.stdout().includes("ready"), PATIENT);
    program.child.kill("SIGTERM");
    expect(await program.ended).toMatchObject({ code: 5, stdout: "ready\ngot\n" });
  });

  test("a server that cannot be started is recorded with the reason", async () => {
    await using weir = await startWeir();
    const { child, ended } = wrap(weir.env, "gone", "--", "no-such-program");
    child.stdin!.end();
    expect((await ended).code).toBe(127);
    const deaths = () => weir.sql<{ data: string }>("select data from events where type = 'mcp_server.died'");
    await until("it is a row", async () => (await deaths()).length > 0, PATIENT);
    expect(JSON.parse((await deaths())[0]!.data)).toMatchObject({
      exit_code: 127,
      stderr: expect.stringContaining("ENOENT"),
    });
    expect(await weir.sql("select 1 from rejected")).toEqual([]);
  });

  test("calls that come faster than they can be recorded are all recorded", async () => {
    await using weir = await startWeir();
    const server = `require("readline").createInterface({ input: process.stdin }).on("line", (line) =>
      process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id: JSON.parse(line).id, result: {} }) + "\\n"));`;
    const lines = Array.from({ length: 40_000 }, (_, id) =>
      Buffer.from(`${JSON.stringify({ jsonrpc: "2.0", ...call(id, "count", { text: "x".repeat(200) }) })}\n`),
    );
    const { bytes } = await through(weir.env, [process.execPath, "-e", server], lines, "stdout");
    expect(bytes.toString().split("\n")).toHaveLength(lines.length + 1);
    const found = () =>
      weir.sql<{ calls: number; gaps: number }>(
        "select count(*)::int as calls, (select count(*)::int from gaps) as gaps from mcp_calls",
      );
    await until(
      "they are rows",
      async () => {
        const { calls, gaps } = (await found())[0]!;
        return calls >= lines.length || gaps > 0;
      },
      PATIENT,
    );
    expect(await found()).toEqual([{ calls: lines.length, gaps: 0 }]);
  });

  test("a server that does not go when stdin ends is ended, and one that keeps dying ends the proxy", async () => {
    await using dir = await tempDir();
    const env = envOf(join(dir.path, "data"));
    const deaf = byHand(env, "deaf", "sh", "-c", "trap '' TERM; while :; do sleep 0.05; done");
    const pid = await deaf.server();
    deaf.child.stdin!.end();
    expect((await deaf.ended).code).toBe(137);
    await until("the server is gone", () => !alive(pid));

    const talking = wrap(env, "talking", "--", "sh", "-c", "trap '' PIPE; while :; do echo more; done");
    await until("it talks", () => talking.stdout() !== "", PATIENT);
    talking.child.stdout!.destroy(); // a client that reads no more is gone, though its end of stdin stays open
    expect((await talking.ended).code).toBe(143);
    expect(talking.stderr()).toBe("");

    const dying = byHand(env, "dying", "sh", "-c", "echo no config >&2; exit 3");
    const { code, stderr } = await dying.ended;
    expect(code).toBe(3);
    expect(stderr.match(/no config/g)).toHaveLength(5);
    expect(stderr).toContain("started again");
  });

  test("what a server that is started again says on stderr passes from its first byte on", async () => {
    await using dir = await tempDir();
    const script = `echo "up" >&2; while read line; do case "$line" in *initialize*) echo '{"jsonrpc":"2.0","id":1,"result":{}}';; *) exit 3;; esac; done`;
    const server = byHand(envOf(join(dir.path, "data")), "loud", "sh", "-c", script);
    server.send(call(1, "initialize", {}));
    await server.answer(1);
    server.send(call(2, "die", {}));
    await server.answer(2);
    await until("it is up again", () => server.stderr().match(/^up$/gm)?.length === 2, PATIENT);
    server.child.stdin!.end();
    await server.ended;
  });

  test("a server that works on a request when stdin ends may answer it, unless nobody reads the answer", async () => {
    await using dir = await tempDir();
    const env = envOf(join(dir.path, "data"));
    // answers the last request long after a silent server would have been ended
    const script = `read line; echo started >&2; sleep 4; echo '{"jsonrpc":"2.0","id":1,"result":{}}'; while :; do sleep 0.05; done`;
    const slow = byHand(env, "slow", "sh", "-c", script);
    slow.send(call(1, "work", {}));
    await until("it works", () => slow.stderr().includes("started"), PATIENT);
    slow.child.stdin!.end();
    expect(await slow.answer(1)).toMatchObject({ result: {} });
    expect((await slow.ended).code).toBe(143);

    const unread = byHand(env, "unread", "sh", "-c", `read line; echo started >&2; while :; do echo; sleep 0.05; done`);
    unread.send(call(1, "work", {}));
    await until("it works", () => unread.stderr().includes("started"), PATIENT);
    unread.child.stdin!.end();
    unread.child.stdout!.destroy();
    expect((await unread.ended).code).toBe(143);
  });

  test("requests of both generations of clients are recorded, and a killed server is replaced, while weir is away", async () => {
    await using dir = await tempDir();
    const dataDir = join(dir.path, "data");
    const env = envOf(dataDir);
    const started = { command: process.execPath, args: wrapped("everything", "--", ...EVERYTHING), env };
    const old = new OldClient({ name: "old", version: "1" }, { capabilities: { sampling: {} } });
    for (const client of [old, new NewClient({ name: "new", version: "2" })]) {
      const transport = { ...started, stderr: "ignore" } as const;
      if (client instanceof OldClient) {
        const { CreateMessageRequestSchema } = await import("@modelcontextprotocol/sdk/types.js");
        client.setRequestHandler(CreateMessageRequestSchema, () => ({
          model: "m",
          role: "assistant" as const,
          content: { type: "text" as const, text: "sampled" },
        }));
        await client.connect(new OldTransport(transport));
        await until("sampling is offered", async () =>
          (await client.listTools()).tools.some((tool) => tool.name === "trigger-sampling-request"),
        );
        const sampled = await client.callTool({ name: "trigger-sampling-request", arguments: { prompt: "p" } });
        expect(JSON.stringify(sampled.content)).toContain("sampled");
      } else await client.connect(new NewTransport(transport));
      const sum = await client.callTool({ name: "get-sum", arguments: { a: 2, b: 3 } });
      expect(JSON.stringify(sum.content)).toContain("5");
      const failed = await client.callTool({ name: "get-sum", arguments: { a: "x" } }).catch(() => ({ isError: true }));
      expect(failed.isError).toBe(true);
      // what a server uses can be seen only while it runs
      await until("the call is on disk", () => spooled(dataDir, client === old ? "old" : "new"), PATIENT);
      await client.close();
    }

    const hand = byHand(env, "killed", ...EVERYTHING);
    hand.send(HELLO);
    await hand.answer(0);
    hand.send(INITIALIZED);
    const long = { duration: 600, steps: 6_000 };
    hand.send(call(1, "trigger-long-running-operation", long, { progressToken: "p" }));
    await until("the call is being worked on", () => hand.stdout().includes("notifications/progress"), PATIENT);
    const first = await hand.server();
    process.kill(first, "SIGKILL");
    expect(await hand.answer(1)).toMatchObject({ error: { code: -32000 } });
    hand.send(call(2, "echo", { message: "again" }));
    expect(JSON.stringify(await hand.answer(2))).toContain("again");
    expect(await hand.server()).not.toBe(first);
    expect(hand.messages().filter((m) => m.id === 0)).toHaveLength(1);

    // a message that was cut in two by the death reaches nobody, and is answered
    const torn = JSON.stringify({ jsonrpc: "2.0", ...call(3, "echo", { message: "torn" }) });
    hand.child.stdin!.write(torn.slice(0, 40));
    const second = await hand.server();
    process.kill(second, "SIGKILL");
    await until("the server runs again", async () => ![first, second].includes(await hand.server()), PATIENT);
    hand.child.stdin!.write(`${torn.slice(40)}\n`);
    expect(await hand.answer(3)).toHaveProperty("error");
    hand.send(call(4, "echo", { message: "whole" }));
    expect(JSON.stringify(await hand.answer(4))).toContain("whole");
    const last = await hand.server();
    hand.child.stdin!.end();
    await hand.ended;
    expect(alive(last)).toBe(false);

    await using weir = await startWeir({ dataDir });
    await until("the spool is empty", async () => {
      await weir.settled();
      return (await weir.sql("select 1 from mcp_calls where server = 'killed' and error_type is null")).length >= 2;
    });
    const rows = await weir.sql<Record<string, unknown>>("select * from mcp_calls order by time");
    const of = (server: string, client: string) => rows.filter((r) => r.server === server && r.client === client);
    expect(of("everything", "old 1").map((r) => r.method)).toContain("sampling/createMessage");
    for (const client of ["old 1", "new 2"]) {
      const sum = of("everything", client).find((r) => r.tool === "get-sum" && r.success)!;
      expect(sum).toMatchObject({ method: "tools/call", project: ROOT, protocol: expect.stringMatching(/^20\d\d-/) });
      expect(sum.output).toContain("5");
      expect(sum.memory_mb).toBeGreaterThan(10);
      expect(of("everything", client).some((r) => r.tool === "get-sum" && !r.success && r.error_type)).toBe(true);
    }
    const killed = of("killed", "by-hand 1").map((r) => [r.method, r.error_type]);
    expect(killed.filter(([method]) => method === "initialize")).toHaveLength(1);
    expect(killed.filter(([, type]) => type === "server_died")).toHaveLength(2);
    const died = await weir.sql<{ data: string }>(
      "select data::varchar as data from events where type = 'mcp_server.died'",
    );
    expect(died.map((d) => JSON.parse(d.data)).filter((d) => d.server === "killed")).toMatchObject([
      { signal: "SIGKILL", unanswered: 1, stderr: expect.stringContaining("STDIO") },
      { signal: "SIGKILL" },
    ]);
    expect((await weir.json<{ ok: boolean }>(["verify", "--json"])).ok).toBe(true);
  });

  test("a call that the assistant's hook tells too is one row with the best of both", async () => {
    await using dir = await tempDir();
    const dataDir = join(dir.path, "data");
    const env = envOf(dataDir);
    const told = (event: string, more: object) =>
      start(process.execPath, [CLI, "hook", "claude-code"], {
        env,
        input: JSON.stringify({
          session_id: "folded",
          cwd: "/home/ada/app",
          hook_event_name: event,
          tool_name: "mcp__everything__get-sum",
          tool_use_id: "toolu_folded",
          tool_input: { a: 2, b: 3 },
          ...more,
        }),
      }).ended;
    const hand = byHand(env, "everything", ...EVERYTHING);
    hand.send(HELLO);
    await hand.answer(0);
    hand.send(INITIALIZED);
    await told("PreToolUse", {});
    hand.send(call(1, "get-sum", { a: 2, b: 3 }, { "claudecode/toolUseId": "toolu_folded" }));
    hand.send(call(2, "get-sum", { a: 4, b: 5 })); // nothing tells whose call this is
    await Promise.all([hand.answer(1), hand.answer(2)]);
    await told("PostToolUse", { tool_response: [{ type: "text", text: "The sum of 2 and 3 is 5." }] });
    hand.child.stdin!.end();
    await hand.ended;

    await using weir = await startWeir({ dataDir });
    await until("everything is there", async () => {
      await weir.settled();
      const [row] = await weir.sql<{ sources: string }>("select sources from tool_calls");
      return row?.sources === "hook,proxy";
    });
    const rows = await weir.sql<Record<string, unknown>>("select * from tool_calls");
    expect(rows).toMatchObject([
      {
        session: "folded",
        tool: "mcp__everything__get-sum",
        mcp_server: "everything",
        status: "done",
        success: true,
        input: '{"a":2,"b":3}',
      },
    ]);
    const asked = await weir.json<{ columns: { name: string }[]; rows: unknown[][] }>([
      ...["query", "mcp_calls", "--method", "tools/call", "--session", "folded", "--json"],
    ]);
    expect(asked.rows).toHaveLength(1);
    const [mcp] = await weir.sql<{ duration_ms: number }>(
      "select duration_ms from mcp_calls where call_id is not null",
    );
    expect(rows[0]!.duration_ms).toBe(mcp!.duration_ms);
    expect(await weir.sql("select 1 from mcp_calls where tool = 'get-sum'")).toHaveLength(2);
  });
});
