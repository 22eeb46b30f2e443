/*
 * What is kept of a payload at the level `metadata`, where nothing that a person wrote or a tool printed may be. The program in the assistant's way knows
 * nothing of events, so each assistant says in an `outline.ts` of its own, beside its mapping, what of its payloads is no such text. A test holds what is left
 * against the catalogue and against what the mapping makes of the whole payload.
 */

import { isLoose, type Loose } from "../loose.ts";

/** What is kept of a value; undefined: nothing. `payload` is the whole of it. */
export type Rule = (value: unknown, payload: Loose) => unknown;
/** Names of fields that are kept, each with what is kept of it. */
export type Shape = Readonly<Record<string, Rule>>;

/** What one assistant's payloads hold beside texts. Paths are names with dots between. */
export interface Outline {
  /** Where the session stands; the first that is there holds. */
  readonly session: readonly string[];
  /** Where it stands in payloads of some kinds only. */
  readonly sessionOf?: Readonly<Record<string, string>>;
  /** Where the folder stands that the session works in. */
  readonly folder: readonly string[];
  /** Where the path of the transcript stands. */
  readonly transcript: readonly string[];
  /** Where the kind of payload stands, if not in what calls the hook. */
  readonly kind: readonly string[];
  /** What is kept of every payload. Numbers and truth values beside it are kept by themselves. */
  readonly kept: Shape;
  /** What is kept of payloads of some kinds besides. */
  readonly keptOf?: Readonly<Record<string, Shape>>;
}

const CHARS_MAX = 65_536; // as `hook_text_chars_max`: sizes of longer texts are told as this

/** Text as long as what it stands for, so that whoever counts it finds the same. */
const filler = (length: number): string => "x".repeat(Math.max(0, Math.min(length, CHARS_MAX)));
const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value) ?? "");
const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** A name, id, path, word or number; of an object the one text that names it. */
export const name: Rule = (value) => {
  if (!isLoose(value)) return Array.isArray(value) ? undefined : value;
  return Object.fromEntries(
    ["level", "name"].filter((key) => typeof value[key] === "string").map((key) => [key, value[key]]),
  );
};
/** A list of them. */
export const names: Rule = (value) =>
  Array.isArray(value) ? value.filter((one) => typeof one === "string") : undefined;
/** How long a prompt is, and whether it is a command. */
export const prompt: Rule = (value) => {
  if (typeof value !== "string") return undefined;
  return /^\/[a-zA-Z]/.test(value) ? `/${filler(value.length - 1)}` : filler(value.length);
};
/** How many bytes something takes as JSON. */
export const size: Rule = (value) => filler(bytesOf(value) - 2);
/** How many lines a text has, and what sign of a patch each begins with. */
export const lines: Rule = (value) =>
  typeof value === "string" ? value.replace(/[^\n]+/g, (line) => (/^[+-]/.test(line) ? line[0]! : "x")) : undefined;
/** Whether there is something. */
export const there: Rule = (value) => (value === null || value === "" ? value : true);
/** Fields of an object. */
export const fields =
  (shape: Shape): Rule =>
  (value, payload) =>
    isLoose(value) ? fieldsOf(value, shape, payload) : undefined;
/** Every item of a list; of one that nothing is kept of, its place. */
export const each =
  (rule: Rule): Rule =>
  (value, payload) =>
    Array.isArray(value) ? value.map((item) => rule(item, payload) ?? {}) : undefined;

/** Names under which tools of the assistants are given the file they are about. */
export const PATHS: readonly string[] = ["file_path", "notebook_path", "filePath", "absolute_path"];
const inputShape: Shape = Object.fromEntries(
  PATHS.map((path) => [path, (value: unknown) => (typeof value === "string" ? value : undefined)]),
);
/** A tool's input, which may be JSON in a text: the file it is about, and its size. */
export const input: Rule = (value, payload) => {
  const about = typeof value === "string" && value.startsWith("{") ? parsed(value) : value;
  return isLoose(about) ? padded(fieldsOf(about, inputShape, payload), bytesOf(about)) : size(value, payload);
};
/** What a tool answered, which may be JSON in a text: some of its fields, and its size. */
export const answer =
  (shape: Shape): Rule =>
  (value, payload) => {
    const text = typeof value === "string" && value.startsWith("{");
    const about = text ? parsed(value) : value;
    const kept = isLoose(about) ? fieldsOf(about, shape, payload) : {};
    if (Object.keys(kept).length === 0) return size(value, payload);
    if (!text) return padded(kept, bytesOf(value));
    const least = bytesOf(JSON.stringify({ ...kept, _: "" }));
    const more = bytesOf(value) - least;
    return JSON.stringify(more > 0 ? { ...kept, _: filler(more) } : kept);
  };

/** What is kept of an object, and beside it as much as makes it as large as it was. */
function padded(kept: Loose, bytes: number): Loose {
  const more = bytes - bytesOf({ ...kept, _: "" });
  return more > 0 ? { ...kept, _: filler(more) } : kept;
}

function fieldsOf(value: Loose, shape: Shape, payload: Loose): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    const kept = Object.hasOwn(shape, key) ? shape[key]!(item, payload) : undefined;
    if (kept !== undefined) out[key] = kept;
  }
  return out;
}

/** The first text that stands at some paths and is not empty. */
function textAt(payload: Loose, paths: readonly string[]): string | undefined {
  for (const path of paths) {
    let value: unknown = payload;
    for (const key of path.split("."))
      value = typeof value === "object" && value !== null ? (value as Loose)[key] : undefined;
    if (typeof value === "string" && value !== "") return value;
  }
  return undefined;
}

/** Whose a payload is: its session, its folder, and its transcript. */
export function ownerOf(payload: unknown, outline: Outline) {
  const said = isLoose(payload) ? payload : {};
  const kind = textAt(said, outline.kind) ?? "";
  const { session, sessionOf = {} } = outline;
  const more = Object.hasOwn(sessionOf, kind) ? [sessionOf[kind]!] : [];
  return {
    session: textAt(said, [...session, ...more]),
    folder: textAt(said, outline.folder),
    transcript: textAt(said, outline.transcript),
  };
}

/** A payload without what persons wrote and tools printed: names, ids, paths, numbers, outcomes, and how long the rest was. */
export function outlineOf(payload: unknown, outline: Outline, event?: string): unknown {
  if (!isLoose(payload)) return undefined;
  const kind = textAt(payload, outline.kind) ?? event ?? "";
  const { kept, keptOf = {} } = outline;
  const shape = Object.hasOwn(keptOf, kind) ? { ...kept, ...keptOf[kind] } : kept;
  const plain = Object.fromEntries(
    Object.entries(payload).filter(([, value]) => typeof value === "number" || typeof value === "boolean"),
  );
  return { ...plain, ...fieldsOf(payload, shape, payload) };
}

/** A shape that keeps some names, ids and words. */
export const named = (...list: readonly string[]): Shape => Object.fromEntries(list.map((key) => [key, name]));
