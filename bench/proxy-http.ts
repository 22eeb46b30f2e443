import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Agent, createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { quantile } from "./instance.ts";

const TOGETHER = 16; // calls in flight
const THROUGH_S = 10; // one turn of the proxy; the server alone has a fifth of it

/** A client that does as little as it can: it looks whether the answer has a result, and nothing else. */
interface Line {
  /** Whether the call was answered as it should be. */
  call(text: string): Promise<boolean>;
  stop(): Promise<void>;
}

async function connect(url: string): Promise<Line> {
  const agent = new Agent({ keepAlive: true });
  let session: string | undefined;
  const post = (method: string, message: object): Promise<{ status: number; text: string }> =>
    new Promise((resolve, reject) => {
      const body = Buffer.from(JSON.stringify(message));
      const headers = {
        "Content-Type": "application/json",
        Accept: "application/json, text/event-stream",
        "Content-Length": body.length,
        ...(session ? { "Mcp-Session-Id": session, "MCP-Protocol-Version": "2025-11-25" } : {}),
      };
      const asked = request(url, { method, agent, headers }, (answer: IncomingMessage) => {
        session ??= answer.headers["mcp-session-id"] as string | undefined;
        let text = "";
        answer.setEncoding("latin1").on("data", (part: string) => {
          text += part;
        });
        answer.on("end", () => resolve({ status: answer.statusCode!, text }));
        answer.on("error", reject);
      });
      asked.on("error", reject);
      asked.end(body);
    });
  let last = 0;
  await post("POST", {
    jsonrpc: "2.0",
    id: 0,
    method: "initialize",
    params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "bench", version: "1" } },
  });
  await post("POST", { jsonrpc: "2.0", method: "notifications/initialized" });
  return {
    async call(text) {
      const id = ++last;
      const params = { name: "echo", arguments: { message: text } };
      try {
        const { status, text: said } = await post("POST", { jsonrpc: "2.0", id, method: "tools/call", params });
        return status === 200 && said.includes('"result":') && said.includes(`"id":${id}}`);
      } catch {
        return false;
      }
    },
    async stop() {
      await post("DELETE", {}).catch(() => {});
      agent.destroy();
    },
  };
}

interface Turn {
  readonly calls: number;
  readonly failed: number;
  readonly seconds: number;
  readonly took: number[];
}

/** Calls with some in flight for a while, in a session of its own: the server keeps every answer of a session. */
async function turn(url: string, text: string, seconds: number): Promise<Turn> {
  const line = await connect(url);
  const started = performance.now();
  const took: number[] = [];
  let failed = 0;
  const one = async (): Promise<void> => {
    while (performance.now() - started < seconds * 1_000) {
      const from = performance.now();
      if (!(await line.call(text))) failed++;
      took.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: TOGETHER }, one));
  const spent = (performance.now() - started) / 1_000;
  await line.stop();
  return { calls: took.length, failed, seconds: spent, took };
}

const memoryMb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? Number.NaN) / 1_024;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Waits for a line of a program. */
function told(child: ChildProcess, from: "stdout" | "stderr", what: RegExp): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    let text = "";
    child[from]!.on("data", (part: Buffer) => {
      text += part;
      const found = what.exec(text);
      if (found) resolve(found);
    });
    child.once("exit", () => reject(new Error(`it ended: ${text}`)));
  });
}

export interface HttpResult {
  readonly rows: readonly Record<string, number | string>[];
  readonly rate_ratio: number;
  readonly lowest_ratio: number;
  readonly failed: number;
  readonly sent: number;
  readonly peak_mb: number;
  readonly large_ms: number;
}

/** The proxy over HTTP against the same server alone, by turns, for so many seconds of the proxy. */
export async function proxyHttp(options: {
  readonly cli: string;
  readonly server: string;
  readonly env: NodeJS.ProcessEnv;
  readonly seconds: number;
}): Promise<HttpResult> {
  const { cli, env, seconds } = options;
  const port = await freePort();
  const server = spawn(process.execPath, [options.server, "streamableHttp"], {
    env: { ...env, PORT: String(port) },
    stdio: ["ignore", "ignore", "pipe"],
  });
  await told(server, "stderr", /on port/);
  const direct = `http://127.0.0.1:${port}/mcp`;
  const proxy = spawn(
    process.execPath,
    [cli, "proxy", "--name", "bench-http", "--to", direct, "--port", "0", "--json"],
    {
      env,
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const through = JSON.parse((await told(proxy, "stdout", /^\{.*\}$/m))[0]).url as string;
  const text = "x".repeat(900);
  const warm = [await turn(direct, text, 2), await turn(through, text, 2)];
  const turns: { direct: Turn[]; through: Turn[] } = { direct: [], through: [] };
  let peak_mb = 0;
  for (let spent = 0; spent < seconds; spent += THROUGH_S) {
    turns.direct.push(await turn(direct, text, THROUGH_S / 5));
    turns.through.push(await turn(through, text, Math.min(THROUGH_S, seconds - spent)));
    peak_mb = Math.max(peak_mb, memoryMb(proxy.pid!));
  }
  const line = await connect(through);
  const from = performance.now();
  const large = await line.call("y".repeat(90_000)); // the server takes no more than 100 kB
  const large_ms = performance.now() - from;
  await line.stop();
  const ended = once(proxy, "exit");
  proxy.kill("SIGTERM");
  await ended;
  server.kill("SIGKILL");
  const sum = (list: readonly Turn[], what: "calls" | "failed" | "seconds"): number =>
    list.reduce((total, one) => total + one[what], 0);
  const rateOf = (list: readonly Turn[]): number => sum(list, "calls") / sum(list, "seconds");
  const rows = (["direct", "through"] as const).map((name) => {
    const took = turns[name].flatMap((one) => one.took).sort((a, b) => a - b);
    return {
      server: name === "direct" ? "HTTP, direct" : "HTTP, weir proxy",
      calls: sum(turns[name], "calls"),
      failed: sum(turns[name], "failed"),
      calls_s: rateOf(turns[name]),
      p50_ms: quantile(took, 0.5),
      p99_ms: quantile(took, 0.99),
    };
  });
  const ratios = turns.through.map((one, k) => rateOf([one]) / rateOf([turns.direct[k]!]));
  return {
    rows,
    rate_ratio: rateOf(turns.through) / rateOf(turns.direct),
    lowest_ratio: Math.min(...ratios),
    failed: sum(turns.through, "failed") + sum(turns.direct, "failed") + (large ? 0 : 1),
    // initialize comes with each turn
    sent: [warm[1]!, ...turns.through].reduce((total, one) => total + one.calls + 1, 0) + 2,
    peak_mb,
    large_ms,
  };
}
