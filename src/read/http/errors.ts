import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { type ErrorCode, toWeirError, WeirError } from "../../base/errors.ts";

/** The HTTP status of each code that may reach a client; every other one is 500. */
const STATUS: Partial<Record<ErrorCode, ContentfulStatusCode>> = {
  usage: 400,
  bad_input: 400,
  sql_refused: 400,
  sql_failed: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  limit_reached: 429,
  broker_unreachable: 503,
  not_running: 503,
  broker_full: 503,
  store_failed: 503,
  spool_full: 503,
  file_unusable: 503,
  timeout: 504,
};

/** Characters of a message; more tells nobody anything. */
const MESSAGE_CHARS_MAX = 1_000;

/** The status a code answers with. */
export const statusOf = (code: ErrorCode): ContentfulStatusCode => STATUS[code] ?? 500;

/** What a client is told of a failure. Bugs keep their message to the log: it may hold what the client must not see. */
export function errorBody(thrown: unknown): { error: { code: ErrorCode; message: string; hint: string } } {
  const { code, message, hint } = toWeirError(thrown);
  const told = code === "internal" ? "something went wrong inside weir" : message.slice(0, MESSAGE_CHARS_MAX);
  return { error: { code, message: told, hint: hint.slice(0, MESSAGE_CHARS_MAX) } };
}

/** Answers with a failure as JSON. */
export function answerError(c: Context, thrown: unknown, status?: ContentfulStatusCode): Response {
  const { code } = toWeirError(thrown);
  const answer = status ?? (thrown instanceof HTTPException ? (thrown.status as ContentfulStatusCode) : statusOf(code));
  if (answer === 429 || answer === 503) c.header("Retry-After", "1");
  if (answer === 401) c.header("WWW-Authenticate", 'Bearer realm="weir"');
  return c.json(errorBody(thrown), answer);
}

/** A refusal of the request's form, with its own status. */
export class Refused extends WeirError {
  readonly status: ContentfulStatusCode;
  constructor(status: ContentfulStatusCode, message: string, hint?: string) {
    super(status === 413 ? "limit_reached" : "bad_input", message, hint === undefined ? {} : { hint });
    this.status = status;
  }
}
