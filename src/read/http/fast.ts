import { timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { toWeirError } from "../../base/errors.ts";
import { telemetryOn } from "../../base/telemetry.ts";
import type { ReadContext } from "../context.ts";
import { errorBody, Refused, statusOf } from "./errors.ts";
import { answerOf, eventsOf, mediaOf } from "./events.ts";
import { SECURITY_HEADERS } from "./guard.ts";

/** Bodies up to this size take the short way. */
const BODY_BYTES_MAX = 65_536;
const HEADERS = { ...SECURITY_HEADERS, "Cache-Control": "no-store", "Content-Type": "application/json" };

/** Takes a request, or leaves it to the routes. */
export type Fast = (request: IncomingMessage, response: ServerResponse) => boolean;

/**
 * The short way of `POST /api/events`: one small JSON body with the right token, which is what producers send by the thousand, without the web
 * request and the chain of guards around a route; those cost more than all the rest. What is in any way unusual, a wrong token included, is left
 * to the routes, which say why. The answers are the same.
 */
export function fastEvents(ctx: ReadContext): Fast {
  const expected = Buffer.from(`Bearer ${ctx.token}`);
  const authorized = (given: string | undefined): boolean => {
    if (given === undefined || ctx.token === "" || given.length !== expected.length) return false;
    const bytes = Buffer.from(given, "latin1");
    return bytes.length === expected.length && timingSafeEqual(bytes, expected);
  };
  return (request, response) => {
    if (request.url !== "/api/events" || request.method !== "POST" || telemetryOn()) return false; // spans are the routes'
    const { headers } = request;
    const length = Number(headers["content-length"]);
    const usual =
      length <= BODY_BYTES_MAX &&
      authorized(headers.authorization) &&
      headers.origin === undefined &&
      headers["content-encoding"] === undefined &&
      headers["ce-type"] === undefined &&
      headers["ce-specversion"] === undefined &&
      ctx.hosts.includes(headers.host ?? "");
    const media = mediaOf(headers["content-type"]);
    if (!usual || (media !== "application/cloudevents+json" && media !== "application/json")) return false;
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      void take(ctx, media, parts.length === 1 ? parts[0]! : Buffer.concat(parts), response);
    });
    return true;
  };
}

async function take(ctx: ReadContext, media: string, bytes: Buffer, response: ServerResponse): Promise<void> {
  try {
    // `utf8` puts U+FFFD for what is none; such bytes are rare enough to look for that
    const { status, body } = answerOf(await ctx.publish(eventsOf(media, decoded(bytes))));
    send(response, status, body);
  } catch (error) {
    if (toWeirError(error).code === "internal") ctx.report?.(error, "/api/events");
    const status = error instanceof Refused ? error.status : statusOf(toWeirError(error).code);
    if (status === 429 || status === 503) response.setHeader("Retry-After", "1");
    send(response, status, JSON.stringify(errorBody(error)));
  }
}

const strict = new TextDecoder("utf-8", { fatal: true });

function decoded(bytes: Buffer): string {
  const text = bytes.toString("utf8");
  if (!text.includes("\uFFFD")) return text;
  try {
    return strict.decode(bytes);
  } catch {
    throw new Refused(400, "the body is no UTF-8 text");
  }
}

function send(response: ServerResponse, status: number, body: string): void {
  if (response.destroyed) return;
  response.writeHead(status, { ...HEADERS, "Content-Length": Buffer.byteLength(body) });
  response.end(body);
}
