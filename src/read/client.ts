import { ERRORS, type ErrorCode, WeirError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import { activeTraceparent } from "../base/telemetry.ts";
import type { Answer } from "../store/select.ts";
import type { Asked, Ordered, Published, Publishing } from "./context.ts";
import type { Status } from "./status.ts";

/** Time of one request where nothing else is said: above what the server itself allows an answer. */
const REQUEST_MS_MAX = LIMITS.query_ms_max + LIMITS.sql_ms_max;

/** Where a running weir is, as its runtime.json says, and on whose behalf it is asked. */
export interface ClientOptions {
  readonly http_url: string;
  readonly token: string;
  readonly actor?: string;
  /** How long one request may take, in milliseconds. */
  readonly msMax?: number;
}

/**
 * Asks a running weir over HTTP. Failures are WeirErrors with the server's code; `not_running` where nobody answers. A program that lives
 * longer than the weir it asks gives a function, which is called for each request.
 */
export function createClient(where: ClientOptions | (() => ClientOptions)): Asked & Publishing {
  const call = async (
    path: string,
    { method = "GET", body, type = "application/json", signal }: Call = {},
  ): Promise<unknown> => {
    const { http_url, token, actor = "cli", msMax = REQUEST_MS_MAX } = typeof where === "function" ? where() : where;
    const base = http_url.replace(/\/+$/, "");
    const timeout = AbortSignal.timeout(msMax);
    let response: Response;
    const traceparent = activeTraceparent();
    try {
      response = await fetch(`${base}${path}`, {
        method,
        headers: {
          Authorization: `Bearer ${token}`,
          "Weir-Actor": actor,
          ...(traceparent && { traceparent }),
          ...(body !== undefined && { "Content-Type": type }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        redirect: "error",
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      });
    } catch (error) {
      if (signal?.aborted) throw new WeirError("timeout", "the request was given up", { cause: error });
      if (timeout.aborted)
        throw new WeirError("timeout", `weir at ${base} did not answer in ${msMax / 1_000} s`, {
          cause: error,
        });
      throw new WeirError("not_running", `nobody answers at ${base}`, { cause: error });
    }
    return answerOf(response, base);
  };
  return {
    ask: async (name, input, { signal, rowsMax } = {}) => {
      const answer = (await call(`/api/query/${encodeURIComponent(name)}${argumentsText(input)}`, {
        signal,
      })) as Answer;
      if (rowsMax === undefined || answer.rows.length <= rowsMax) return answer;
      return { ...answer, rows: answer.rows.slice(0, rowsMax), truncated: true };
    },
    order: async (name, input) =>
      (await call(`/api/command/${encodeURIComponent(name)}`, { method: "POST", body: input ?? {} })) as Ordered,
    publish: async (events) => {
      const type = "application/cloudevents-batch+json";
      const { events: results } = (await call("/api/events", { method: "POST", body: events, type })) as {
        events: Published[];
      };
      return results;
    },
    sql: async (query, { signal, rowsMax } = {}) => {
      const answer = (await call("/api/sql", { method: "POST", body: { query }, signal })) as Answer;
      if (rowsMax === undefined || answer.rows.length <= rowsMax) return answer;
      return { ...answer, rows: answer.rows.slice(0, rowsMax), truncated: true };
    },
    status: async () => (await call("/api/status")) as Status,
  };
}

interface Call {
  readonly method?: string;
  readonly body?: unknown;
  readonly type?: string;
  readonly signal?: AbortSignal | undefined;
}

/** Arguments as a URL carries them; lists and objects as JSON. */
function argumentsText(input: unknown): string {
  if (input === undefined || input === null) return "";
  if (typeof input !== "object" || Array.isArray(input))
    throw new WeirError("bad_input", "the arguments are not an object with names");
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(input)) {
    if (value === undefined || value === null) continue;
    if (Array.isArray(value)) params.append(name, JSON.stringify(value));
    else params.append(name, typeof value === "object" ? JSON.stringify(value) : String(value));
  }
  const text = params.toString();
  return text === "" ? "" : `?${text}`;
}

async function answerOf(response: Response, base: string): Promise<unknown> {
  if (response.status === 431) throw new WeirError("limit_reached", "the arguments are too long for one request");
  let body: unknown;
  try {
    body = await response.json();
  } catch (error) {
    throw new WeirError("not_running", `what answers at ${base} is not weir (HTTP ${response.status})`, {
      cause: error,
    });
  }
  if (response.ok) return body;
  // a batch of events none of which was taken answers 400 with its results
  if (typeof body === "object" && body !== null && "events" in body) return body;
  const { code, message, hint } = ((body as { error?: object }).error ?? {}) as {
    code?: string;
    message?: string;
    hint?: string;
  };
  if (code === undefined || !Object.hasOwn(ERRORS, code))
    throw new WeirError("internal", message ?? `weir answered HTTP ${response.status}`);
  throw new WeirError(code as ErrorCode, message ?? "", hint === undefined ? {} : { hint });
}
