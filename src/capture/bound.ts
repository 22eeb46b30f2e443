import { createHash } from "node:crypto";
import { LIMITS } from "../base/limits.ts";

/** Half of a UTF-16 pair without its other half: no UTF-8 form exists for it. */
const LONE = /\p{Surrogate}/gu;

/** Text without lone surrogates, so that every encoder and database takes it. */
const wellFormed = (text: string): string => text.replace(LONE, "\uFFFD");

/** The longest start of at most `max` UTF-16 units that does not end inside a code point. */
function startOf(text: string, max: number): string {
  const last = text.charCodeAt(max - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? max - 1 : max);
}

/**
 * Text of at most `max` UTF-16 units. Longer text is cut between code points and says how much is missing:
 * `boundText("a".repeat(100), 30)` ends in ` … [92 characters cut]`.
 */
export function boundText(text: string, max: number): string {
  if (text.length <= max) return wellFormed(text);
  // the note's length depends on the number in it, which is at most the whole length
  const room = max - ` … [${text.length} characters cut]`.length;
  if (room <= 0) return wellFormed(startOf(text, Math.max(0, max)));
  const kept = startOf(text, room);
  return `${wellFormed(kept)} … [${text.length - kept.length} characters cut]`;
}

/** A key of at most `max` UTF-16 units: longer ones end in a hash of the whole, so that different keys stay different. */
export function boundKey(key: string, max: number): string {
  const clean = wellFormed(key);
  if (clean.length <= max) return clean;
  const hash = createHash("sha256").update(clean).digest("hex").slice(0, 32);
  return `${wellFormed(startOf(clean, max - 33))}~${hash}`;
}

/** Text of a foreign field, cut to the length it may have; undefined where it is none. */
export const short = (value: unknown, max: number): string | undefined =>
  typeof value === "string" && value !== "" ? boundText(value, max) : undefined;

/** An id of a foreign format, within the length an id may have. */
export const idText = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? boundKey(value, 128) : undefined;

interface Cut {
  readonly chars: number;
  readonly items: number;
  readonly depth: number;
}

/** A copy of a JSON value with long texts, lists and objects cut inside; what is missing is said where it was. */
function cut(value: unknown, to: Cut): unknown {
  if (typeof value === "string") return boundText(value, to.chars);
  if (value === null || typeof value !== "object") return value;
  if (to.depth === 0) return "[deeper levels cut]";
  const inner = { ...to, depth: to.depth - 1 };
  if (Array.isArray(value)) {
    const kept = value.slice(0, to.items).map((item) => cut(item, inner));
    return value.length > to.items ? [...kept, `[${value.length - to.items} items cut]`] : kept;
  }
  const entries = Object.entries(value);
  const kept = entries
    .slice(0, to.items)
    .map(([key, item]) => [boundKey(key, Math.max(64, to.chars)), cut(item, inner)]);
  if (entries.length > to.items) kept.push(["…", `[${entries.length - to.items} keys cut]`]);
  return Object.fromEntries(kept);
}

/** JSON text of any value; undefined where it is nested too deep to be written. */
function write(value: unknown): string | undefined {
  try {
    return JSON.stringify(value) ?? "null";
  } catch {
    return undefined; // deeper than the stack: the caller cuts levels
  }
}

/** Escapes JSON.stringify writes for lone surrogates, which not every JSON reader takes. */
const ESCAPED_SURROGATE = /\\ud[89a-f]/;

/**
 * Valid JSON text of at most `max` UTF-16 units. A value that is too large keeps its shape as long as possible: its long texts,
 * lists and objects are cut inside, more and more until it fits.
 */
export function boundJson(value: unknown, max: number): string {
  const whole = write(value);
  if (whole !== undefined && whole.length <= max && !ESCAPED_SURROGATE.test(whole)) return whole;
  const levels = [LIMITS.json_depth_max, 8, 3];
  for (const depth of levels) {
    for (let chars = max; chars >= 32; chars = Math.floor(chars / 2)) {
      const items = Math.min(LIMITS.json_keys_max, Math.max(4, chars));
      const text = write(cut(value, { chars, items, depth }));
      if (text !== undefined && text.length <= max) return text;
    }
  }
  return max >= 16 ? '"[value cut]"' : "null";
}

/** Size of a value as JSON in UTF-8; undefined where it is nested too deep to be written. */
export function jsonBytes(value: unknown): number | undefined {
  const text = write(value);
  return text === undefined ? undefined : Buffer.byteLength(text);
}
