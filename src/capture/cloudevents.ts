import { isoFromUs, usFromIso } from "../base/clock.ts";
import { derivedId, isId } from "../base/id.ts";
import type { Draft, Event, EventDefinition } from "../define/event.ts";
import { definitionOf } from "../events/catalog.ts";
import { plain } from "../events/plain.ts";
import { isLoose } from "./loose.ts";

/** Attributes of an event that travel as CloudEvents extension attributes under their own names. */
const EXTENSIONS = [
  "session",
  "cause",
  "traceparent",
  "fact",
  "project",
  "branch",
  "assistant",
  "actor",
  "via",
] as const;

/** Attributes that are texts. */
const TEXTS = ["id", "source", "subject", ...EXTENSIONS] as const;

type Taken = { readonly draft: Draft & { v?: number } } | { readonly problem: string };

/**
 * The draft of a CloudEvent given as JSON value (structured mode, specversion 1.0; leaving specversion, id, source and time out is allowed).
 * An id that is no UUID becomes one derived from source and id, so that the same event sent again stays the same. Values nested in data
 * become JSON text where the field is one of JSON. Says what is wrong where there is no event in it at all; fields are checked later.
 */
export function fromCloudEvent(value: unknown, now_us: number): Taken {
  if (!isLoose(value)) return { problem: "it is no JSON object" };
  if (value.specversion !== undefined && value.specversion !== "1.0")
    return { problem: `specversion ${String(value.specversion).slice(0, 16)} is not 1.0` };
  if (
    typeof value.type !== "string" ||
    !/^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$/.test(value.type) ||
    value.type.length > 128
  ) {
    return { problem: "type is missing or not of the form noun.verb_past" };
  }
  if ((value.data_base64 ?? undefined) !== undefined)
    return { problem: "data_base64 is not taken: give the fields as a JSON object in data" };
  const data = value.data ?? {};
  if (!isLoose(data)) return { problem: "data is no JSON object" };
  const time = typeof value.time === "string" ? usFromIso(value.time) : (value.time ?? now_us);
  if (typeof time !== "number" || !Number.isSafeInteger(time)) return { problem: "time is no RFC 3339 text" };
  if (time < 0) return { problem: "time is before 1970" };
  const texts: Partial<Record<(typeof TEXTS)[number], string>> = {};
  for (const name of TEXTS) {
    const given = value[name] ?? "";
    // a whole number or a boolean has a text of its own in CloudEvents
    if (typeof given !== "string" && !Number.isSafeInteger(given) && typeof given !== "boolean")
      return { problem: `${name} is no text` };
    if (given !== "") texts[name] = String(given);
  }
  const { id: named, ...attributes } = texts;
  const id =
    named === undefined || isId(named.toLowerCase())
      ? named?.toLowerCase()
      : derivedId(time, "cloudevent", texts.source ?? "", named);
  return {
    draft: {
      type: value.type,
      ...(typeof value.v === "number" ? { v: value.v } : {}),
      ...(id ? { id } : {}),
      time,
      ...attributes,
      data: flatData(value.type, data),
    },
  };
}

/** The kinds of a definition's fields by name, put together once. */
const kindsOf = new WeakMap<EventDefinition, ReadonlyMap<string, string>>();
const NO_KINDS: ReadonlyMap<string, string> = new Map();

function kindsIn(definition: EventDefinition | undefined): ReadonlyMap<string, string> {
  if (!definition) return NO_KINDS;
  let kinds = kindsOf.get(definition);
  if (!kinds) {
    kinds = new Map(definition.list.map(([name, info]) => [name, info.kind]));
    kindsOf.set(definition, kinds);
  }
  return kinds;
}

/** Nested values as the text they travel as; bytes from base64. */
function flatData(type: string, data: Record<string, unknown>): Record<string, unknown> {
  const kinds = kindsIn(definitionOf(type));
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(data)) {
    const kind = kinds.get(name);
    if (value === null) continue;
    if (kind === "json" && typeof value !== "string") out[name] = JSON.stringify(value);
    else if (kind === "time" && typeof value === "string") out[name] = usFromIso(value) ?? value;
    else if (kind === "bytes" && typeof value === "string") out[name] = Buffer.from(value, "base64");
    else if (kind === undefined && isLoose(value)) out[name] = JSON.stringify(value);
    else out[name] = value;
  }
  return out;
}

/** An event as a CloudEvent in structured mode. */
export function toCloudEvent(event: Event): Record<string, unknown> {
  const { id, source, type, v, time, subject, data, ...rest } = plain(event);
  return {
    specversion: "1.0",
    id,
    source,
    type,
    time: isoFromUs(time),
    ...(subject === undefined ? {} : { subject }),
    ...rest,
    v,
    datacontenttype: "application/json",
    data: Object.fromEntries(
      Object.entries(data).map(([name, value]) => [
        name,
        value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value,
      ]),
    ),
  };
}
