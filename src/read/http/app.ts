import { OpenAPIHono } from "@hono/zod-openapi";
import type { McpHttpHandler } from "@modelcontextprotocol/server";
import type { Hono } from "hono";
import type { ReadContext } from "../context.ts";
import { addApiRoutes } from "./api.ts";
import { readText } from "./body.ts";
import { guard } from "./guard.ts";
import { describeRoutes } from "./openapi.ts";
import { addPage, PAGE_PATHS } from "./page/routes.ts";

/** Paths that need no token: whether weir works, and the page, which holds nothing until it was given the token. */
const isPublic = (method: string, path: string): boolean =>
  (method === "GET" || method === "HEAD") && (path === "/health" || PAGE_PATHS.includes(path));

/**
 * The HTTP surface that answers: guards, API, MCP and page. Whoever puts the parts together may add routes to it: the guards stand before them too.
 * What is sent to weir goes to the {@link createIntake | intake} instead.
 */
export function createHttp(ctx: ReadContext): Hono {
  const app = new OpenAPIHono();
  guard(app as unknown as Hono, ctx, { isPublic });
  app.get("/health", async (c) => {
    const { state, reasons, version } = await healthOf(ctx);
    return c.json({ status: state, reasons, version }, state === "failing" ? 503 : 200);
  });
  app.get("/metrics", async (c) =>
    c.body(await ctx.metricsText(), 200, { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" }),
  );
  addApiRoutes(app as unknown as Hono, ctx);
  let mcp: McpHttpHandler | undefined;
  app.all("/mcp", async (c) => {
    mcp ??= (await import("../mcp/http.ts")).mcpHandler(ctx); // its package is loaded when somebody asks
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
