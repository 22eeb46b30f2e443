import type { Context, Hono } from "hono";
import { WeirError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { IntakeContext, Published } from "../context.ts";
import { parseJson, readBytes, textOf } from "./body.ts";
import { Refused } from "./errors.ts";

const ONE = "application/cloudevents+json";
const BATCH = "application/cloudevents-batch+json";
const JSON_MEDIA = [ONE, BATCH, "application/json"];
const PACKED = ["application/msgpack", "application/x-msgpack", "application/vnd.msgpack"];

/** `POST /api/events`: takes events and answers when they are durable. */
export function addEventRoutes(app: Hono, ctx: IntakeContext): void {
  app.post("/api/events", async (c) => {
    const { status, body } = answerOf(await publish(c, ctx));
    return c.body(body, status, { "Content-Type": "application/json" });
  });
}

/** The media type a Content-Type names. */
export const mediaOf = (header: string | undefined): string => (header ?? "").split(";")[0]!.trim().toLowerCase();

/** The answer to published events: 400 where none was accepted. */
export function answerOf(results: readonly Published[]): { status: 200 | 400; body: string } {
  let accepted = 0;
  for (const { status } of results) if (status === "accepted") accepted++;
  const body = JSON.stringify({ accepted, rejected: results.length - accepted, events: results });
  return { status: accepted === 0 && results.length > 0 ? 400 : 200, body };
}

async function publish(c: Context, ctx: IntakeContext): Promise<readonly Published[]> {
  const encoding = c.req.header("content-encoding");
  if (encoding !== undefined && encoding.toLowerCase() !== "identity")
    throw new Refused(415, `bodies encoded as ${encoding.slice(0, 40)} are not taken`, "send it unencoded");
  const media = mediaOf(c.req.header("content-type"));
  const binary = attributesOf(c.req.header());
  if (binary) return ctx.publish([{ ...binary, data: dataOf(media, await readBytes(c)) }]);
  if (PACKED.includes(media)) return ctx.publishPacked(await readBytes(c));
  checkMedia(media);
  return ctx.publish(eventsOf(media, textOf(await readBytes(c))));
}

function checkMedia(media: string): void {
  if (!JSON_MEDIA.includes(media))
    throw new Refused(
      415,
      `events as ${media.slice(0, 60) || "nothing named"} are not taken`,
      `Content-Type is ${[...JSON_MEDIA, PACKED[0]].join(" or ")}`,
    );
}

/** The events of a body in structured or batch mode. */
export function eventsOf(media: string, text: string): readonly unknown[] {
  checkMedia(media);
  const body = parseJson(text);
  const batch = Array.isArray(body);
  if (media === ONE && batch)
    throw new WeirError("bad_input", "a list of events needs application/cloudevents-batch+json");
  if (media === BATCH && !batch)
    throw new WeirError("bad_input", "application/cloudevents-batch+json holds a list of events");
  const events: readonly unknown[] = batch ? body : [body];
  if (events.length > LIMITS.frame_events_max)
    throw new Refused(413, `more than ${LIMITS.frame_events_max} events in one request`, "send them in parts");
  return events;
}

/** Attributes of an event in binary mode, which stand in headers of their own; nothing where it is another mode. */
function attributesOf(headers: Readonly<Record<string, string>>): Record<string, unknown> | undefined {
  if (headers["ce-type"] === undefined && headers["ce-specversion"] === undefined) return undefined;
  const attributes: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (!/^ce-[a-z0-9]{1,20}$/.test(name)) continue;
    try {
      attributes[name.slice(3)] = decodeURIComponent(value);
    } catch {
      throw new WeirError("bad_input", `the header ${name} is not percent-encoded UTF-8`);
    }
  }
  if (typeof attributes.v === "string") attributes.v = Number(attributes.v);
  return attributes;
}

function dataOf(media: string, bytes: Buffer): unknown {
  if (bytes.length === 0) return {};
  if (media !== "application/json" && !media.endsWith("+json"))
    throw new Refused(
      415,
      `data as ${media.slice(0, 60) || "nothing named"} is not taken`,
      "send it as application/json",
    );
  return parseJson(textOf(bytes));
}
