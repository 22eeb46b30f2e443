import { WeirError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";

/** The streams an event passes, each with the subjects it takes. */
export const STREAM_SUBJECTS = {
  WEIR_IN: "weir.in.*",
  WEIR_VALID: "weir.valid.*",
  WEIR_EVENTS: "weir.ev.*.*",
} as const;

/** Name of one of weir's streams. */
export type StreamName = keyof typeof STREAM_SUBJECTS;

/** Where instances tell each other which partitions they work on. No stream takes it. */
export const INSTANCES_SUBJECT = "weir.instances";

/** The text, if it can be one token of a subject. The client would send `a.*` as it is and the server store it literally. */
export function subjectToken(text: string): string {
  if (/^[A-Za-z0-9_-]+$/.test(text) && text.length <= LIMITS.token_chars_max) return text;
  throw new WeirError("bad_input", `${JSON.stringify(text.slice(0, 80))} cannot be part of a subject`, {
    hint: `use letters, digits, _ and -, ${LIMITS.token_chars_max} at most`,
  });
}

/** The partition of a session id, or of a source where there is no session: FNV-1a (32 bit) of its UTF-8 bytes. Never changes. */
export function partitionOf(key: string, partitions: number): number {
  if (partitions === 1) return 0;
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(key, "utf8")) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0) % partitions;
}

function partitionToken(partition: number): string {
  if (Number.isSafeInteger(partition) && partition >= 0) return String(partition);
  throw new WeirError("bad_input", `${partition} is no partition`);
}

/** Subject of what producers send. */
export const inSubject = (partition: number): string => `weir.in.${partitionToken(partition)}`;

/** Subject of what the processor `validate` lets through. */
export const validSubject = (partition: number): string => `weir.valid.${partitionToken(partition)}`;

/** Subject of the event log; `writer` is the processor that writes there. */
export const eventsSubject = (writer: string, partition: number): string =>
  `weir.ev.${subjectToken(writer)}.${partitionToken(partition)}`;
