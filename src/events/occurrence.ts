import { derivedId } from "../base/id.ts";
import { LIMITS } from "../base/limits.ts";
import { recall, remember } from "../base/remember.ts";
import { isSealed } from "../base/seal.ts";
import type { Event } from "../define/event.ts";
import { factOf } from "./facts.ts";

/** Assistants of which some source gives calls no id, while another does. */
const CALLS_WITHOUT_ID: ReadonlySet<string> = new Set(["gemini-cli", "copilot", "cursor"]);
/** Assistants of which some source gives prompts no id, while another does. */
const PROMPTS_WITHOUT_ID: ReadonlySet<string> = new Set(["gemini-cli", "copilot", "codex"]);

/** What one source told of equal calls or prompts: how many began, and which of them did not end yet. */
interface Count {
  begun: number;
  readonly open: number[];
}

/** Which calls and prompts were met, for those that sources give no id. Plain bounded data. */
export interface Occurrences {
  readonly counts: Map<string, Count>;
  /** The key of the fact, by session, what was given, and the how-manieth it is; by the assistant's id of a call; and by the event, which may come again. */
  readonly keys: Map<string, string>;
}

const MAX = LIMITS.state_entries_max;

/** Nothing met yet. */
export const noOccurrences = (): Occurrences => ({ counts: new Map(), keys: new Map() });

/** Equal calls that are open at once, of which the first ones are forgotten. */
const OPEN_MAX = 32;
/** As much of a text as is compared: sources cut long ones in different places. */
const TEXT_CHARS = 2_000;

/**
 * The key of a call or prompt that a source may give no id: of equal ones in a session the first that a hook tells is the first that a session file or
 * the telemetry tells. Whichever source comes first decides the key, the others find it. Undefined where ids decide. Texts that are not told or encrypted
 * cannot be compared: there calls of one tool count as equal, and prompts of one length.
 */
export function occurrenceKey(known: Occurrences, event: Event): string | undefined {
  const { id, type, session, assistant = "" } = event;
  if (session === undefined || !TYPES.has(type)) return undefined;
  const told = known.keys.get(id);
  if (told !== undefined) return told;
  const key = firstKey(known, event, session, assistant);
  if (key !== undefined) remember(known.keys, id, key, MAX);
  return key;
}

function firstKey(known: Occurrences, event: Event, session: string, assistant: string): string | undefined {
  const { type } = event;
  const data = event.data as Readonly<Record<string, unknown>>;
  if (type === "prompt.submitted") {
    if (!PROMPTS_WITHOUT_ID.has(assistant)) return undefined;
    const { text, chars } = data;
    if (isTold(text)) return keyOf(known, event, `prompt ${session} ${hashOf(text.slice(0, TEXT_CHARS))}`, "whole");
    return typeof chars === "number" ? keyOf(known, event, `prompt ${session} ? ${chars}`, "whole") : undefined;
  }
  const phase = PHASES[type];
  if (phase === undefined || !CALLS_WITHOUT_ID.has(assistant)) return undefined;
  const byId = typeof data.call_id === "string" ? `id ${session} ${data.call_id}` : undefined;
  const held = byId === undefined ? undefined : known.keys.get(byId);
  if (held !== undefined) return held;
  const { input } = data;
  const what = `tool ${session} ${String(data.tool)}`;
  const key = isTold(input)
    ? keyOf(known, event, `${what} ${hashOf(canonical(input))}`, byId ? "whole" : phase)
    : byId === undefined // an id says more than the order of calls that may be unlike
      ? keyOf(known, event, `${what} ?`, phase)
      : undefined;
  const fact = key ?? event.fact ?? factOf(event);
  if (byId !== undefined && fact !== undefined) remember(known.keys, byId, fact, MAX);
  return fact;
}

const isTold = (text: unknown): text is string => typeof text === "string" && !isSealed(text);

const PHASES: Readonly<Record<string, "begin" | "end">> = {
  "tool.started": "begin",
  "tool.called": "end",
  "tool.denied": "end",
};

const TYPES: ReadonlySet<string> = new Set(["prompt.submitted", ...Object.keys(PHASES)]);

function keyOf(known: Occurrences, event: Event, what: string, phase: "begin" | "end" | "whole"): string {
  const counted = `${event.via ?? ""} ${what}`;
  let count = recall(known.counts, counted, MAX);
  if (!count) {
    count = { begun: 0, open: [] };
    remember(known.counts, counted, count, MAX);
  }
  // an end belongs to what began last, where no id says so; a source that tells ends alone counts these
  const nth = (phase === "end" ? count.open.pop() : undefined) ?? ++count.begun;
  if (phase === "begin") count.open.push(nth);
  if (count.open.length > OPEN_MAX) count.open.shift();
  const place = `${what} ${nth}`;
  const held = recall(known.keys, place, MAX);
  if (held !== undefined) return held;
  const own = event.fact ?? factOf(event) ?? `${what.slice(0, what.indexOf(" "))}:${hashOf(place)}`;
  remember(known.keys, place, own, MAX);
  return own;
}

const hashOf = (text: string): string => derivedId(0, text).slice(15);

/** JSON in one form, whatever the order of its keys. */
function canonical(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), (_, value: unknown) => {
      if (typeof value === "string") return value.slice(0, TEXT_CHARS);
      if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
      return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
    });
  } catch {
    return text;
  }
}
