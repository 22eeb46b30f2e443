import { timingSafeEqual } from "node:crypto";
import type { ServerResponse } from "node:http";
import { toWeirError } from "../../base/errors.ts";
import { telemetryOn } from "../../base/telemetry.ts";
import type { IntakeContext } from "../context.ts";
import { errorBody, Refused, statusOf } from "./errors.ts";
import { answerOf, eventsOf, mediaOf } from "./events.ts";
import { SECURITY_HEADERS } from "./guard.ts";
import type { First } from "./serve.ts";

/** Bodies up to this size take the short way. */
const BODY_BYTES_MAX = 65_536;
const HEADERS = Object.entries({
  ...SECURITY_HEADERS,
  "Cache-Control": "no-store",
  "Content-Type": "application/json",
}).flat();
const MEDIA = ["application/cloudevents+json", "application/json"];

/** A request whose body is there. */
interface Arrived {
  readonly media: string;
  readonly bytes: Buffer;
  readonly response: ServerResponse;
}

/**
 * The short way of `POST /api/events`: one small JSON body with the right token, which is what producers send by the thousand, without the web
 * request and the chain of guards around a route; those cost more than all the rest. Requests that arrive in one turn of the event loop are read
 * one after the other at its end: code that runs in a row costs a fraction of what it costs between the steps of the server. What is in any
 * way unusual, a wrong token included, is left to the routes, which say why. The answers are the same.
 */
export function fastEvents(ctx: IntakeContext): First {
  const expected = Buffer.from(`Bearer ${ctx.token}`);
  const authorized = (given: string | undefined): boolean => {
    if (given === undefined || ctx.token === "" || given.length !== expected.length) return false;
    const bytes = Buffer.from(given, "latin1");
    return bytes.length === expected.length && timingSafeEqual(bytes, expected);
  };
  let arrived: Arrived[] = [];
  const takeTurn = (): void => {
    const turn = arrived;
    arrived = [];
    for (const request of turn) void take(ctx, request);
  };
  return (request, response) => {
    if (request.url !== "/api/events" || request.method !== "POST" || telemetryOn()) return false; // spans are the routes'
    const { headers } = request;
    const usual =
      Number(headers["content-length"]) <= BODY_BYTES_MAX &&
      authorized(headers.authorization) &&
      headers.origin === undefined &&
      headers["content-encoding"] === undefined &&
      headers["ce-type"] === undefined &&
      headers["ce-specversion"] === undefined &&
      ctx.hosts.includes(headers.host ?? "");
    const media = mediaOf(headers["content-type"]);
    if (!usual || !MEDIA.includes(media)) return false;
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      arrived.push({ media, bytes: parts.length === 1 ? parts[0]! : Buffer.concat(parts), response });
      if (arrived.length === 1) setImmediate(takeTurn);
    });
    return true;
  };
}

async function take(ctx: IntakeContext, { media, bytes, response }: Arrived): Promise<void> {
  try {
    const { status, body } = answerOf(await ctx.publish(eventsOf(media, decoded(bytes))));
    send(response, status, body);
  } catch (error) {
    if (toWeirError(error).code === "internal") ctx.report?.(error, "/api/events");
    const status = error instanceof Refused ? error.status : statusOf(toWeirError(error).code);
    send(response, status, JSON.stringify(errorBody(error)), status === 429 || status === 503 ? LATER : []);
  }
}

const strict = new TextDecoder("utf-8", { fatal: true });

/** `toString` puts U+FFFD for what is no UTF-8, and is several times as fast as a decoder; texts that hold one are rare. */
function decoded(bytes: Buffer): string {
  const text = bytes.toString("utf8");
  if (!text.includes("\uFFFD")) return text;
  try {
    return strict.decode(bytes);
  } catch {
    throw new Refused(400, "the body is no UTF-8 text");
  }
}

const LATER = ["Retry-After", "1"];

function send(response: ServerResponse, status: number, body: string, more: readonly string[] = []): void {
  if (response.destroyed) return;
  response.writeHead(status, [...HEADERS, ...more, "Content-Length", String(Buffer.byteLength(body))]);
  response.end(body);
}
