import { createHmac, randomBytes, randomInt } from "node:crypto";
import { crc32 } from "node:zlib";

export const LOWER = "abcdefghijklmnopqrstuvwxyz";
export const UPPER = LOWER.toUpperCase();
export const DIGITS = "0123456789";
export const BASE62 = DIGITS + UPPER + LOWER;
export const HEX = `${DIGITS}abcdef`;
export const BASE32 = `${UPPER}234567`;

export const draw = (alphabet: string, length: number): string =>
  Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join("");
export const hex = (length: number): string => draw(HEX, length);
/** With a digit in it for sure, as nearly every key of this length has one. */
export const base62 = (length: number): string => {
  const drawn = draw(BASE62, length);
  const at = randomInt(length);
  return /[0-9]/.test(drawn) ? drawn : drawn.slice(0, at) + draw(DIGITS, 1) + drawn.slice(at + 1);
};
export const url64 = (length: number): string => randomBytes(length).toString("base64url").slice(0, length);
export const b64 = (bytes: number): string => randomBytes(bytes).toString("base64");
export const uuid = (): string => `${hex(8)}-${hex(4)}-4${hex(3)}-${draw("89ab", 1)}${hex(3)}-${hex(12)}`;
/** A password as a manager makes it: letters and digits, both for sure. */
export const password = (length = 14): string => `${base62(length - 2)}${draw(DIGITS, 1)}${draw(LOWER, 1)}`;
/** One with signs that mean nothing to shells, URLs and quotes. */
export const signed = (): string => `${base62(7)}!${base62(4)}_${draw(DIGITS, 2)}`;

export const toBase62 = (value: number): string => {
  let out = "";
  for (let left = value; left > 0; left = Math.floor(left / 62)) out = BASE62[left % 62]! + out;
  return out.padStart(6, "0");
};
/** GitHub's and npm's form: thirty characters and the checksum of them, as GitHub described it in 2021. */
export const checked = (prefix: string): string => {
  const body = base62(30);
  return prefix + body + toBase62(crc32(body));
};
export const jwt = (): string => {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const body = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub: draw(DIGITS, 10), name: "Ada", iat: 1_790_000_000 })}`;
  return `${body}.${createHmac("sha256", randomBytes(32)).update(body).digest("base64url")}`;
};

/** How a secret is made. */
export type Make = () => string;
