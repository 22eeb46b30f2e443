import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { Context, Hono } from "hono";
import { clock } from "../base/clock.ts";
import { toWeirError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import { exportResponse, statusResponse } from "../capture/otlp/answer.ts";
import type { Signal } from "../capture/otlp/batch.ts";
import { KeptSeries } from "../capture/otlp/kept-series.ts";
import { type Form, receive } from "../capture/otlp/receive.ts";
import { readBytes } from "../read/http/body.ts";
import { Refused } from "../read/http/errors.ts";
import { mediaOf } from "../read/http/events.ts";
import type { Emitter } from "../sdk/emitter.ts";
import { within } from "./publish.ts";

const unzip = promisify(gunzip);
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
export function addOtlp(app: Hono, { emitter, folder, log }: Parts): { close(): Promise<void> } {
  const kept = new KeptSeries(folder, log);
  const room = new Room();
  const answer = async (c: Context, signal: Signal): Promise<Response> => {
    const form = FORMS[mediaOf(c.req.header("content-type"))];
    if (!form)
      throw new Refused(415, "the media type is not taken", `Content-Type is ${Object.keys(FORMS).join(" or ")}`);
    try {
      if (room.full() || emitter.stats().buffered >= LIMITS.buffer_events_max)
        return later(c, form, 429, "more is waiting than can be taken");
      // before the body is read: many that come at once would all find room
      const place = room.reserve(announced(c));
      try {
        const bytes = await bodyOf(c, room, place);
        return bytes ? await take(c, signal, form, bytes) : later(c, form, 429, "more is waiting than can be taken");
      } finally {
        place.resize(0);
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
    const { drafts, rejected, message, malformed, moved, undo } = receive(signal, form, bytes, {
      series: kept.series,
      now_us: clock.nowUs(),
    });
    // marks before the answer: a total that is answered and not kept would count again after a crash
    await within(
      emitter.emitDurably(drafts).then(
        () => kept.keep(moved),
        (error: unknown) => {
          undo();
          throw error;
        },
      ),
    );
    if (malformed) return tell(c, form, 400, INVALID_ARGUMENT, message);
    return c.body(exportResponse(signal, form, rejected, message) as never, 200, { "Content-Type": MEDIA[form] });
  };
  for (const signal of SIGNALS) app.post(`/v1/${signal}`, (c) => answer(c, signal));
  return { close: () => kept.close() };
}

const tell = (c: Context, form: Form, status: number, code: number, message: string): Response =>
  c.body(statusResponse(form, code, message) as never, status as never, { "Content-Type": MEDIA[form] });

/** Asks the sender to try again. */
function later(c: Context, form: Form, status: 429 | 503 | 504, message: string): Response {
  c.header("Retry-After", "1");
  return tell(c, form, status, UNAVAILABLE, message);
}

/** Bytes of requests that are being read or wait to be stored. */
class Room {
  private bytes = 0;
  private inflating: Promise<unknown> = Promise.resolve();

  full(): boolean {
    return this.bytes > LIMITS.http_pending_bytes_max;
  }

  reserve(bytes: number): Place {
    let held = 0;
    const resize = (to: number): void => {
      this.bytes += to - held;
      held = to;
    };
    resize(bytes);
    return { resize };
  }

  /** Does one after the other: how much comes out of gzip is only known afterwards. */
  inOrder<T>(work: () => Promise<T>): Promise<T> {
    const run = this.inflating.then(work, work);
    this.inflating = run.catch(() => {});
    return run;
  }
}

/** What a request takes of the room; given back by `resize(0)`. */
interface Place {
  resize(bytes: number): void;
}

/** Bytes that a request says it has, or may have. */
function announced(c: Context): number {
  const length = Number(c.req.header("content-length") ?? Number.NaN);
  return Number.isFinite(length) && length >= 0
    ? Math.min(length, LIMITS.otlp_body_bytes_max)
    : LIMITS.otlp_body_bytes_max;
}

/** The body without its one encoding, within the limits of both. Undefined where there is no room for what came out. */
async function bodyOf(c: Context, room: Room, place: Place): Promise<Uint8Array | undefined> {
  const encoding = (c.req.header("content-encoding") ?? "identity").trim().toLowerCase();
  if (encoding !== "identity" && encoding !== "gzip")
    throw new Refused(415, `bodies encoded as ${encoding.slice(0, 40)} are not taken`, "send it as gzip, or unencoded");
  const bytes = await readBytes(c, LIMITS.otlp_body_bytes_max);
  place.resize(bytes.length);
  if (encoding === "identity") return bytes;
  return room.inOrder(async () => {
    if (room.full()) return undefined;
    const inflated = await inflate(bytes);
    place.resize(inflated.length);
    return inflated;
  });
}

async function inflate(bytes: Uint8Array): Promise<Uint8Array> {
  try {
    return await unzip(bytes, { maxOutputLength: LIMITS.otlp_inflated_bytes_max });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE")
      throw new Refused(413, `the body is larger than ${LIMITS.otlp_inflated_bytes_max} bytes when gzip is undone`);
    throw new Refused(400, "the body is no gzip");
  }
}
