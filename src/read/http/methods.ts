import type { Context, Hono } from "hono";
import { WeirError } from "../../base/errors.ts";
import { answerError, Refused } from "./errors.ts";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/**
 * Answers what no route took: 405 with the methods there are where the path is one of weir's, 404 elsewhere. `more` are methods of the path that another
 * app takes.
 */
export function answerNothing(app: Hono, c: Context, more: readonly string[] = []): Response {
  const path = c.req.path.slice(0, 100);
  const allowed = [...more, ...methodsAt(app, c.req.path)];
  if (allowed.length === 0)
    return answerError(
      c,
      new WeirError("not_found", `there is nothing at ${path}`, { hint: "/openapi.json lists what there is" }),
    );
  c.header("Allow", allowed.join(", "));
  return answerError(
    c,
    new Refused(405, `${path} does not take ${c.req.method.slice(0, 20)}`, `it takes ${allowed.join(", ")}`),
    405,
  );
}

/** The methods of the routes at a path; HEAD goes where GET goes. Guards stand at every path and for all methods, and are no routes. */
function methodsAt(app: Hono, path: string): string[] {
  return METHODS.filter((method) =>
    app.router.match(method, path)[0].some(([[, route]]) => route.method === method),
  ).flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
}
