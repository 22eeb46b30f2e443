import type { RequestListener } from "node:http";
import { Hono } from "hono";
import type { IntakeContext } from "../context.ts";
import { addEventRoutes } from "./events.ts";
import { fastEvents } from "./fast.ts";
import { passTo } from "./forward.ts";
import { guard } from "./guard.ts";
import type { Divert, First } from "./serve.ts";

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

/** Where the intake has a request line, as far as it came: `POST /v1/traces HTTP/1.1`. */
const LINE = /^([A-Z]+) (\S+) HTTP\//;
const LINE_BYTES_MAX = 1_024;

/**
 * Of one port, what belongs to the intake and what does not. A connection goes where its first request goes, whole: handing bytes on costs a fraction of reading
 * requests twice. Where a later request on it belongs to the other side, each side hands it to the other.
 */
export const sides = {
  /** Of the intake, which owns the port: connections that begin with a request for the server `behind` go there. */
  divert:
    (behind: number): Divert =>
    (socket, begin) => {
      const [, method, url] = LINE.exec(begin.toString("latin1", 0, LINE_BYTES_MAX)) ?? [];
      if (method === undefined || isIntake(method, url!)) return false;
      passTo(behind, socket, begin);
      return true;
    },
  /** Of the intake: its own requests are left to its routes, as far as there is no shorter way for them; `forward` has the rest. */
  intake(ctx: IntakeContext, forward: RequestListener): First {
    const fast = fastEvents(ctx);
    return (request, response) => {
      if (fast(request, response)) return true;
      if (isIntake(request.method ?? "", request.url ?? "")) return false;
      forward(request, response);
      return true;
    };
  },
  /** Of the server behind: `forward` has what belongs to the intake. */
  behind:
    (forward: RequestListener): First =>
    (request, response) => {
      if (!isIntake(request.method ?? "", request.url ?? "")) return false;
      forward(request, response);
      return true;
    },
} as const;
