import { OpenAPIHono } from "@hono/zod-openapi";
import type { Hono } from "hono";
import { toWeirError } from "../../base/errors.ts";
import type { ReadContext } from "../context.ts";
import { mcpHandler } from "../mcp/http.ts";
import { addApiRoutes } from "./api.ts";
import { readText } from "./body.ts";
import { answerError, Refused } from "./errors.ts";
import { checkOrigin, checkToken, securityHeaders } from "./guard.ts";
import { answerNothing } from "./methods.ts";
import { describeRoutes } from "./openapi.ts";
import { addPage, PAGE_PATHS } from "./page/routes.ts";
import { traced } from "./telemetry.ts";

/** Paths that need no token: whether weir works, and the page, which holds nothing until it was given the token. */
const isPublic = (method: string, path: string): boolean =>
  (method === "GET" || method === "HEAD") && (path === "/health" || PAGE_PATHS.includes(path));

/**
 * The HTTP surface: guards, API, MCP and page. Whoever puts the parts together may add routes to it (OTLP, hooks, live stream): the guards
 * stand before them too.
 */
export function createHttp(ctx: ReadContext): Hono {
  const app = new OpenAPIHono();
  app.use(traced);
  app.use(securityHeaders);
  app.use(checkOrigin(() => ctx.hosts));
  app.use(checkToken(ctx.token, isPublic, ctx.capture));
  app.onError((error, c) => {
    if (toWeirError(error).code === "internal") ctx.report?.(error, c.req.path);
    return answerError(c, error, error instanceof Refused ? error.status : undefined);
  });
  app.notFound((c) => answerNothing(app as unknown as Hono, c));
  app.get("/health", async (c) => {
    const { state, reasons, version } = await healthOf(ctx);
    return c.json({ status: state, reasons, version }, state === "failing" ? 503 : 200);
  });
  app.get("/metrics", async (c) =>
    c.body(await ctx.metricsText(), 200, { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" }),
  );
  addApiRoutes(app as unknown as Hono, ctx);
  const mcp = mcpHandler(ctx);
  app.all("/mcp", async (c) => {
    if (c.req.method !== "POST") return mcp.fetch(c.req.raw);
    const text = await readText(c);
    return mcp.fetch(
      new Request(c.req.raw.url, { method: "POST", headers: c.req.raw.headers, body: text, signal: c.req.raw.signal }),
    );
  });
  addPage(app as unknown as Hono);
  describeRoutes(app, ctx);
  return app as unknown as Hono;
}

async function healthOf(ctx: ReadContext): Promise<{ state: string; reasons: readonly string[]; version: string }> {
  try {
    const { health } = await ctx.status();
    return { ...health, version: ctx.version };
  } catch {
    return { state: "failing", reasons: ["the status cannot be told"], version: ctx.version };
  }
}
