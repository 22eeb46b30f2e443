import { LIMITS } from "../base/limits.ts";
import { type Column, NIL } from "../define/column.ts";
import { type Columns, columnsBehind, ENVELOPE_FIELDS, type Event, type EventDefinition } from "../define/event.ts";
import { type FieldInfo, faultOf } from "../define/field.ts";
import { definitionOf } from "./catalog.ts";
import { upcast } from "./plain.ts";

/** Why an event is not taken. */
export interface Fault {
  readonly reason: "unknown_type" | "unknown_version" | "invalid" | "clock";
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

const YEAR_US = 365.25 * 86_400_000_000;

/** What is wrong with the times of an event that arrived at this time, by the broker's clock. */
export function checkClock({ id, time }: Pick<Event, "id" | "time">, arrived_us: number): Fault | undefined {
  if (time > arrived_us + LIMITS.clock_ahead_ms_max * 1_000) {
    return {
      reason: "clock",
      detail: `time is ${Math.round((time - arrived_us) / 1_000_000)} s ahead of the broker's clock`,
    };
  }
  if (time < arrived_us - LIMITS.clock_behind_years_max * YEAR_US)
    return { reason: "clock", detail: "time is decades in the past" };
  // ids of version 7 begin with a time, and the tables rely on it
  if (
    id.charCodeAt(14) === 55 &&
    Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) > arrived_us / 1_000 + LIMITS.clock_ahead_ms_max
  ) {
    return { reason: "clock", detail: "the time in the id is ahead of the broker's clock" };
  }
  return undefined;
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
  const look = (name: string, info: FieldInfo, column: Column | undefined, values: () => readonly unknown[]): void => {
    const tell = (row: number, fault: string | undefined): void => {
      if (fault && !found.has(row)) found.set(row, invalid(name, fault));
    };
    for (const row of rowsToCheck(columns.count, info, column)) tell(row, faultOf(info, values()[row]));
  };
  ENVELOPE_FIELDS.forEach(([name, info], k) => {
    look(name, info, columns.attributeColumn(k), () => columns.attribute(k));
  });
  definition.list.forEach(([name, info], k) => {
    look(`data.${name}`, info, columns.fieldColumn(k), () => columns.field(k));
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

const NOTHING: readonly number[] = [];
const everyRow = (count: number): readonly number[] => Array.from({ length: count }, (_, row) => row);

/** The rows whose values must be looked at one by one: those that the form of the column does not clear already. */
function rowsToCheck(count: number, info: FieldInfo, column: Column | undefined): readonly number[] {
  if (!column) return info.optional ? NOTHING : everyRow(count);
  switch (column.form) {
    case "list":
      return everyRow(count);
    case "same":
      return faultOf(info, column.value) ? everyRow(count) : NOTHING;
    case "few": {
      const bad = column.values.map((value) => faultOf(info, value) !== undefined);
      return bad.includes(true) ? everyRow(count) : NOTHING;
    }
    case "texts": {
      // well formed as they are UTF-8, and never longer in UTF-16 units than in bytes
      const { sizes } = column;
      if (info.kind !== "text" && info.kind !== "json" && info.kind !== "ref") return everyRow(count);
      const rows: number[] = [];
      for (let row = 0; row < count; row++) {
        const size = sizes[row]!;
        if (size === NIL ? !info.optional : size > info.max! || size === 0) rows.push(row);
      }
      return rows;
    }
  }
}
