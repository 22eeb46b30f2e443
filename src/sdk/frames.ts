import { clock } from "../base/clock.ts";
import { WeirError } from "../base/errors.ts";
import { newId } from "../base/id.ts";
import { LIMITS } from "../base/limits.ts";
import { mayHoldSecret } from "../base/redact.ts";
import type { Draft, Event } from "../define/event.ts";
import { definitionOf } from "../events/catalog.ts";
import { checkEvent } from "../events/check.ts";
import type { Guard } from "../events/guard.ts";
import { redactions } from "../events/secrets.ts";
import { encodeEvents } from "../wire/encode.ts";

/** An event that waits for its number. */
export type Unnumbered = { -readonly [K in keyof Event]: Event[K] };

/** The event of a draft: id, time, source and version filled in. Throws `bad_input` where it does not fit its definition. */
export function eventOf(
  draft: Draft & { readonly v?: number },
  defaults: { source: string; via: string },
  check: boolean,
): Unnumbered {
  const time = draft.time ?? clock.nowUs();
  // every property by name: spreading the draft costs thirty times as much
  const event: Unnumbered = {
    type: draft.type,
    v: draft.v ?? definitionOf(draft.type)?.v ?? 1,
    id: draft.id ?? newId(time),
    source: draft.source ?? defaults.source,
    time,
    subject: draft.subject,
    session: draft.session,
    cause: draft.cause,
    traceparent: draft.traceparent,
    via: draft.via ?? defaults.via,
    producer: undefined,
    epoch: undefined,
    n: undefined,
    fact: draft.fact,
    project: draft.project,
    branch: draft.branch,
    assistant: draft.assistant,
    actor: draft.actor,
    data: draft.data,
  };
  if (check) {
    const fault = checkEvent(event);
    if (fault) throw new WeirError("bad_input", `${draft.type}: ${fault.detail}`);
  }
  return event;
}

/** A frame of events that are numbered already, without secrets where the guard does not let an event keep them. */
export function frameOf(events: readonly Event[], guard: Pick<Guard, "keepsSecrets">): Uint8Array {
  const frame = encodeEvents(events);
  if (!mayHoldSecret(Buffer.from(frame.buffer, frame.byteOffset, frame.length).toString("latin1"))) return frame;
  return encodeEvents(
    events.map((event) => {
      const clean = guard.keepsSecrets(event) ? undefined : redactions(event);
      return clean ? { ...event, ...clean.set, data: { ...event.data, ...clean.data } } : event;
    }),
  );
}

/** Rough size of an event in a frame, for limits of memory. */
export function sizeOf(draft: Draft): number {
  let size = 160;
  const { data } = draft;
  for (const key in data) {
    const value = (data as Readonly<Record<string, unknown>>)[key];
    size +=
      typeof value === "string"
        ? value.length
        : value instanceof Uint8Array
          ? value.length
          : Array.isArray(value)
            ? value.length * 32
            : 9;
  }
  return size;
}

/** Largest number of leading events that fit one frame by count and estimated bytes. */
export function fitting(sizes: readonly number[], from: number, until: number): number {
  let bytes = 0;
  let count = 0;
  for (let i = from; i < until && count < LIMITS.frame_events_max; i++) {
    bytes += sizes[i]!;
    // characters may take three bytes each: stay well below the limit
    if (count > 0 && bytes > LIMITS.frame_bytes_max / 3) break;
    count++;
  }
  return count;
}

/** The different trace contexts of a frame's events; `undefined` among them where some have none. */
export function tracesOf(events: readonly Event[]): readonly (string | undefined)[] {
  const found = new Set<string | undefined>();
  let last: string | undefined | null = null;
  for (const { traceparent } of events) {
    if (traceparent === last) continue; // mostly the same, or none at all
    last = traceparent;
    found.add(traceparent);
  }
  return [...found];
}
