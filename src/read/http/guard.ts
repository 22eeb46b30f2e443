import { createHash, timingSafeEqual } from "node:crypto";
import type { Hono, MiddlewareHandler } from "hono";
import { clock } from "../../base/clock.ts";
import { toWeirError, WeirError } from "../../base/errors.ts";
import { refusalOf } from "../../base/origin.ts";
import type { Guarded } from "../context.ts";
import { answerError, Refused } from "./errors.ts";
import { answerNothing } from "./methods.ts";
import { traced } from "./telemetry.ts";

/** Wrong tokens that are answered 401 within a window; after these every wrong one waits. The right token always passes. */
const WRONG_MAX = 20;
const WRONG_WINDOW_MS = 60_000;

/**
 * Refuses requests that name another host (a page that had its name point here) or come from a page of another origin. `hosts` is read
 * at each request: a port chosen by the system is known only after listening.
 */
export function checkOrigin(hosts: () => readonly string[]): MiddlewareHandler {
  return async (c, next) => {
    const host = c.req.header("host") ?? new URL(c.req.url).host;
    const refusal = refusalOf(hosts(), host, c.req.header("origin"));
    if (refusal !== undefined) return answerError(c, new WeirError("forbidden", refusal));
    await next();
  };
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

/**
 * Asks for the token on every path but the public ones. Compares in constant time, and slows guessing down. `narrow` is a second token that opens
 * some paths only.
 */
export function checkToken(
  token: string,
  isPublic: (method: string, path: string) => boolean,
  narrow?: { readonly token: string; opens(path: string): boolean },
): MiddlewareHandler {
  const expected = digest(token);
  const narrowed = narrow && digest(narrow.token);
  let wrong = 0;
  let since = 0;
  return async (c, next) => {
    if (isPublic(c.req.method, c.req.path)) return next();
    const given = /^Bearer +(\S+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
    if (given !== undefined && token !== "") {
      const said = digest(given);
      if (timingSafeEqual(said, expected)) return next();
      if (narrowed && timingSafeEqual(said, narrowed) && narrow.opens(c.req.path)) return next();
    }
    if (given === undefined) return answerError(c, new WeirError("unauthorized", "the request has no token"));
    const now = clock.nowMs();
    if (now - since > WRONG_WINDOW_MS) {
      since = now;
      wrong = 0;
    }
    if (++wrong > WRONG_MAX) {
      return answerError(
        c,
        new WeirError("limit_reached", "too many wrong tokens", {
          hint: "wait a minute; the right token is in runtime.json",
        }),
      );
    }
    return answerError(c, new WeirError("unauthorized", "the token is wrong"));
  };
}

/** Headers of every answer, see {@link securityHeaders}. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
};

/** Headers that keep a browser from doing with an answer what it should not; answers of the API are not kept. */
export const securityHeaders: MiddlewareHandler = async (c, next) => {
  await next();
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) c.res.headers.set(name, value);
  if (!c.res.headers.has("Cache-Control")) c.res.headers.set("Cache-Control", "no-store");
};

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
