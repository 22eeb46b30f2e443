import { fork } from "node:child_process";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Hono } from "hono";
import { serveHttp } from "../src/read/http/serve.ts";

/**
 * The server that ingest is measured against, in a process of its own: weir's HTTP server as it is, which checks the token and reads the body,
 * and then answers at once, without looking at it or storing it. Prints its address; ends with its parent.
 */
const SELF = new URL(import.meta.url).pathname;

export interface Peer {
  readonly url: string;
  stop(): void;
}

/** Starts the peer. `status` is what it answers: 204 to events, 200 to telemetry. */
export function startPeer(token: string, status: 200 | 204): Promise<Peer> {
  const child = fork(SELF, [token, String(status)], {
    execArgv: ["--import", "tsx"],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  return new Promise((resolve, reject) => {
    child.once("message", (url) => resolve({ url: String(url), stop: () => child.kill() }));
    child.once("exit", (code) => reject(new Error(`the peer ended with ${code}`)));
  });
}

if (process.send && process.argv[1] === SELF) {
  const [token, status] = process.argv.slice(2);
  const expected = `Bearer ${token}`;
  const answer = (request: IncomingMessage, response: ServerResponse): boolean => {
    if (request.headers.authorization !== expected) return false;
    request.on("data", () => {});
    request.on("end", () => {
      response.writeHead(Number(status), { "Content-Length": 0 });
      response.end();
    });
    return true;
  };
  const server = await serveHttp(new Hono(), { port: 0, first: answer });
  process.on("disconnect", () => process.exit(0));
  process.send(server.url);
}
