import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";
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

/** Is given each connection with what came on it first, and takes it or leaves it to the server. */
export type Divert = (socket: Socket, begin: Buffer) => boolean;

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
    divert,
  }: {
    readonly port: number;
    readonly host?: string;
    readonly first?: First;
    readonly divert?: Divert;
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
        keepAliveTimeout: KEEP_ALIVE_MS,
        maxHeaderSize: 16_384,
      },
      ...(websocket && { websocket }),
      createServer: ((options: ServerOptions, routes: RequestListener) =>
        createServer(options, (request, response) => {
          if (!first?.(request, response)) routes(request, response);
        })) as typeof createServer,
    }) as Server;
    const own = { silent: new Set<Socket>(), diverted: new Set<Socket>() };
    if (divert) divertFrom(server, divert, own);
    server.maxConnections = CONNECTIONS_MAX;
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
      resolve({
        url: `http://${name}:${address.port}`,
        port: address.port,
        server,
        close: () => close(server, own),
      });
    });
  });
}

/** Connections of a server that HTTP does not know of: on which nothing came yet, and which were taken from it. */
interface OwnSockets {
  readonly silent: Set<Socket>;
  readonly diverted: Set<Socket>;
}

/** Shows each connection to `divert` before HTTP reads it. */
function divertFrom(server: Server, divert: Divert, { silent, diverted }: OwnSockets): void {
  const readers = server.listeners("connection") as ((socket: Socket) => void)[];
  server.removeAllListeners("connection");
  server.on("connection", (socket: Socket) => {
    const end = (): void => void socket.destroy(); // nobody else looks after it yet
    silent.add(socket);
    socket.once("close", () => silent.delete(socket));
    socket.on("error", end).on("end", end).setTimeout(HEADERS_MS_MAX, end);
    socket.once("data", (begin: Buffer) => {
      silent.delete(socket);
      socket.pause().off("error", end).off("end", end).setTimeout(0).off("timeout", end);
      if (divert(socket, begin)) {
        diverted.add(socket);
        socket.once("close", () => diverted.delete(socket));
        return;
      }
      socket.unshift(begin);
      for (const read of readers) read.call(server, socket);
      socket.resume();
    });
  });
}

function close(server: Server, { silent, diverted }: OwnSockets): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => {
      server.closeAllConnections();
      for (const socket of diverted) socket.destroy();
    }, DRAIN_MS_MAX);
    server.close(() => {
      clearTimeout(force);
      resolve();
    });
    server.closeIdleConnections();
    for (const socket of silent) socket.destroy();
  });
}
