import type { StoredMsg } from "@nats-io/jetstream";
import { headers, type MsgHdrs } from "@nats-io/transport-node";
import { LIMITS } from "../base/limits.ts";
import type { Connection } from "./connect.ts";
import { publishError } from "./publish-error.ts";
import { STREAM_SUBJECTS, type StreamName } from "./subjects.ts";

/** Headers of a frame: what a reader can know of it without unpacking it. */
export const HEADERS = {
  /** Events in the frame. */
  count: "Weir-Count",
  /** Last sequence of the input stream whose effect is in this or an earlier output. */
  input: "Weir-In",
  /** In which stream that position is, and when the message there was stored. */
  place: "Weir-Place",
  /** Events a stage took in, passed on, rejected and found repeated, since the log began: four numbers with commas. */
  totals: "Weir-Totals",
  /** Events a stage ever wrote to the subject, this frame's included. */
  written: "Weir-Written",
  /** W3C trace context of the stage that wrote the frame. */
  trace: "traceparent",
} as const;

/** Totals of a stage, see {@link HEADERS}. */
export interface Totals {
  readonly taken: number;
  readonly passed: number;
  readonly rejected: number;
  readonly repeated: number;
}

export const NO_TOTALS: Totals = { taken: 0, passed: 0, rejected: 0, repeated: 0 };

/** The totals as a header's text, and back. */
export const totalsText = (t: Totals): string => [t.taken, t.passed, t.rejected, t.repeated].join(",");
export function totalsOf(text: string | undefined): Totals {
  const [taken = 0, passed = 0, rejected = 0, repeated = 0] = (text ?? "").split(",").map(Number);
  return { taken, passed, rejected, repeated };
}

/** Publishes a frame and waits for the acknowledgement. `expect`: last sequence on the subject, which fences other writers. */
export async function publishFrame(
  bus: Pick<Connection, "js">,
  subject: string,
  data: Uint8Array,
  options: {
    count: number;
    input?: number;
    place?: string | undefined;
    totals?: Totals;
    written?: number;
    expect?: number;
    id?: string;
    trace?: string;
  },
): Promise<{ seq: number; duplicate: boolean }> {
  const h: MsgHdrs = headers();
  h.set(HEADERS.count, String(options.count));
  if (options.input !== undefined) h.set(HEADERS.input, String(options.input));
  if (options.place) h.set(HEADERS.place, options.place);
  if (options.totals) h.set(HEADERS.totals, totalsText(options.totals));
  if (options.written !== undefined) h.set(HEADERS.written, String(options.written));
  if (options.trace) h.set(HEADERS.trace, options.trace);
  try {
    const ack = await bus.js.publish(subject, data, {
      headers: h,
      timeout: LIMITS.broker_request_ms_max,
      ...(options.id ? { msgID: options.id } : {}),
      ...(options.expect === undefined ? {} : { expect: { lastSubjectSequence: options.expect } }),
    });
    return { seq: ack.seq, duplicate: ack.duplicate };
  } catch (error) {
    throw publishError(error);
  }
}

/** Sequence of the last message that is really there: a damaged stream may count on behind it, and whoever waits for those waits for ever. */
export async function lastStored(bus: Pick<Connection, "jsm">, stream: StreamName): Promise<number> {
  return (await bus.jsm.streams.getMessage(stream, { last_by_subj: STREAM_SUBJECTS[stream] }))?.seq ?? 0;
}

/** What the last frame on a subject tells of its writer. */
export interface LastFrame {
  readonly seq: number;
  readonly input: number;
  readonly place: string | undefined;
  readonly totals: Totals;
  readonly written: number;
}

/** The last frame on a subject: its sequence, input position and totals; undefined where there is none. */
export async function lastFrame(
  bus: Pick<Connection, "jsm">,
  stream: string,
  subject: string,
): Promise<LastFrame | undefined> {
  const message = await bus.jsm.streams.getMessage(stream, { last_by_subj: subject });
  if (!message) return undefined;
  return {
    seq: message.seq,
    input: Number(message.header.get(HEADERS.input) || 0),
    place: message.header.get(HEADERS.place) || undefined,
    totals: totalsOf(message.header.get(HEADERS.totals)),
    written: Number(message.header.get(HEADERS.written) || 0),
  };
}

/** The oldest message on a subject that was not trimmed, from a sequence on; undefined where there is none. */
export async function firstMessage(
  bus: Pick<Connection, "jsm">,
  stream: string,
  subject: string,
  from = 1,
): Promise<StoredMsg | undefined> {
  const next = { seq: from, next_by_subj: subject }; // the client's type lacks the second, the server knows it
  return (await bus.jsm.streams.getMessage(stream, next as { seq: number })) ?? undefined;
}
