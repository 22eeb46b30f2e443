import { derivedId } from "../base/id.ts";
import type { Draft, Event } from "../define/event.ts";
import { ENVELOPE_FIELDS } from "../define/event.ts";
import { faultOf } from "../define/field.ts";
import type { Processor } from "../define/processor.ts";
import { definitionOf } from "../events/catalog.ts";
import { inputRejected } from "../events/flow.ts";
import { currentGuard } from "../events/guard.ts";
import { Changes, type Passed } from "../wire/encode.ts";
import type { Frame } from "../wire/frame.ts";

const ATTRIBUTE = new Map(ENVELOPE_FIELDS.map(([name], k) => [name as string, k]));

/** What a processor made of one frame. */
export interface Stepped {
  /** The frame with its changes, for processors that pass events on. */
  readonly passed: Passed | undefined;
  readonly emitted: readonly Event[];
  readonly taken: number;
  readonly rejected: number;
  readonly repeated: number;
}

/** The finished event of a draft that a processor emitted: id, cause, session and trace follow from the event that led to it. */
function emittedEvent(processor: string, cause: Event, index: number, draft: Draft): Event {
  const time = draft.time ?? cause.time;
  return finished(processor, cause, draft, derivedId(time, processor, cause.id, index, ...subjectOf(draft)), time);
}

/** What a draft is about tells drafts apart that one event leads to each time it comes: it may come again under another number. */
const subjectOf = (draft: Draft): string[] => (draft.subject === undefined ? [] : [draft.subject]);

/**
 * The same for a draft on an event that was rejected, whose attributes may be anything: only sound ones are taken over, and the time is that of
 * its arrival. `row` tells inputs without an id apart.
 */
function rejectedEvent(
  processor: string,
  rejected: Event,
  index: number,
  draft: Draft,
  arrived_us: number,
  row: number,
): Event {
  const cause = sound(rejected);
  const id = derivedId(
    Math.min(cause.time ?? arrived_us, arrived_us),
    processor,
    cause.id ?? `${arrived_us} ${row}`,
    index,
    ...subjectOf(draft),
  );
  // what stands for a rejected event keeps its number, so that a rejection is no gap
  const number = draft.type === inputRejected.type ? { producer: cause.producer, epoch: cause.epoch, n: cause.n } : {};
  return { ...finished(processor, cause, draft, id, draft.time ?? arrived_us), ...number };
}

function sound(event: Event): Partial<Event> {
  const out: Record<string, unknown> = {};
  for (const [name, info] of ENVELOPE_FIELDS) {
    const value = (event as unknown as Record<string, unknown>)[name];
    if (faultOf({ ...info, optional: true }, value) === undefined) out[name] = value;
  }
  return out;
}

function finished(processor: string, cause: Partial<Event>, draft: Draft, id: string, time: number): Event {
  return {
    ...draft,
    id,
    v: definitionOf(draft.type)?.v ?? 1,
    source: draft.source ?? `weir://${processor}`,
    time,
    cause: draft.cause ?? cause.id,
    session: draft.session ?? cause.session,
    traceparent: draft.traceparent ?? cause.traceparent,
    via: draft.via ?? "weir",
  };
}

/** Runs a frame through a processor: the one loop used live, in replay and in tests. */
export function stepFrame<S>(
  name: string,
  processor: Processor<S>,
  state: S,
  frame: Frame,
  arrived_us: number,
): Stepped {
  const changes = processor.passes ? frame.groups.map((group) => new Changes(group)) : undefined;
  const wanted = frame.groups.map((group) => processor.on === "all" || processor.on.some((d) => d.type === group.type));
  const emitted: Event[] = [];
  let taken = 0;
  let rejected = 0;
  let repeated = 0;
  const arrival = { arrived_us };
  const single = frame.groups.length === 1;
  if (!wanted.includes(true)) return { passed: changes && { frame, changes }, emitted, taken, rejected, repeated };
  frame.forEach((group, row) => {
    const g = single ? 0 : frame.groups.indexOf(group);
    if (!wanted[g]) return;
    taken++;
    const event = group.event(row);
    const outcome = processor.step(state, event, arrival);
    if (!outcome) return;
    const change = changes?.[g];
    if (outcome.emit) {
      outcome.emit.forEach((draft, index) => {
        emitted.push(
          outcome.drop === "rejected"
            ? currentGuard().protect(rejectedEvent(name, event, index, draft, arrived_us, row))
            : emittedEvent(name, event, index, draft),
        );
      });
    }
    if (!change) return;
    if (outcome.drop) {
      change.drop(row);
      if (outcome.drop === "rejected") rejected++;
      else repeated++;
      return;
    }
    if (outcome.set) for (const key in outcome.set) change.setAttribute(ATTRIBUTE.get(key)!, row, outcome.set[key]);
    if (outcome.data) for (const key in outcome.data) change.setField(key, row, outcome.data[key]);
  });
  return { passed: changes && { frame, changes }, emitted, taken, rejected, repeated };
}
