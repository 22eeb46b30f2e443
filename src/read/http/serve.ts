import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import type { Hono } from "hono";
import { WeirError } from "../../base/errors.ts";

/** Time a client has to send its headers, and a whole request. */
const HEADERS_MS_MAX = 10_000;
const REQUEST_MS_MAX = 60_000;
/** An idle connection is kept this long. */
const KEEP_ALIVE_MS = 65_000;
/** Connections at once; one that comes then is closed. */
const CONNECTIONS_MAX = 512;
/** At the end, answers under way may take this long. */
const DRAIN_MS_MAX = 2_000;

/** Sees each request before the routes do, and takes it or leaves it to them. */
export type First = (request: IncomingMessage, response: ServerResponse) => boolean;

/** A listening HTTP server. */
export interface HttpServer {
  readonly url: string;
  readonly port: number;
  readonly server: Server;
  /** Takes no more connections and ends when the answers under way are given. */
  close(): Promise<void>;
}

/** Listens; port 0 takes any free one. Throws `port_in_use`. `websocket` is handed to @hono/node-server for live routes. */
export function serveHttp(
  app: Hono,
  {
    port,
    host = "127.0.0.1",
    websocket,
    first,
    behind = false,
  }: {
    readonly port: number;
    readonly host?: string;
    readonly first?: First;
    /** It is asked by another server of weir only, which decides how many connections there are and how long they stay. */
    readonly behind?: boolean;
    readonly websocket?: Parameters<typeof serve>[0]["websocket"];
  },
): Promise<HttpServer> {
  return new Promise((resolve, reject) => {
    const server = serve({
      fetch: app.fetch,
      port,
      hostname: host,
      serverOptions: {
        headersTimeout: HEADERS_MS_MAX,
        requestTimeout: REQUEST_MS_MAX,
        keepAliveTimeout: behind ? 0 : KEEP_ALIVE_MS,
        maxHeaderSize: 16_384,
      },
      ...(websocket && { websocket }),
      createServer: ((options: ServerOptions, routes: RequestListener) =>
        createServer(options, (request, response) => {
          if (!first?.(request, response)) routes(request, response);
        })) as typeof createServer,
    }) as Server;
    if (!behind) server.maxConnections = CONNECTIONS_MAX;
    server.once("error", (error: NodeJS.ErrnoException) => {
      const what =
        error.code === "EADDRINUSE" || error.code === "EACCES"
          ? `port ${port} of ${host} is ${error.code === "EACCES" ? "not allowed" : "in use"}`
          : error.message;
      reject(new WeirError(error.code === "EADDRINUSE" ? "port_in_use" : "bad_config", what, { cause: error }));
    });
    server.once("listening", () => {
      const address = server.address() as AddressInfo;
      const name = address.family === "IPv6" ? `[${address.address}]` : address.address;
      resolve({ url: `http://${name}:${address.port}`, port: address.port, server, close: () => close(server) });
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), DRAIN_MS_MAX);
    server.close(() => {
      clearTimeout(force);
      resolve();
    });
    server.closeIdleConnections();
  });
}
