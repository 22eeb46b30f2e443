import {
  type ClientRequest,
  createServer,
  Agent as HttpAgent,
  type IncomingMessage,
  request as requestHttp,
  type Server,
  type ServerResponse,
} from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import type { AddressInfo } from "node:net";
import { WeirError } from "../../../base/errors.ts";
import { LIMITS } from "../../../base/limits.ts";
import { refusalOf } from "../../../base/origin.ts";
import { redactText } from "../../../base/redact.ts";
import { forwardTo } from "../forward.ts";
import type { Tap } from "../tap.ts";
import type { Tag } from "./exchanges.ts";
import { passed } from "./headers.ts";

/** What a proxy over HTTP stands between. */
export interface HttpProxyOptions {
  /** The server's address. */
  readonly to: URL;
  /** Where clients are waited for; port 0 takes any free one. */
  readonly host: string;
  readonly port: number;
  /** Names besides those of the loopback address by which clients may call it. */
  readonly allowedHosts: readonly string[];
  readonly tap: Tap<Tag>;
  /** Is told what kept a request from its server. */
  readonly warn: (text: string) => void;
}

/** A proxy that listens. */
export interface HttpProxy {
  /** The address that stands for the server's. */
  readonly url: string;
  /** Takes no more requests, lets those in flight end for a while, and writes the record. */
  close(): Promise<void>;
}

const first = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value);

/**
 * Listens, and passes each request to the server: path, headers and bytes as they come, with the back-pressure of either end. A copy goes to the
 * recorder. A client that goes away takes its request to the server with it, and the other way round.
 */
export async function startHttpProxy(options: HttpProxyOptions): Promise<HttpProxy> {
  const { to, tap } = options;
  const secure = to.protocol === "https:";
  const keep = { keepAlive: true, timeout: LIMITS.mcp_idle_ms, maxSockets: Number.POSITIVE_INFINITY };
  const agent = secure ? new HttpsAgent(keep) : new HttpAgent(keep);
  const ask = secure ? requestHttps : requestHttp;
  const target = { hostname: to.hostname.replace(/^\[|\]$/g, ""), port: to.port || (secure ? 443 : 80), agent };
  const own = to.pathname + to.search;
  let hosts: readonly string[] = [];
  let last = 0;

  const pass = (req: IncomingMessage, res: ServerResponse): void => {
    const n = ++last;
    const path = req.url === "/" ? own : req.url!;
    const recorded = tap.mark(openedOf(n, path, req), 0);
    const told = { tap, n, recorded };
    let over = false;
    const close: Close = (how, error) => {
      if (!over && recorded) tap.mark({ kind: "closed", n, how, error });
      over = true;
    };
    const up = ask({ ...target, method: req.method, path, headers: requestHeaders(req, to.host) as never });
    let answered = false;
    up.on("response", (answer) => {
      answered = true;
      passAnswer(answer, res, told, close);
    });
    up.on("error", (error: NodeJS.ErrnoException) => {
      if (over || answered) return;
      const why = error.code ?? error.message;
      close("failed", why);
      options.warn(`${to.origin} cannot be reached: ${why}`);
      say(req, res, 502, `weir proxy: the MCP server at ${to.origin} cannot be reached: ${why}`);
    });
    limitConnecting(up);
    passRequest(req, up, told);
    res.on("close", () => {
      if (res.writableFinished) return;
      close("aborted");
      up.destroy();
    });
  };
  const handle = (req: IncomingMessage, res: ServerResponse): void => {
    const refusal = refusalOf(hosts, req.headers.host ?? "", req.headers.origin);
    if (refusal !== undefined) say(req, res, 403, refusal);
    else if (!req.url?.startsWith("/")) say(req, res, 400, "the request names another server");
    else pass(req, res);
  };

  const server = createServer({ requestTimeout: 0, keepAliveTimeout: LIMITS.mcp_client_idle_ms }, handle);
  const address = await listen(server, options);
  const name = address.family === "IPv6" ? `[${address.address}]` : address.address;
  hosts = [...["127.0.0.1", "localhost", "[::1]"].map((host) => `${host}:${address.port}`), ...options.allowedHosts];
  return {
    // "/" stands for the server's path, so that a secret in it is not told
    url: `http://${name}:${address.port}${redactText(own) === own ? own : "/"}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      const limit = setTimeout(() => server.closeAllConnections(), LIMITS.mcp_drain_ms_max);
      await closed;
      clearTimeout(limit);
      agent.destroy();
      await tap.end();
    },
  };
}

/** Who is told of an exchange. */
interface Told {
  readonly tap: Tap<Tag>;
  readonly n: number;
  readonly recorded: boolean;
}
type Close = (how: "ended" | "aborted" | "failed", error?: string) => void;

function openedOf(n: number, path: string, { method = "GET", headers }: IncomingMessage): Tag {
  return {
    kind: "opened",
    n,
    method,
    path,
    session: first(headers["mcp-session-id"]),
    protocol: first(headers["mcp-protocol-version"]),
    traceparent: first(headers.traceparent),
    encoding: headers["content-encoding"],
  };
}

function passRequest(req: IncomingMessage, up: ClientRequest, { tap, n, recorded }: Told): void {
  forwardTo(up, req, (chunk) => {
    const room = up.write(chunk);
    if (recorded) tap.take(n, chunk);
    return room;
  });
  req.on("end", () => {
    if (recorded) tap.mark({ kind: "asked", n });
    up.end();
  });
  req.on("error", () => {}); // told by the end of the answer
}

function passAnswer(answer: IncomingMessage, res: ServerResponse, { tap, n, recorded }: Told, close: Close): void {
  const { statusCode: status = 502, statusMessage } = answer;
  if (recorded) {
    const { "content-type": media, "content-encoding": encoding, "mcp-session-id": session } = answer.headers;
    tap.mark({ kind: "answered", n, status, media, encoding, session: first(session) });
  }
  res.sendDate = false;
  res.writeHead(status, statusMessage, passed(answer.rawHeaders));
  let begun = false;
  forwardTo(res, answer, (chunk) => {
    begun = true;
    const room = res.write(chunk);
    if (recorded) tap.take(-n, chunk);
    return room;
  });
  // a stream may have nothing to say for long; where the body is there, head and body leave together
  setImmediate(() => begun || res.writableEnded || res.flushHeaders());
  answer.on("end", () => {
    close("ended");
    res.end();
  });
  answer.on("error", () => {}); // told by its close
  answer.on("close", () => {
    if (answer.complete) return;
    close("failed", "the answer broke off");
    res.destroy();
  });
}

/** The request's headers for the server: its own name in place of ours, and a body announced as it was. */
function requestHeaders(req: IncomingMessage, host: string): string[] {
  const headers = ["Host", host, ...passed(req.rawHeaders, ["host", "expect"])];
  if (req.headers["transfer-encoding"] !== undefined) headers.push("Transfer-Encoding", "chunked");
  else if (req.headers["content-length"] === undefined && req.method === "POST") headers.push("Content-Length", "0");
  return headers;
}

/** Answers in the server's place. What the client still sends is read, so that it comes to read the answer. */
function say(req: IncomingMessage, res: ServerResponse, status: number, text: string): void {
  req.resume();
  res.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" });
  res.end(`${text}\n`);
}

function limitConnecting(up: ClientRequest): void {
  up.once("socket", (socket) => {
    if (!socket.connecting) return;
    const limit = setTimeout(() => up.destroy(new Error("no connection in time")), LIMITS.mcp_connect_ms_max);
    const clear = (): void => clearTimeout(limit);
    socket.once("connect", clear);
    socket.once("close", clear);
  });
}

function listen(server: Server, { host, port }: HttpProxyOptions): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const used = error.code === "EADDRINUSE";
      reject(
        new WeirError(used ? "port_in_use" : "bad_config", `cannot listen on ${host}:${port}: ${error.code}`, {
          cause: error,
          hint: used ? "choose another with --port" : "name an address of this machine with --host",
        }),
      );
    });
    server.listen(port, host, () => resolve(server.address() as AddressInfo));
  });
}
