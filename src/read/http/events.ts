import type { Context, Hono } from "hono";
import { WeirError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { ReadContext } from "../context.ts";
import { argumentsOf } from "./arguments.ts";
import { readJson } from "./body.ts";
import { Refused } from "./errors.ts";

/** Media types events are taken in: CloudEvents structured and batch mode, and plain JSON of either. */
const MEDIA = ["application/cloudevents+json", "application/cloudevents-batch+json", "application/json"];

/** /api/events: POST takes CloudEvents and answers when they are durable; GET is the query `search`. */
export function addEventRoutes(app: Hono, ctx: ReadContext): void {
  app.get("/api/events", async (c) => c.json(await ctx.ask("search", argumentsOf(c), { signal: c.req.raw.signal })));
  app.post("/api/events", async (c) => {
    const results = await ctx.publish(await eventsIn(c));
    const accepted = results.filter((r) => r.status === "accepted").length;
    const body = { accepted, rejected: results.length - accepted, events: results };
    return c.json(body, accepted === 0 && results.length > 0 ? 400 : 200);
  });
}

async function eventsIn(c: Context): Promise<readonly unknown[]> {
  const media = (c.req.header("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
  if (!MEDIA.includes(media))
    throw new Refused(
      415,
      `events as ${media.slice(0, 60) || "nothing named"} are not taken`,
      `Content-Type is ${MEDIA.join(" or ")}`,
    );
  const body = await readJson(c);
  const batch = Array.isArray(body);
  if (media === MEDIA[0] && batch)
    throw new WeirError("bad_input", "a list of events needs application/cloudevents-batch+json");
  if (media === MEDIA[1] && !batch)
    throw new WeirError("bad_input", "application/cloudevents-batch+json holds a list of events");
  const events: readonly unknown[] = batch ? body : [body];
  if (events.length > LIMITS.frame_events_max)
    throw new WeirError("limit_reached", `more than ${LIMITS.frame_events_max} events in one request`, {
      hint: "send them in parts",
    });
  return events;
}
