import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { Context, Hono } from "hono";
import { clock } from "../base/clock.ts";
import { toWeirError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import { exportResponse, statusResponse } from "../capture/otlp/answer.ts";
import type { Signal } from "../capture/otlp/batch.ts";
import { type Form, receive } from "../capture/otlp/receive.ts";
import { SeriesMarks } from "../capture/otlp/series.ts";
import { readBytes } from "../read/http/body.ts";
import { Refused } from "../read/http/errors.ts";
import { mediaOf } from "../read/http/events.ts";
import type { Emitter } from "../sdk/emitter.ts";
import { within } from "./publish.ts";

const inflate = promisify(gunzip);
const SIGNALS: readonly Signal[] = ["traces", "metrics", "logs"];
const FORMS: Readonly<Record<string, Form>> = {
  "application/x-protobuf": "protobuf",
  "application/protobuf": "protobuf",
  "application/json": "json",
};
const MEDIA: Readonly<Record<Form, string>> = {
  protobuf: "application/x-protobuf",
  json: "application/json",
};
/** Codes of google.rpc.Status. */
const INVALID_ARGUMENT = 3;
const UNAVAILABLE = 14;
/** The marks of series are saved this long after a change. */
const SAVE_MS = 1_000;

interface Parts {
  readonly emitter: Emitter;
  /** Where the marks of cumulative series are kept. */
  readonly folder: string;
  readonly log: Log;
}

/**
 * The OTLP receiver: `/v1/traces`, `/v1/metrics`, `/v1/logs`. 200 means that the events are acknowledged or spooled. 429, 503 and 504 say when to
 * send again, which changes nothing where the events did arrive: their ids follow from what they are. 400, 413 and 415 will not get better.
 */
export function addOtlp(app: Hono, { emitter, folder, log }: Parts): { close(): void } {
  const marks = keptMarks(folder, log);
  let pending = 0;
  const answer = async (c: Context, signal: Signal): Promise<Response> => {
    const form = FORMS[mediaOf(c.req.header("content-type"))];
    if (!form)
      throw new Refused(415, "the media type is not taken", `Content-Type is ${Object.keys(FORMS).join(" or ")}`);
    try {
      if (pending > LIMITS.http_pending_bytes_max || emitter.stats().buffered >= LIMITS.buffer_events_max)
        return later(c, form, 429, "more is waiting than can be taken");
      const bytes = await bodyOf(c);
      pending += bytes.length;
      try {
        return await take(c, signal, form, bytes);
      } finally {
        pending -= bytes.length;
      }
    } catch (error) {
      if (error instanceof Refused) return tell(c, form, error.status, INVALID_ARGUMENT, error.message);
      const { code, message } = toWeirError(error);
      if (code === "timeout") return later(c, form, 504, message);
      if (code === "internal") throw error;
      return later(c, form, 503, message);
    }
  };
  const take = async (c: Context, signal: Signal, form: Form, bytes: Uint8Array): Promise<Response> => {
    const { drafts, rejected, message, malformed, undo } = receive(signal, form, bytes, {
      series: marks.series,
      now_us: clock.nowUs(),
    });
    await within(
      emitter.emitDurably(drafts).catch((error: unknown) => {
        undo();
        throw error;
      }),
    );
    if (signal === "metrics") marks.changed();
    if (malformed) return tell(c, form, 400, INVALID_ARGUMENT, message);
    return c.body(exportResponse(signal, form, rejected, message) as never, 200, { "Content-Type": MEDIA[form] });
  };
  for (const signal of SIGNALS) app.post(`/v1/${signal}`, (c) => answer(c, signal));
  return { close: () => marks.close() };
}

const tell = (c: Context, form: Form, status: number, code: number, message: string): Response =>
  c.body(statusResponse(form, code, message) as never, status as never, { "Content-Type": MEDIA[form] });

/** Asks the sender to try again. */
function later(c: Context, form: Form, status: 429 | 503 | 504, message: string): Response {
  c.header("Retry-After", "1");
  return tell(c, form, status, UNAVAILABLE, message);
}

/** The body without its one encoding, within the limits of both. */
async function bodyOf(c: Context): Promise<Uint8Array> {
  const encoding = (c.req.header("content-encoding") ?? "identity").trim().toLowerCase();
  if (encoding !== "identity" && encoding !== "gzip")
    throw new Refused(415, `bodies encoded as ${encoding.slice(0, 40)} are not taken`, "send it as gzip, or unencoded");
  const bytes = await readBytes(c, LIMITS.otlp_body_bytes_max);
  if (encoding === "identity") return bytes;
  try {
    return await inflate(bytes, { maxOutputLength: LIMITS.otlp_inflated_bytes_max });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE")
      throw new Refused(413, `the body is larger than ${LIMITS.otlp_inflated_bytes_max} bytes when gzip is undone`);
    throw new Refused(400, "the body is no gzip");
  }
}

/** The marks of series, read when weir starts and written soon after they change: a restart does not count a total twice. */
function keptMarks(folder: string, log: Log): { readonly series: SeriesMarks; changed(): void; close(): void } {
  const file = join(folder, "series.json");
  const series = new SeriesMarks();
  try {
    series.load(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT")
      log.warn({ err: error }, "the marks of cumulative series cannot be read: their next totals count as new");
  }
  let timer: NodeJS.Timeout | undefined;
  const save = (): void => {
    timer = undefined;
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeFileSync(`${file}.new`, JSON.stringify(series), { mode: 0o600 });
      renameSync(`${file}.new`, file);
    } catch (error) {
      log.error({ err: error }, "the marks of cumulative series cannot be saved");
    }
  };
  return {
    series,
    changed: () => {
      timer ??= setTimeout(save, SAVE_MS);
    },
    close: () => {
      if (!timer) return;
      clearTimeout(timer);
      save();
    },
  };
}
