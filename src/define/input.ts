import { usFromIso } from "../base/clock.ts";
import { WeirError } from "../base/errors.ts";
import { type FieldInfo, type Fields, faultOf, fieldList, type ShapeOf } from "./field.ts";

const UNIT_US: Readonly<Record<string, number>> = {
  s: 1_000_000,
  m: 60_000_000,
  h: 3_600_000_000,
  d: 86_400_000_000,
  w: 604_800_000_000,
};
/** Smaller numbers are no microseconds of any year weir knows, but seconds or milliseconds by mistake. */
const TIME_US_MIN = 100_000_000_000_000;
const ISO = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?$/i;
/** Faults that one message names; the rest is counted. */
const FAULTS_MAX = 10;

/** What a text means as a value of a field; the text itself where it means nothing, so that the check names it. */
function fromText(info: FieldInfo, text: string, now_us: number): unknown {
  const trimmed = text.trim();
  switch (info.kind) {
    case "int":
      return /^[+-]?\d{1,16}$/.test(trimmed) ? Number(trimmed) : text;
    case "float":
      return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(trimmed) ? Number(trimmed) : text;
    case "bool":
      if (/^(true|yes|on|1)$/i.test(trimmed)) return true;
      return /^(false|no|off|0)$/i.test(trimmed) ? false : text;
    case "time":
      return timeFromText(trimmed, now_us) ?? text;
    case "list":
      return trimmed.startsWith("[") ? (jsonOf(trimmed) ?? text) : trimmed.split(",").map((part) => part.trim());
    default:
      return text;
  }
}

function timeFromText(text: string, now_us: number): number | undefined {
  if (/^now$/i.test(text)) return now_us;
  const ago = /^-?(\d{1,9})\s*([smhdw])$/i.exec(text);
  if (ago) return Math.max(0, now_us - Number(ago[1]) * UNIT_US[ago[2]!.toLowerCase()]!);
  if (/^\d{1,17}$/.test(text)) return Number(text);
  if (!ISO.test(text)) return undefined;
  // a time without a zone is UTC, as in every table
  const zoned = /([Z]|[+-]\d\d:?\d\d)$/i.test(text) || text.length === 10 ? text : `${text}Z`;
  return usFromIso(zoned.replace(" ", "T").replace(",", "."));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the caller tells what is wrong with the text
  }
}

function coerce(info: FieldInfo, given: unknown, now_us: number): unknown {
  if (info.kind === "bytes" && typeof given === "string") return Buffer.from(given, "base64");
  if (typeof given === "string") return fromText(info, given, now_us);
  if (info.kind === "json" && typeof given === "object" && given !== null) return JSON.stringify(given);
  return given;
}

function faultIn(info: FieldInfo, value: unknown): string | undefined {
  const fault = faultOf(info, value);
  if (info.kind === "time") {
    if (fault)
      return "is no time: write ISO 8601 (2026-11-20 or 2026-11-20T08:00:00Z), how long ago (24h, 7d), or microseconds since 1970";
    return value !== 0 && (value as number) < TIME_US_MIN
      ? "is too small for microseconds since 1970; write ISO 8601 or how long ago (24h, 7d)"
      : undefined;
  }
  if (!fault && info.kind === "json" && jsonOf(value as string) === undefined) return "is no JSON";
  return fault;
}

/**
 * The input of a query or a command from what a surface was given: texts of a URL or a command line become numbers, booleans, lists and
 * times (`now_us` is what "7d" counts back from); unknown names and every wrong value are told together in one WeirError `bad_input`,
 * with `prefix` before each name. Null stands for absent, and so does empty text where the field is optional.
 */
export function parseInput<F extends Fields>(
  fields: F,
  raw: unknown,
  now_us: number,
  { prefix = "" }: { prefix?: string } = {},
): ShapeOf<F> {
  const faults: string[] = [];
  if (raw !== undefined && raw !== null && (typeof raw !== "object" || Array.isArray(raw))) {
    throw new WeirError("bad_input", "the arguments are not an object with names");
  }
  const given = (raw ?? {}) as Readonly<Record<string, unknown>>;
  const names = Object.keys(fields);
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(fields, name) && given[name] !== undefined)
      faults.push(`${prefix}${shown(name)} is no argument${suggestion(name, names)}`);
  }
  const out: Record<string, unknown> = {};
  for (const [name, info] of fieldList(fields)) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (value === undefined || value === null || (value === "" && info.optional)) {
      if (!info.optional) faults.push(`${prefix}${name} is missing: ${info.about}`);
      continue;
    }
    const coerced = coerce(info, value, now_us);
    const fault = faultIn(info, coerced);
    if (fault) faults.push(`${prefix}${name}=${shown(value)} ${fault}`);
    else out[name] = coerced;
  }
  if (faults.length > 0) throw badInput(faults, names);
  return out as ShapeOf<F>;
}

function badInput(faults: readonly string[], names: readonly string[]): WeirError {
  const more = faults.length > FAULTS_MAX ? `; and ${faults.length - FAULTS_MAX} more` : "";
  const hint = names.length === 0 ? "it takes no arguments" : `it takes ${names.join(", ")}`;
  return new WeirError("bad_input", faults.slice(0, FAULTS_MAX).join("; ") + more, { hint });
}

/** A value as a message shows it: short, on one line. */
function shown(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
  const clean = text.replace(/[\p{C}]/gu, "?");
  return clean.length > 60 ? `${clean.slice(0, 60)}…` : clean;
}

/** ` (did you mean X?)`, where a name is close. */
export function suggestion(name: string, names: readonly string[]): string {
  const short = name.slice(0, 64).toLowerCase();
  const near = names
    .map((known) => [known, distance(short, known)] as const)
    .filter(([known, d]) => d <= Math.max(1, Math.floor(known.length / 3)))
    .sort((a, b) => a[1] - b[1])[0];
  return near ? ` (did you mean ${near[0]}?)` : "";
}

/** Edits between two short texts (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length]!;
}
