import { connect, type Socket } from "node:net";
import { quantile } from "./instance.ts";

/**
 * Sends one request after the other over each of `--connections` keep-alive connections, without pipelining, for `--seconds`, and prints what it
 * saw as JSON. A process of its own on raw sockets: a client that costs more than the server would measure itself. The request stands in the
 * environment, as base64: `LOAD_BODIES` is a list of them, taken in turn.
 */
const options = new Map<string, string>();
for (let k = 2; k < process.argv.length; k += 2)
  options.set(process.argv[k]!.replace(/^--/, ""), process.argv[k + 1] ?? "");
const { hostname, port } = new URL(options.get("url")!);
const connections = Number(options.get("connections"));
const seconds = Number(options.get("seconds"));
const warm_ms = Number(options.get("warm") ?? 1) * 1_000;

const parts: Buffer[] = [];
for await (const part of process.stdin) parts.push(part as Buffer);
const requests = (JSON.parse(Buffer.concat(parts).toString()) as string[]).map((text) => Buffer.from(text, "base64"));

let turn = 0;
let failed = 0;
let answered = 0;
let wrong = "";
const times: number[] = [];
const started = performance.now();
const until = started + warm_ms + seconds * 1_000;

/** Where a whole answer ends in the text, or -1. */
function endOf(text: string): number {
  const head = text.indexOf("\r\n\r\n");
  if (head < 0) return -1;
  const length = /content-length: (\d+)/i.exec(text.slice(0, head))?.[1];
  if (length === undefined && !/^HTTP\/1\.1 204/.test(text)) throw new Error(`no length in: ${text.slice(0, 200)}`);
  const end = head + 4 + Number(length ?? 0);
  return text.length >= end ? end : -1;
}

function run(socket: Socket, done: () => void): void {
  let sent = 0;
  let text = "";
  const next = (): void => {
    if (performance.now() >= until) {
      socket.end();
      done();
      return;
    }
    sent = performance.now();
    socket.write(requests[turn++ % requests.length]!);
  };
  socket.on("data", (part) => {
    text = text === "" ? part.toString("latin1") : text + part.toString("latin1");
    const end = endOf(text);
    if (end < 0) return;
    if (!/^HTTP\/1\.1 20[04]/.test(text)) {
      failed++;
      wrong ||= text.slice(0, 400);
    }
    text = "";
    answered++;
    if (sent - started > warm_ms) times.push(performance.now() - sent);
    next();
  });
  socket.once("connect", next);
  socket.once("error", (error) => {
    failed++;
    wrong ||= String(error);
    done();
  });
}

await Promise.all(
  Array.from(
    { length: connections },
    () =>
      new Promise<void>((resolve) => {
        const socket = connect({ host: hostname, port: Number(port), noDelay: true });
        run(socket, resolve);
      }),
  ),
);
times.sort((a, b) => a - b);
process.stdout.write(
  `${JSON.stringify({
    requests: times.length,
    answered,
    per_s: times.length / seconds,
    p50_ms: quantile(times, 0.5),
    p99_ms: quantile(times, 0.99),
    max_ms: times.at(-1) ?? 0,
    failed,
    wrong,
    cpu_s: process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6,
  })}\n`,
);
