import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { environment, quantile, remove, startInstance, table } from "./instance.ts";
import { proxyHttp } from "./proxy-http.ts";

const CLI = new URL("../dist/src/cli.js", import.meta.url).pathname;
const SERVER = new URL("../node_modules/@modelcontextprotocol/server-everything/dist/index.js", import.meta.url)
  .pathname;
const BLOCK = 50; // calls of one server before it is the other's turn
const TOGETHER = 16; // calls in flight where the rate is measured

/** What any proxy costs that is a process of Node's: streams joined, and nothing else. */
const PIPE = `const { stdin, stdout } = require("node:child_process").spawn(process.execPath, [${JSON.stringify(SERVER)}, "stdio"],
  { stdio: ["pipe", "pipe", "ignore"] }); process.stdin.pipe(stdin); stdout.pipe(process.stdout);`;

/** A client that does as little as it can: it looks for the id of an answer and nothing else. */
interface Line {
  readonly child: ChildProcess;
  call(text: string): Promise<void>;
  stop(): Promise<void>;
}

async function connect(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Line> {
  const child = spawn(process.execPath, args, { env, stdio: ["pipe", "pipe", "ignore"] });
  const waiting = new Map<number, () => void>();
  let rest: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => {
    let from = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      const line = Buffer.concat([...rest, chunk.subarray(from, at)]);
      rest = [];
      from = at + 1;
      const id = Number(/"id":(\d+)\}$/.exec(line.subarray(-40).toString())?.[1] ?? -1);
      waiting.get(id)?.();
      waiting.delete(id);
    }
    if (from < chunk.length) rest.push(chunk.subarray(from));
  });
  let last = 0;
  const send = (message: object): Promise<void> => {
    const id = ++last;
    child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id, ...message })}\n`);
    return new Promise((resolve) => void waiting.set(id, resolve));
  };
  await send({
    method: "initialize",
    params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "bench", version: "1" } },
  });
  child.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
  return {
    child,
    call: (text) => send({ method: "tools/call", params: { name: "echo", arguments: { message: text } } }),
    async stop() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.stdin.end();
      await ended;
    },
  };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Calls one after the other, in milliseconds each. */
async function latencies(line: Line, text: string, count: number): Promise<number[]> {
  const took: number[] = [];
  for (let k = 0; k < count; k++) took.push(await timed(() => line.call(text)));
  return took;
}

/** Calls a second with some in flight. */
async function rate(line: Line, text: string, count: number): Promise<number> {
  const one = async (): Promise<void> => {
    for (let k = 0; k < count / TOGETHER; k++) await line.call(text);
  };
  return (count / (await timed(() => Promise.all(Array.from({ length: TOGETHER }, one))))) * 1_000;
}

const peakMb = (pid: number): number =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? Number.NaN) / 1_024;

/**
 * The recording proxy against the same server without it and behind a bare pipe, in one run and by turns: added latency of messages of 1 KB, the rate with 16 in
 * flight, one message of 10 MB, and whether every call is in the tables in the end. `--calls` (3000) of each kind; 0 leaves stdio out. Then the same over HTTP, by turns, for
 * `--seconds` (60) of the proxy; 0 leaves it out.
 */
export default async function proxy(options: ReadonlyMap<string, string>): Promise<Record<string, unknown>> {
  const calls = Number(options.get("calls") ?? 3_000);
  const seconds = Number(options.get("seconds") ?? 60);
  const dir = mkdtempSync(join(tmpdir(), "weir-bench-"));
  const weir = await startInstance(dir);
  const env = environment(dir);
  const stdio = calls > 0 ? await overStdio(calls, env, (sent) => settled(weir, sent)) : undefined;
  const http = seconds > 0 ? await proxyHttp({ cli: CLI, server: SERVER, env, seconds }) : undefined;
  const sent = (stdio?.sent ?? 0) + (http?.sent ?? 0);
  const recorded = await settled(weir, sent);
  await weir.stop();
  remove(dir);
  if (stdio) {
    const { servers, sent: _, ...result } = stdio;
    table(servers);
    table([result]);
  }
  if (http) {
    const { rows, sent: _, ...result } = http;
    table(rows);
    table([result]);
  }
  process.stdout.write(`${recorded} requests are in the tables, ${sent} were sent\n`);
  return { stdio, http, sent, recorded };
}

/** Calls over stdio: each alone, and some in flight. What was recorded is let settle before it is another server's turn. */
async function overStdio(calls: number, env: NodeJS.ProcessEnv, settle: (sent: number) => Promise<unknown>) {
  const direct = await connect([SERVER, "stdio"], env);
  const wrapped = await connect([CLI, "wrap", "--name", "bench", "--", process.execPath, SERVER, "stdio"], env);
  const pipe = await connect(["-e", PIPE], env);
  const lines = { direct, pipe, wrapped };
  const text = "x".repeat(900);
  const took: Record<keyof typeof lines, number[]> = { direct: [], pipe: [], wrapped: [] };
  const rates: Record<keyof typeof lines, number[]> = { direct: [], pipe: [], wrapped: [] };
  const names = ["direct", "pipe", "wrapped"] as const;
  for (const name of names) await latencies(lines[name], text, 500);
  for (let k = 0; k < calls; k += BLOCK)
    for (const name of names) took[name].push(...(await latencies(lines[name], text, BLOCK)));
  const rounds = 8;
  const together = Math.ceil(calls / TOGETHER) * TOGETHER; // of one round: a third of a second, longer than what comes in bursts
  let sent = 1 + 500 + Math.ceil(calls / BLOCK) * BLOCK;
  for (let k = 0; k < rounds; k++)
    for (const name of names) {
      await settle(sent);
      rates[name].push(await rate(lines[name], text, together));
      if (name === "wrapped") sent += together;
    }
  const before_mb = peakMb(wrapped.child.pid!);
  const large = "y".repeat(10_000_000);
  const large_ms = {
    direct: await timed(() => direct.call(large)),
    pipe: await timed(() => pipe.call(large)),
    wrapped: await timed(() => wrapped.call(large)),
  };
  const after_mb = peakMb(wrapped.child.pid!);
  await wrapped.stop();
  await Promise.all([pipe.stop(), direct.stop()]);
  const rows = names.map((name) => {
    const sorted = took[name].sort((a, b) => a - b);
    return {
      server: name,
      p50_ms: quantile(sorted, 0.5),
      p99_ms: quantile(sorted, 0.99),
      calls_s: quantile(
        rates[name].sort((a, b) => a - b),
        0.5,
      ),
      "10_MB_ms": large_ms[name],
    };
  });
  const [plain, piped, through] = rows as [(typeof rows)[0], (typeof rows)[0], (typeof rows)[0]];
  const result = {
    pipe_added_p50_ms: piped.p50_ms - plain.p50_ms,
    added_p50_ms: through.p50_ms - plain.p50_ms,
    added_p99_ms: through.p99_ms - plain.p99_ms,
    pipe_rate_ratio: piped.calls_s / plain.calls_s,
    rate_ratio: through.calls_s / plain.calls_s,
    peak_mb: before_mb,
    peak_after_10_MB_mb: after_mb,
  };
  return { servers: rows, ...result, sent: sent + 1 }; // and the large one
}

/** Requests in the tables, once they are all there or nothing comes any more. */
async function settled(weir: Awaited<ReturnType<typeof startInstance>>, sent: number): Promise<number> {
  for (let found = 0, same = 0; ; ) {
    // a copy of the tables cannot always be made while they are written
    const counted = await weir
      .post<{ rows: [number][] }>("/api/sql", { query: "select count(*)::double from mcp_calls" })
      .catch(() => undefined);
    const now = counted?.rows[0]?.[0] ?? found;
    same = now === found ? same + 1 : 0;
    found = now;
    if (found >= sent || same > 50) return found;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
