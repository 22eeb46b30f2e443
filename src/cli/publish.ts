import { toWeirError, WeirError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import { redactText } from "../base/redact.ts";
import { activeTraceparent } from "../base/telemetry.ts";
import { fromCloudEvent } from "../capture/cloudevents.ts";
import type { Draft } from "../define/event.ts";
import { checkClock, checkEvent } from "../events/check.ts";
import { inputRejected } from "../events/flow.ts";
import { plain } from "../events/plain.ts";
import type { Published } from "../read/context.ts";
import { Refused } from "../read/http/errors.ts";
import type { Emitter } from "../sdk/emitter.ts";
import { eventOf } from "../sdk/frames.ts";
import { readFrame } from "../wire/frame.ts";
import { Cursor, Malformed, unpack } from "../wire/msgpack.ts";

interface Taken {
  readonly draft: Draft;
  readonly result: Published;
}

const ORDERED = { source: "weir://local", via: "api" } as const;
const DEFAULTS = { source: "weir://api", via: "api" } as const;

/**
 * Takes CloudEvents as JSON values; answers when they are durable. What is not an event by its definition is still recorded, and its sender is
 * told. Requests that come together share a frame, and each waits for its own events only.
 */
export function publishEvents(
  emitter: Emitter,
  events: readonly unknown[],
  now_us: number,
): Promise<readonly Published[]> {
  return store(
    emitter,
    events.map((value) => takeOne(value, now_us)),
  );
}

/** Why {@link publishEvents} would record a value as rejected; undefined where it takes it as an event. */
export const faultOf = (value: unknown, now_us: number): string | undefined => takeOne(value, now_us).result.error;

/** As {@link publishEvents}, for MessagePack: a frame, one CloudEvent as a map, or a list of them. Throws `bad_input`. */
export function publishPacked(emitter: Emitter, bytes: Uint8Array, now_us: number): Promise<readonly Published[]> {
  const value = unpacked(bytes);
  if (typeof value !== "object" || value === null) throw new WeirError("bad_input", "the MessagePack holds no event");
  if ("w" in value && "g" in value) {
    let frame: ReturnType<typeof readFrame>;
    try {
      frame = readFrame(bytes, LIMITS.frame_unpacked_bytes_max);
    } catch (error) {
      throw new WeirError("bad_input", toWeirError(error).message);
    }
    // they are numbered anew: this producer vouches for them now
    return store(
      emitter,
      frame.events().map((event) => {
        const { producer: _, epoch: __, n: ___, ...draft } = plain(event);
        return judged(draft, now_us);
      }),
    );
  }
  const events: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (events.length > LIMITS.frame_events_max)
    throw new Refused(413, `more than ${LIMITS.frame_events_max} events in one request`, "send them in parts");
  return publishEvents(emitter, events, now_us);
}

async function store(emitter: Emitter, taken: readonly Taken[]): Promise<readonly Published[]> {
  await within(emitter.emitDurably(taken.map(({ draft }) => draft)));
  return taken.map(({ result }) => result);
}

/** Takes the events of an order; answers when they are durable. Throws `bad_input` where one is none by its definition. */
export const storeOrder = (emitter: Emitter, drafts: readonly Draft[]): Promise<void> =>
  within(
    emitter.emitDurably(drafts.map((draft) => eventOf(draft, ORDERED, true))),
    "the event is not stored yet",
    "`weir status` tells why; it may still be taken",
  );

/** What was asked for, or `timeout` where it takes too long: the events may become durable later, and the same ids again change nothing. */
export function within(
  durable: Promise<void>,
  late = "the events are not durable yet",
  hint = "send them again, with ids",
): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new WeirError("timeout", late, { hint })), LIMITS.http_durable_ms_max);
    const end = (then: () => void): void => {
      clearTimeout(timer);
      then();
    };
    durable.then(
      () => end(resolve),
      (error: unknown) => end(() => reject(error)),
    );
  });
}

function takeOne(value: unknown, now_us: number): Taken {
  const taken = fromCloudEvent(value, now_us);
  if (!("problem" in taken)) return judged(taken.draft, now_us);
  const text = redactText(JSON.stringify(value) ?? "null");
  const draft = inputRejected.of(DEFAULTS, {
    reason: "invalid",
    detail: taken.problem,
    original: new TextEncoder().encode(text).subarray(0, LIMITS.rejected_part_bytes_max),
    content_type: "application/json",
    events: 1,
  });
  return { draft, result: { id: null, status: "rejected", error: taken.problem } };
}

/** The draft with its id and time, and whether it fits its definition: if not, the log itself records it as rejected. */
function judged(draft: Draft & { readonly v?: number }, now_us: number): Taken {
  const event = eventOf(draft, DEFAULTS, false);
  event.traceparent ??= activeTraceparent();
  const fault = checkEvent(event) ?? checkClock(event, now_us);
  return {
    draft: event,
    result: fault ? { id: event.id, status: "rejected", error: fault.detail } : { id: event.id, status: "accepted" },
  };
}

function unpacked(bytes: Uint8Array): unknown {
  const cursor = new Cursor(bytes);
  try {
    cursor.skip();
    if (cursor.at !== bytes.length) throw new Malformed("goes on behind its end");
    return unpack(bytes);
  } catch (error) {
    throw new WeirError("bad_input", `the MessagePack ${error instanceof Error ? error.message : "cannot be read"}`);
  }
}
