import { columnsBehind, ENVELOPE_FIELDS, type Event } from "../define/event.ts";
import { definitionOf } from "./catalog.ts";

/** A copy of an event with ordinary properties, which spread and print; absent ones are left out. */
export function plain(event: Event): Event {
  const out: Record<string, unknown> = {};
  for (const [name] of ENVELOPE_FIELDS) {
    const value = (event as unknown as Record<string, unknown>)[name];
    if (value !== undefined && value !== null) out[name] = value;
  }
  return { ...out, type: event.type, v: event.v, data: plainData(event) } as unknown as Event;
}

/** A copy of an event's data with ordinary properties. */
export function plainData(event: Event): Record<string, unknown> {
  const behind = columnsBehind(event);
  const data: Record<string, unknown> = {};
  const names = behind ? behind.columns.fieldNames : Object.keys(event.data);
  names.forEach((name, k) => {
    const value = behind ? behind.columns.field(k)[behind.row] : event.data[name];
    if (value !== undefined && value !== null) data[name] = value;
  });
  return data;
}

/** The event in the newest version of its type: older data is raised version by version, stored bytes stay as they are. */
export function upcast(event: Event): Event {
  const definition = definitionOf(event.type);
  if (!definition || event.v >= definition.v) return event;
  let data = plainData(event);
  for (let v = event.v; v < definition.v; v++) data = definition.from[v]?.(data) ?? data;
  return { ...plain(event), v: definition.v, data };
}

/** An event as JSON text; bytes as base64, and whole numbers past what JavaScript holds exactly as text. */
export const eventJson = (event: Event): string => JSON.stringify(plain(event), jsonValue);

/** Looks at the value itself: Node gives its bytes another form before a replacer sees them. */
function jsonValue(this: Readonly<Record<string, unknown>>, name: string, value: unknown): unknown {
  const own = this[name];
  if (own instanceof Uint8Array) return Buffer.from(own).toString("base64");
  return typeof value === "bigint" ? String(value) : value;
}
