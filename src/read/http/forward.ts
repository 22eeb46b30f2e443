import { Agent, type IncomingMessage, request as open, type RequestListener } from "node:http";
import { connect, type Socket } from "node:net";
import { WeirError } from "../../base/errors.ts";
import { errorBody, statusOf } from "./errors.ts";
import { SECURITY_HEADERS } from "./guard.ts";

/** Connections kept open while nothing is on its way. */
const IDLE_MAX = 16;

/** Headers that concern one connection only (RFC 9110, 7.6.1). */
const HOP = new Set(["connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade", "expect"]);

/** Raw headers without those of the connection they came on, and without one more: how an answer is parted is worked out again. */
function endToEnd(raw: readonly string[], also?: string): string[] {
  const out: string[] = [];
  for (let k = 0; k < raw.length; k += 2) {
    const name = raw[k]!.toLowerCase();
    if (!HOP.has(name) && name !== also) out.push(raw[k]!, raw[k + 1]!);
  }
  return out;
}

/** Hands a whole connection on, whose first bytes were read already: everything that comes on it, and everything that comes back. */
export function passTo(port: number, socket: Socket, begin: Buffer): void {
  const onward = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
  onward.write(begin);
  socket.pipe(onward).on("error", () => socket.destroy());
  onward.pipe(socket).on("error", () => onward.destroy());
  socket.on("close", () => onward.destroy());
}

/**
 * Hands requests on, as they are, to a server of the same machine, and its answers back, each part as it comes. The other server sees the host,
 * origin and token that the client gave, so its guards hold as if it had been asked directly.
 */
export function forwardTo(port: () => number): { readonly forward: RequestListener; close(): void } {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: IDLE_MAX });
  const forward: RequestListener = (request, response) => {
    const { method, url, rawHeaders } = request;
    const onward = open({ host: "127.0.0.1", port: port(), agent, method, path: url, headers: endToEnd(rawHeaders) });
    onward.on("response", (answer: IncomingMessage) => {
      response.writeHead(
        answer.statusCode ?? 502,
        answer.statusMessage,
        endToEnd(answer.rawHeaders, "transfer-encoding"),
      );
      if (answer.headers["content-length"] === undefined) response.flushHeaders(); // a stream: who waits for it sees that it began
      answer.on("error", () => response.destroy());
      answer.pipe(response);
    });
    onward.on("error", () => {
      if (response.headersSent || response.destroyed) return response.destroy();
      const away = new WeirError("not_running", "weir is starting or ending");
      const body = JSON.stringify(errorBody(away));
      response.writeHead(statusOf(away.code), {
        ...SECURITY_HEADERS,
        "Content-Type": "application/json",
        "Content-Length": Buffer.byteLength(body),
        "Retry-After": "1",
      });
      response.end(body);
    });
    response.on("close", () => {
      if (!response.writableFinished) onward.destroy(); // the client went: nobody works for it any more
    });
    request.pipe(onward);
  };
  return { forward, close: () => agent.destroy() };
}
