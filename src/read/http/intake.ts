import type { RequestListener } from "node:http";
import { Hono } from "hono";
import type { IntakeContext } from "../context.ts";
import { addEventRoutes } from "./events.ts";
import { fastEvents } from "./fast.ts";
import { guard } from "./guarded.ts";
import type { First } from "./serve.ts";

/** Paths that assistants and telemetry send to begin so. */
export const CAPTURE_PATHS = ["/hooks/", "/v1/"] as const;
const EVENTS_PATH = "/api/events";
/** At the same path events are looked for. */
const EVENTS_READ = ["GET", "HEAD"];

/** Whether a request is for the intake; the others ask or order something. */
function isIntake(method: string, url: string): boolean {
  if (CAPTURE_PATHS.some((start) => url.startsWith(start))) return true;
  if (!url.startsWith(EVENTS_PATH) || EVENTS_READ.includes(method)) return false;
  const next = url[EVENTS_PATH.length];
  return next === undefined || next === "?";
}

/**
 * The ways in over HTTP: `POST /api/events`, and whatever is added to it (hooks, OTLP), behind the same guards as the rest. They stand apart from what reads
 * tables, so that a producer waits for the broker and nothing else.
 */
export function createIntake(ctx: IntakeContext): Hono {
  const app = new Hono();
  guard(app, ctx, { elsewhere: (path) => (path === EVENTS_PATH ? EVENTS_READ : []) });
  addEventRoutes(app, ctx);
  return app;
}

/** Leaves to the routes of the intake what is theirs, as far as there is no shorter way for it, and forwards the rest. */
export function intakeFirst(ctx: IntakeContext, forward: RequestListener): First {
  const fast = fastEvents(ctx);
  return (request, response) => {
    if (fast(request, response)) return true;
    if (isIntake(request.method ?? "", request.url ?? "")) return false;
    forward(request, response);
    return true;
  };
}
