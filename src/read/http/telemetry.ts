import type { MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import { serve } from "../../base/telemetry.ts";

const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]);

/** A span and a duration for each request, by the words of OpenTelemetry's HTTP conventions. The caller's `traceparent` is its parent. */
export const traced: MiddlewareHandler = (c, next) => {
  const method = METHODS.has(c.req.method) ? c.req.method : "_OTHER";
  const attributes = { "http.request.method": method, "url.scheme": "http" };
  return serve({ what: "http", name: method, attributes, from: c.req.header("traceparent") }, async (add, rename) => {
    await next();
    const { status } = c.res;
    // behind the guards' `/*` stands the route that answered, if one did
    const route = routePath(c, -1);
    if (route !== "/*" && status !== 404) {
      rename(`${method} ${route}`);
      add({ "http.route": route });
    }
    add({ "http.response.status_code": status, ...(status >= 500 && { "error.type": String(status) }) }, status >= 500);
  });
};
