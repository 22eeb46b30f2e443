import type { Hono } from "hono";
import { toWeirError } from "../../base/errors.ts";
import type { Guarded } from "../context.ts";
import { answerError, Refused } from "./errors.ts";
import { checkOrigin, checkToken, securityHeaders } from "./guard.ts";
import { answerNothing } from "./methods.ts";
import { traced } from "./telemetry.ts";

/**
 * Puts weir's guards before every route of an app, those that are added later too, and gives it weir's answers to failures. `isPublic` opens paths
 * without a token; `elsewhere` tells which methods of a path another app answers.
 */
export function guard(
  app: Hono,
  ctx: Guarded,
  {
    isPublic = () => false,
    elsewhere,
  }: {
    readonly isPublic?: (method: string, path: string) => boolean;
    readonly elsewhere?: (path: string) => readonly string[];
  } = {},
): void {
  app.use(traced);
  app.use(securityHeaders);
  app.use(checkOrigin(() => ctx.hosts));
  app.use(checkToken(ctx.token, isPublic, ctx.capture));
  app.onError((error, c) => {
    if (toWeirError(error).code === "internal") ctx.report?.(error, c.req.path);
    return answerError(c, error, error instanceof Refused ? error.status : undefined);
  });
  app.notFound((c) => answerNothing(app, c, elsewhere?.(c.req.path)));
}
