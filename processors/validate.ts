import { LIMITS } from "../src/base/limits.ts";
import { redactText } from "../src/base/redact.ts";
import { recall, remember } from "../src/base/remember.ts";
import { type Draft, ENVELOPE_FIELDS, type Event } from "../src/define/event.ts";
import { type FieldInfo, faultOf } from "../src/define/field.ts";
import { defineProcessor } from "../src/define/processor.ts";
import { checkClock, checkEvent } from "../src/events/check.ts";
import { gapClosed, gapFound, inputRejected } from "../src/events/flow.ts";
import { currentGuard } from "../src/events/guard.ts";
import { eventJson } from "../src/events/plain.ts";

/** The numbering of one producer in one epoch. */
interface Numbering {
  /** Highest number seen. */
  last: number;
  /** Ranges below it that did not come yet. */
  gaps: [number, number][];
  /** Gaps up to this number were forgotten for want of room: what comes from there passes, and the tables tell repeats by their ids. */
  forgotten?: number;
}

interface State {
  readonly numberings: Map<string, Numbering>;
}

/**
 * Lets through what is an event by its definition, with a sane clock, once per number of its producer. What is rejected keeps its bytes.
 * Numbers that are missing are told as gaps, and as closed when they arrive late. Producers outside weir may have let secrets through, or fields
 * that are private in the event's project: they are taken out here, before anybody else reads the event.
 */
export default defineProcessor<State>({
  about:
    "Checks schema, sizes, clock and numbering; rejected input is kept with its reason. Takes out what a producer let through that must not be kept.",
  on: "all",
  emits: [inputRejected, gapFound, gapClosed],
  reads: "in",
  passes: true,
  start: () => ({ numberings: new Map() }),
  step: (state, event, { arrived_us }) => {
    const numbered = countNumber(state, event);
    if (numbered === "repeated") return { drop: "repeated" };
    const fault = checkEvent(event) ?? checkClock(event, arrived_us);
    if (fault)
      return { drop: "rejected", emit: [rejection(event, fault.reason, fault.detail, arrived_us), ...numbered] };
    const kept = currentGuard().changes(event);
    if (numbered.length === 0) return kept;
    return { ...kept, emit: numbered };
  },
});

const NUMBERED = ENVELOPE_FIELDS.filter(
  ([name]) => name === "producer" || name === "epoch" || name === "n",
) as unknown as readonly (readonly ["producer" | "epoch" | "n", FieldInfo])[];
const PROJECT = ENVELOPE_FIELDS.find(([name]) => name === "project")![1];
const NONE: readonly Draft[] = [];

/** Enters the event's number; tells a repeat, or the gaps that opened and closed. */
function countNumber(state: State, event: Event): "repeated" | readonly Draft[] {
  const { producer, epoch, n } = event;
  if (producer === undefined || epoch === undefined || n === undefined) return NONE;
  if (NUMBERED.some(([name, info]) => faultOf(info, event[name]))) return NONE; // the check of fields rejects it
  const key = `${producer} ${epoch}`;
  const known = recall(state.numberings, key, LIMITS.state_entries_max);
  if (!known) {
    remember(state.numberings, key, { last: n, gaps: n > 1 ? [[1, n - 1]] : [] }, LIMITS.state_entries_max);
    return n > 1 ? [gap(gapFound, event, 1, n - 1)] : NONE;
  }
  if (n === known.last + 1) {
    known.last = n;
    return NONE;
  }
  if (n > known.last) {
    const first = known.last + 1;
    known.gaps.push([first, n - 1]);
    forgetGaps(known);
    known.last = n;
    return [gap(gapFound, event, first, n - 1)];
  }
  const k = known.gaps.findIndex(([first, last]) => n >= first && n <= last);
  if (k < 0) return n <= (known.forgotten ?? 0) ? NONE : "repeated";
  const [first, last] = known.gaps[k]!;
  const rest: [number, number][] = [];
  if (first < n) rest.push([first, n - 1]);
  if (n < last) rest.push([n + 1, last]);
  known.gaps.splice(k, 1, ...rest);
  forgetGaps(known);
  return [gap(gapClosed, event, n, n)];
}

/** Keeps the newest gaps only. */
function forgetGaps(known: Numbering): void {
  while (known.gaps.length > LIMITS.gaps_open_max) known.forgotten = known.gaps.shift()![1];
}

const gap = (definition: typeof gapFound | typeof gapClosed, event: Event, first_n: number, last_n: number): Draft => ({
  type: definition.type,
  subject: `${event.producer} ${event.epoch} ${first_n}-${last_n}`,
  data: { of_producer: event.producer!, of_epoch: event.epoch!, first_n, last_n },
});

function rejection(
  event: Event,
  reason: "unknown_type" | "unknown_version" | "invalid" | "clock",
  detail: string,
  arrived_us: number,
): Draft {
  const text = redactText(eventJson(event));
  const original = new TextEncoder().encode(text);
  const session =
    typeof event.session === "string" && event.session.length > 0 && event.session.length <= LIMITS.session_chars_max
      ? event.session
      : undefined;
  const draft = inputRejected.of(
    {
      time: arrived_us,
      source: textOf(event.source, 256),
      ...(session ? { session } : {}),
      ...(faultOf(PROJECT, event.project) ? {} : { project: event.project }),
    },
    {
      reason,
      detail: detail.slice(0, 2_000),
      input_type: event.type.slice(0, 256),
      input_id: textOf(event.id, 256),
      original: original.subarray(0, LIMITS.rejected_part_bytes_max),
      content_type: "application/json",
      events: 1,
    },
  );
  return draft;
}

const textOf = (value: unknown, max: number): string =>
  typeof value === "string" && value.length > 0 ? value.slice(0, max) : "weir://unknown";
