import type { Keys } from "../../base/keys.ts";
import { LIMITS } from "../../base/limits.ts";
import { type Choice, type Policy, stricter } from "../../base/privacy.ts";
import { redactTextCold, redactValueCold } from "../../base/redact/cold.ts";
import { openSealed, seal } from "../../base/seal.ts";
import { outlineOf, ownerOf } from "./outline.ts";
import { outlineFor } from "./outlines.ts";

/**
 * One payload as an assistant's hook gave it, without what its project does not let be kept and with long texts cut, as it waits on disk. What it means is decided by whoever
 * takes it, so that the program in the assistant's way knows nothing of events.
 */
export interface HookRecord {
  /** What identifies it: taken twice, it makes the same events. */
  readonly id: string;
  readonly assistant: string;
  /** Kind of payload, where the command says it because the payload does not. */
  readonly event?: string | undefined;
  /** When it arrived, in microseconds. */
  readonly at: number;
  /** The payload, where it was JSON. */
  readonly payload?: unknown;
  /** The beginning of a payload that was no JSON or too large. */
  readonly raw?: string;
  /** Session of a payload that is encrypted. */
  readonly session?: string;
  /** `payload` or `raw`, encrypted with the session's key. */
  readonly sealed?: string;
  /** Size of the payload in bytes. */
  readonly bytes: number;
}

/** Where it is looked up what may be kept of a payload. */
export interface RecordPrivacy {
  readonly policy: () => Policy;
  readonly keys: Keys;
  /** Takes out what weir itself signs in with, which no level lets be kept. */
  readonly withoutOwn: (text: string) => string;
}

/** What precedes a payload: which assistant, and when. */
export interface HookOrigin {
  readonly id: string;
  readonly assistant: string;
  readonly event?: string | undefined;
  readonly at: number;
}

/** Longest end of a cut text that may be the beginning of a secret whose rest was cut off. */
const TAIL_CHARS_MAX = 512;

/** The beginning of a long text. The word at the cut is left out: half of a token is not recognised as one. */
function shorten(text: string): string {
  const max = LIMITS.hook_text_chars_max;
  if (text.length <= max) return text;
  const tail = /[^\s"'`<>]{0,512}$/.exec(text.slice(max - TAIL_CHARS_MAX, max))?.[0].length ?? 0;
  const kept = text.slice(0, max - tail);
  return `${kept} … [${text.length - kept.length} characters cut]`;
}

/**
 * The record of a payload, as far as its project lets it be kept. `bytes` is its size; `data` may hold the beginning only. Never throws for what a payload
 * holds.
 */
export function recordOf(
  origin: HookOrigin,
  data: Buffer,
  bytes: number = data.length,
  privacy?: RecordPrivacy,
): string {
  const { id, assistant, event, at } = origin;
  const head = { id, assistant, event, at, bytes };
  const text = data.toString("utf8").replace(/^\uFEFF/, "");
  if (bytes === data.length && bytes <= LIMITS.hook_body_bytes_max) {
    try {
      const payload = JSON.parse(text) as unknown;
      const { session, choice } = choiceOf(payload, assistant, privacy);
      const kept =
        choice.level === "metadata"
          ? redactValueCold(outlineOf(payload, outlineFor(assistant), event))
          : choice.level === "full"
            ? textsOf(payload, (t) => privacy!.withoutOwn(shorten(t)))
            : redactValueCold(payload, shorten);
      const line = lineFor(head, { payload: kept }, session, choice, privacy);
      if (line.length <= LIMITS.hook_record_chars_max) return line;
    } catch {
      // no JSON: kept as text
    }
  }
  const choice = privacy?.policy().unknown ?? PLAIN_RECORD;
  if (choice.level === "metadata") return JSON.stringify(head);
  return lineFor(head, { raw: redactTextCold(shorten(text)) }, undefined, choice, privacy);
}

const PLAIN_RECORD: Choice = { level: "redacted", encrypt: false };
const FORGOTTEN_RECORD: Choice = { level: "metadata", encrypt: false };

/** What holds for a payload: by its folder, and by the folder its transcript belongs to where that is stricter. */
function choiceOf(
  payload: unknown,
  assistant: string,
  privacy: RecordPrivacy | undefined,
): { session?: string; choice: Choice } {
  if (!privacy) return { choice: PLAIN_RECORD };
  const { session, folder, transcript } = ownerOf(payload, outlineFor(assistant));
  if (session !== undefined && privacy.keys.anyForgotten() && privacy.keys.forgotten(session))
    return { session, choice: FORGOTTEN_RECORD };
  const policy = privacy.policy();
  if (policy.plain) return { choice: PLAIN_RECORD };
  const choice = policy.of(folder);
  const other = policy.ofTranscript(transcript);
  return { ...(session === undefined ? {} : { session }), choice: other ? stricter(choice, other) : choice };
}

/** The record as JSON: in clear, or encrypted where that was chosen. Where there is no key to be had, nothing is kept but that it came. */
function lineFor(
  head: Omit<HookRecord, "payload" | "raw">,
  kept: Pick<HookRecord, "payload" | "raw">,
  session: string | undefined,
  choice: Choice,
  privacy: RecordPrivacy | undefined,
): string {
  if (!privacy || !choice.encrypt || choice.level === "metadata") return JSON.stringify({ ...head, ...kept });
  const named = session === undefined ? head : { ...head, session };
  try {
    const found = privacy.keys.keyFor(session ?? "");
    if (!found) return JSON.stringify(named);
    return JSON.stringify({ ...named, sealed: seal(found.key, found.id, head.id, JSON.stringify(kept)) });
  } catch {
    return JSON.stringify(named);
  }
}

/** A record with what is encrypted in it opened; where the key is gone, nothing is left but that it came. */
export function openRecord(record: HookRecord, keys: Keys): HookRecord {
  if (record.sealed === undefined) return record;
  const { sealed, ...head } = record;
  try {
    return { ...head, ...(JSON.parse(openSealed(sealed, keys.keyOf)) as Pick<HookRecord, "payload" | "raw">) };
  } catch {
    return head;
  }
}

/** A payload with each of its texts changed, and nothing else. */
function textsOf(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === "string") return change(value);
  if (Array.isArray(value)) return value.map((item) => textsOf(item, change));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, textsOf(item, change)]));
}

/** A record as a line of the spool: its length in bytes, so that a torn one is known, then itself. */
export function lineOf(record: string): Buffer {
  const body = Buffer.from(record, "utf8");
  // the first newline ends what a broken write may have left
  return Buffer.concat([Buffer.from(`\n${body.length} `, "latin1"), body, Buffer.from("\n", "latin1")]);
}

/** The record in a line of the spool; undefined where the line is torn or none. */
export function readLine(line: string): HookRecord | undefined {
  const gap = line.indexOf(" ");
  const body = line.slice(gap + 1);
  if (gap < 1 || gap > 10 || Number(line.slice(0, gap)) !== Buffer.byteLength(body)) return undefined;
  try {
    const record = JSON.parse(body) as HookRecord;
    const whole =
      typeof record.id === "string" && typeof record.assistant === "string" && Number.isSafeInteger(record.at);
    return whole ? record : undefined;
  } catch {
    return undefined;
  }
}
