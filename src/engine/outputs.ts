import { derivedId } from "../base/id.ts";
import { LIMITS } from "../base/limits.ts";
import { ENVELOPE_FIELDS, type Event } from "../define/event.ts";
import { inputRejected } from "../events/flow.ts";
import { currentGuard } from "../events/guard.ts";
import { eventJson } from "../events/plain.ts";
import { type Changes, encodeEvents, encodePassed, eventsPassed, type Passed } from "../wire/encode.ts";
import { pack } from "../wire/msgpack.ts";

/** Events of frames that are handed on. */
export const keptOf = (passed: readonly Passed[]): number =>
  passed.reduce(
    (sum, { frame, changes }) =>
      sum + frame.count - changes.reduce((n, c) => n + (c.dropped?.reduce((a, b) => a + b, 0) ?? 0), 0),
    0,
  );

/** A frame to be published. */
export interface Output {
  readonly data: Uint8Array;
  readonly count: number;
}

/**
 * Output frames of a batch; usually one. Emitted events that would make it too large go before it in frames of their own, and what is larger
 * than a frame may be is cut into several. `tooLarge` events that are handed on fit none even alone: their rejections
 * stand in their place.
 */
export function outputs(
  passed: readonly Passed[],
  emitted: readonly Event[],
): { readonly frames: readonly Output[]; readonly tooLarge: number } {
  const kept = keptOf(passed);
  const small =
    emitted.length > 0 &&
    kept + emitted.length <= LIMITS.frame_events_max &&
    emitted.every((e) => e.type !== inputRejected.type);
  const added = small ? emitted : [];
  const before = small ? NOTHING : framesOf(emitted);
  const main = kept + added.length === 0 ? NOTHING : mainFrames(passed, added, kept + added.length);
  return { frames: [...before.frames, ...main.frames], tooLarge: main.tooLarge };
}

interface Framed {
  readonly frames: readonly Output[];
  readonly tooLarge: number;
}
const NOTHING: Framed = { frames: [], tooLarge: 0 };

function mainFrames(passed: readonly Passed[], added: readonly Event[], count: number): Framed {
  const unpacked =
    passed.reduce((sum, { frame, changes }) => sum + frame.unpacked + changes.reduce((n, c) => n + bytesOf(c), 0), 0) +
    added.reduce((sum, event) => sum + bytesOfEvent(event), 0);
  if (unpacked <= LIMITS.frame_unpacked_bytes_max) {
    const data = encodePassed(passed, added);
    if (data && data.length <= LIMITS.frame_bytes_max) return { frames: [{ data, count }], tooLarge: 0 };
  }
  return framesOf([...eventsPassed(passed), ...added]);
}

/** Frames of events in their order, none above the limits of count and bytes but where it holds one event alone. */
function framesOf(events: readonly Event[]): Framed {
  const frames: Output[] = [];
  let tooLarge = 0;
  const add = (part: readonly Event[]): void => {
    const data = encodeEvents(part);
    if (part.length > 1 && data.length > LIMITS.frame_bytes_max) {
      add(part.slice(0, part.length >> 1));
      add(part.slice(part.length >> 1));
    } else if (data.length > LIMITS.broker_payload_bytes_max - LIMITS.event_room_bytes) {
      tooLarge++;
      for (const rejection of rejectionsOf(part[0]!, data.length)) add([rejection]);
    } else frames.push({ data, count: part.length });
  };
  let part: Event[] = [];
  let bytes = 0;
  for (const event of events) {
    const size = bytesOfEvent(event);
    if (part.length > 0 && (part.length >= LIMITS.frame_events_max || bytes + size > LIMITS.frame_bytes_max)) {
      add(part);
      part = [];
      bytes = 0;
    }
    part.push(event);
    bytes += size;
  }
  if (part.length > 0) add(part);
  return { frames, tooLarge };
}

/** What stands for an event that no frame can carry: the event as JSON, in parts. The first keeps its number, so that a rejection is no gap. */
function rejectionsOf(event: Event, size: number): Event[] {
  const original = Buffer.from(eventJson(event));
  const parts = Math.ceil(original.length / LIMITS.rejected_part_bytes_max);
  const { id, source, time, session, project, producer, epoch, n } = event;
  return Array.from({ length: parts }, (_, part) =>
    currentGuard().protect({
      id: derivedId(time, "too_large", id, part),
      type: inputRejected.type,
      v: inputRejected.v,
      source,
      time,
      session,
      project,
      cause: id,
      via: "weir",
      ...(part === 0 ? { producer, epoch, n } : {}),
      data: {
        reason: "too_large",
        detail: `the event takes ${size} bytes, at most ${LIMITS.broker_payload_bytes_max - LIMITS.event_room_bytes} can be passed on`,
        input_type: event.type,
        input_id: id,
        original: original.subarray(part * LIMITS.rejected_part_bytes_max, (part + 1) * LIMITS.rejected_part_bytes_max),
        content_type: "application/json",
        part,
        parts,
        events: part === 0 ? 1 : 0,
      },
    }),
  );
}

/** Bytes of a value in a frame; rather too many than too few. */
function bytesOfValue(value: unknown): number {
  if (typeof value === "string") return Buffer.byteLength(value) + 5;
  if (value instanceof Uint8Array) return value.length + 5;
  return typeof value === "object" && value !== null ? pack(value).length : 9;
}

function bytesOfEvent(event: Event): number {
  let bytes = 0;
  for (const [name] of ENVELOPE_FIELDS) {
    const value = event[name as keyof Event];
    if (value !== undefined) bytes += bytesOfValue(value);
  }
  for (const name in event.data) {
    const value = event.data[name];
    if (value !== undefined) bytes += bytesOfValue(value);
  }
  return bytes;
}

/** The same of a column, which is not worth counting bytes for: a unit of a text takes at most three. */
function bytesOfColumn(values: readonly unknown[] = []): number {
  let bytes = 0;
  for (const value of values) bytes += typeof value === "string" ? value.length * 3 + 5 : bytesOfValue(value);
  return bytes;
}

/** Bytes of the columns that a stage changed. */
function bytesOf({ attributes, fields }: Changes): number {
  let bytes = 0;
  for (const column of attributes) bytes += bytesOfColumn(column); // a list with holes
  for (const column of fields.values()) bytes += bytesOfColumn(column);
  return bytes;
}
