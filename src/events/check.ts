import { type Columns, columnsBehind, ENVELOPE_FIELDS, type Event, type EventDefinition } from "../define/event.ts";
import { type FieldInfo, faultOf } from "../define/field.ts";
import { definitionOf } from "./catalog.ts";
import { upcast } from "./plain.ts";

/** Why an event is not taken. */
export interface Fault {
  readonly reason: "unknown_type" | "unknown_version" | "invalid";
  readonly detail: string;
}

const invalid = (name: string, what: string): Fault => ({ reason: "invalid", detail: `${name} ${what}` });

/** What is wrong with an event by its definition, or nothing: the first fault found. */
export function checkEvent(event: Event): Fault | undefined {
  const definition = definitionOf(event.type);
  if (!definition) return { reason: "unknown_type", detail: `no event type is called ${event.type}` };
  if (event.v > definition.v)
    return {
      reason: "unknown_version",
      detail: `${event.type} is known up to version ${definition.v}, this is ${event.v}`,
    };
  if (event.v < definition.v) return checkPlain(upcast(event), definition);
  const behind = columnsBehind(event);
  return behind ? faultsOf(behind.columns, definition).get(behind.row) : checkPlain(event, definition);
}

function checkPlain(event: Event, definition: EventDefinition): Fault | undefined {
  for (const [name, info] of ENVELOPE_FIELDS) {
    const fault = faultOf(info, (event as unknown as Record<string, unknown>)[name]);
    if (fault) return invalid(name, fault);
  }
  for (const [name, info] of definition.list) {
    const fault = faultOf(info, event.data[name]);
    if (fault) return invalid(`data.${name}`, fault);
  }
  for (const name of Object.keys(event.data)) {
    if (!Object.hasOwn(definition.fields, name) && event.data[name] !== undefined && event.data[name] !== null)
      return unknownField(name, definition);
  }
  return undefined;
}

const unknownField = (name: string, definition: EventDefinition): Fault =>
  invalid(`data.${name}`, `is no field of ${definition.type}`);

/** Faults by row; the same for every event of the columns, so they are looked for once, a column at a time. */
const checked = new WeakMap<Columns, ReadonlyMap<number, Fault>>();

function faultsOf(columns: Columns, definition: EventDefinition): ReadonlyMap<number, Fault> {
  let faults = checked.get(columns);
  if (faults) return faults;
  const found = new Map<number, Fault>();
  const look = (name: string, info: FieldInfo, values: readonly unknown[]): void => {
    for (let row = 0; row < columns.count; row++) {
      const fault = faultOf(info, values[row]);
      if (fault && !found.has(row)) found.set(row, invalid(name, fault));
    }
  };
  ENVELOPE_FIELDS.forEach(([name, info], k) => {
    look(name, info, columns.attribute(k));
  });
  definition.list.forEach(([name, info], k) => {
    look(`data.${name}`, info, columns.field(k));
  });
  for (let k = definition.list.length; k < columns.fieldNames.length; k++) {
    const values = columns.field(k);
    for (let row = 0; row < columns.count; row++) {
      if (values[row] !== null && values[row] !== undefined && !found.has(row))
        found.set(row, unknownField(columns.fieldNames[k]!, definition));
    }
  }
  faults = found;
  checked.set(columns, faults);
  return faults;
}
