import { LIMITS } from "../../base/limits.ts";
import { redactTextCold, redactValueCold } from "../../base/redact/cold.ts";

/**
 * One payload as an assistant's hook gave it, without secrets and with long texts cut, as it waits on disk. What it means is decided by whoever
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
  /** Size of the payload in bytes. */
  readonly bytes: number;
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

/** The record of a payload. `bytes` is its size; `data` may hold the beginning only. Never throws. */
export function recordOf(origin: HookOrigin, data: Buffer, bytes: number = data.length): string {
  const { id, assistant, event, at } = origin;
  const head = { id, assistant, event, at, bytes };
  const text = data.toString("utf8").replace(/^\uFEFF/, "");
  if (bytes === data.length && bytes <= LIMITS.hook_body_bytes_max) {
    try {
      const line = JSON.stringify({ ...head, payload: redactValueCold(JSON.parse(text), shorten) });
      if (line.length <= LIMITS.hook_record_chars_max) return line;
    } catch {
      // no JSON: kept as text
    }
  }
  return JSON.stringify({ ...head, raw: redactTextCold(shorten(text)) });
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
