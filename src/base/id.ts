import { createHash, randomBytes } from "node:crypto";

/** RFC 9562 text of 16 bytes as version 7: 48 bits of Unix milliseconds, then bits that are random or derived. */
function format(ms: number, rest: Uint8Array): string {
  const time = Math.max(0, Math.floor(ms)).toString(16).padStart(12, "0").slice(-12);
  const hex = Buffer.from(rest.buffer, rest.byteOffset, 10).toString("hex");
  const variant = (0x80 | (rest[2]! & 0x3f)).toString(16).padStart(2, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex.slice(1, 4)}-${variant}${hex.slice(6, 8)}-${hex.slice(8, 20)}`;
}

/** Random hexadecimal digits, made many at a time: an id takes sixteen. */
let digits = "";
let used = 0;
const VARIANT = "89ab89ab89ab89ab";
let lastMs = -1;
let lastTime = "";
let counter = 0;

/**
 * A new UUIDv7 for an event at `time_us` (microseconds since 1970). Ids of one process and millisecond rise (RFC 9562, section 6.2, method 1:
 * twelve bits count from a random start), so that who reads them in order sees at a glance that they are new.
 */
export function newId(time_us: number): string {
  const ms = Math.max(0, Math.floor(time_us / 1000));
  if (used + 17 > digits.length) {
    digits = randomBytes(8_500).toString("hex");
    used = 0;
  }
  if (ms !== lastMs || counter >= 0xfff) {
    const hex = ms.toString(16).padStart(12, "0").slice(-12);
    lastTime = `${hex.slice(0, 8)}-${hex.slice(8)}-7`;
    lastMs = ms;
    counter = Number.parseInt(digits.slice(used, used + 2), 16);
  } else counter++;
  const at = used;
  used += 17;
  return `${lastTime}${counter.toString(16).padStart(3, "0")}-${VARIANT[Number.parseInt(digits[at + 1]!, 16)]}${digits.slice(at + 2, at + 5)}-${digits.slice(at + 5, at + 17)}`;
}

/**
 * A UUIDv7 that the same parts and time always give: SHA-256 of the parts fills the random bits. Import, retries and processors use
 * it, so that doing a thing twice makes the same event.
 */
export function derivedId(time_us: number, ...parts: readonly (string | number)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${String(part).length}:${part},`);
  return format(time_us / 1000, hash.digest());
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether a text is a UUID in lower case, the only form an event's id takes. */
export const isId = (text: string): boolean => text.length === 36 && UUID.test(text);

/** Milliseconds since 1970 in a UUIDv7. */
export const msOfId = (id: string): number => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
