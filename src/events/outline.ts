import { isSealed } from "../base/seal.ts";
import { columnsBehind, type Event, type EventDefinition } from "../define/event.ts";
import type { FieldInfo } from "../define/field.ts";
import { definitionOf } from "./catalog.ts";

/** A field of an event's data that is private and has a value. */
export interface PrivateField {
  readonly name: string;
  /** Undefined where no definition knows the field: it may be anything, so it counts as private. */
  readonly info: FieldInfo | undefined;
  readonly value: unknown;
}

const fields = new WeakMap<EventDefinition, ReadonlyMap<string, FieldInfo>>();

function fieldsOf(definition: EventDefinition): ReadonlyMap<string, FieldInfo> {
  let found = fields.get(definition);
  if (!found) {
    found = new Map(definition.list);
    fields.set(definition, found);
  }
  return found;
}

/** The private fields of an event, by the catalogue; of an unknown type every field. */
export function privateFields(event: Event): PrivateField[] {
  const definition = definitionOf(event.type);
  const known = definition && fieldsOf(definition);
  const out: PrivateField[] = [];
  for (const name of columnsBehind(event)?.columns.fieldNames ?? Object.keys(event.data)) {
    const info = known?.get(name);
    if (info && !info.private) continue;
    const value = event.data[name];
    if (value !== undefined && value !== null) out.push({ name, info, value });
  }
  return out;
}

/** The fields that tell how long a private one was, where the event does not have them. */
export function sizesOf(event: Event, { name, value }: PrivateField): Record<string, number> {
  const out: Record<string, number> = {};
  if (typeof value !== "string" || isSealed(value)) return out;
  for (const [size, info] of definitionOf(event.type)?.list ?? [])
    if (info.sizeOf === name && (event.data[size] === undefined || event.data[size] === null))
      out[size] = info.unit === "byte" ? Buffer.byteLength(value) : value.length;
  return out;
}

/** What is to be changed in an event's data so that nothing private is left; undefined where there is nothing. */
export function outlined(event: Event): Record<string, unknown> | undefined {
  const found = privateFields(event);
  if (found.length === 0) return undefined;
  const data: Record<string, unknown> = {};
  for (const field of found) {
    Object.assign(data, sizesOf(event, field));
    data[field.name] = undefined; // private fields are optional, a test says so
  }
  return data;
}
