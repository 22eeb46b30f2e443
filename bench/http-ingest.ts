import { spawn } from "node:child_process";
import { startPeer } from "./http-peer.ts";
import { remove, startInstance, table, untilApplied } from "./instance.ts";

/** What the load generator saw. */
export interface Load {
  /** Answers after the warm-up, which the figures are of, and all. */
  readonly requests: number;
  readonly answered: number;
  readonly per_s: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly max_ms: number;
  readonly failed: number;
  readonly wrong: string;
  readonly cpu_s: number;
}

/** Runs the load generator in a process of its own. */
export function load(
  url: string,
  requests: readonly Buffer[],
  { connections, seconds, warm = 1 }: { connections: number; seconds: number; warm?: number },
): Promise<Load> {
  const words = [
    "--url",
    url,
    "--connections",
    String(connections),
    "--seconds",
    String(seconds),
    "--warm",
    String(warm),
  ];
  const child = spawn(
    process.execPath,
    ["--import", "tsx", new URL("./http-load.ts", import.meta.url).pathname, ...words],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  child.stdin.end(JSON.stringify(requests.map((bytes) => bytes.toString("base64"))));
  let text = "";
  child.stdout.on("data", (part) => {
    text += part;
  });
  return new Promise((resolve, reject) => {
    child.once("exit", (code) =>
      code === 0 ? resolve(JSON.parse(text) as Load) : reject(new Error(`the load generator ended with ${code}`)),
    );
  });
}

/** A POST as bytes. */
export function post(path: string, url: string, token: string, media: string, body: Buffer): Buffer {
  const head = [
    `POST ${path} HTTP/1.1`,
    `Host: ${new URL(url).host}`,
    `Authorization: Bearer ${token}`,
    `Content-Type: ${media}`,
    `Content-Length: ${body.length}`,
  ];
  return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), body]);
}

/**
 * Single events by `POST /api/events` over `--connections` (128) keep-alive connections for `--seconds` (20), each answered after the broker's
 * durable acknowledgement of its event. Peer in the same run: the same server that reads the body and answers 204 without storing.
 */
export default async function httpIngest(options: ReadonlyMap<string, string>): Promise<Record<string, unknown>> {
  const seconds = Number(options.get("seconds") ?? 20);
  const connections = Number(options.get("connections") ?? 128);
  const weir = await startInstance(
    undefined,
    options.has("prof") ? ["--cpu-prof", `--cpu-prof-dir=${options.get("prof")}`] : [],
  );
  const peer = await startPeer(weir.token, 204);
  const eventFor = (url: string, k: number): Buffer => {
    const event = {
      specversion: "1.0",
      source: "bench://http",
      type: "tool.called",
      session: `bench-${k % 8}`,
      data: { tool: "Bash", duration_ms: 12.5 + k, success: true, input: { command: "npm test" } },
    };
    const body = Buffer.from(JSON.stringify(event));
    return post("/api/events", url, weir.token, "application/cloudevents+json", body);
  };
  const requests = (url: string): Buffer[] => Array.from({ length: 256 }, (_, k) => eventFor(url, k));
  // half before, half after: a machine that slows down meanwhile slows both
  const before = await load(peer.url, requests(peer.url), { connections, seconds: seconds / 4 });
  const cpu = weir.cpu();
  const own = await load(weir.http_url, requests(weir.http_url), { connections, seconds });
  const spent = weir.cpu() - cpu;
  const after = await load(peer.url, requests(peer.url), { connections, seconds: seconds / 4 });
  peer.stop();
  await untilApplied(weir, own.answered);
  const answer = await weir.post<{ rows: number[][] }>("/api/sql", {
    query: "select count(*) from events where source = 'bench://http'",
  });
  await weir.stop();
  remove(weir.dir);
  const peer_per_s = (before.per_s + after.per_s) / 2;
  const row = (what: string, l: Load) => ({
    what,
    "requests/s": l.per_s,
    "p50 ms": l.p50_ms,
    "p99 ms": l.p99_ms,
    "max ms": l.max_ms,
    failed: l.failed,
    "client µs": (l.cpu_s / l.answered) * 1e6,
  });
  table([row("peer: 204, nothing stored", before), row("weir: durable", own), row("peer again", after)]);
  if (own.failed > 0) process.stdout.write(`first failure: ${own.wrong}\n`);
  return {
    of_peer: own.per_s / peer_per_s,
    requests_per_s: own.per_s,
    peer_requests_per_s: peer_per_s,
    p99_ms: own.p99_ms,
    failed: own.failed,
    stored: answer.rows[0]![0],
    answered: own.answered,
    cpu_us_per_request: (spent / own.answered) * 1e6,
    client_cpu_us_per_request: (own.cpu_s / own.answered) * 1e6,
    connections,
  };
}
