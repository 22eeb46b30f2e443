import { LIMITS } from "../base/limits.ts";
import { ENVELOPE_FIELDS, type Event } from "../define/event.ts";
import { definitionOf } from "../events/catalog.ts";
import { join, packColumn } from "./column.ts";
import { FRAME_VERSION, type Frame, type Group } from "./frame.ts";
import { head, pack } from "./msgpack.ts";

type Packed = Uint8Array | undefined;

/** Rows of one type on their way into a frame: columns packed already, or values still to be packed. */
interface Part {
  readonly type: string;
  readonly v: number;
  readonly rows: number;
  readonly attributes: readonly (readonly [string, Packed])[];
  readonly fields: readonly (readonly [string, Packed])[];
}

const packedNames = new Map<string, Uint8Array>();
function packName(name: string): Uint8Array {
  let packed = packedNames.get(name);
  if (!packed) {
    packed = Uint8Array.from(pack(name));
    if (packedNames.size < 4_096) packedNames.set(name, packed);
  }
  return packed;
}

function writeFrame(parts: readonly Part[], order: Uint8Array | undefined): Uint8Array {
  const count = parts.reduce((sum, part) => sum + part.rows, 0);
  const out: Uint8Array[] = [
    head.map(parts.length > 1 ? 4 : 3),
    packName("w"),
    pack(FRAME_VERSION),
    packName("n"),
    pack(count),
    packName("g"),
    head.array(parts.length),
  ];
  for (const part of parts) {
    out.push(
      head.map(5),
      packName("t"),
      packName(part.type),
      packName("v"),
      pack(part.v),
      packName("n"),
      pack(part.rows),
    );
    for (const [key, columns] of [
      ["e", part.attributes],
      ["d", part.fields],
    ] as const) {
      const present = columns.filter(([, column]) => column !== undefined);
      out.push(packName(key), head.map(present.length));
      for (const [name, column] of present) out.push(packName(name), column!);
    }
  }
  if (parts.length > 1 && order) out.push(packName("o"), head.bin(order));
  return join(out);
}

/** A frame of events given as objects, in their order. At most `frame_events_max` events. */
export function encodeEvents(events: readonly Event[]): Uint8Array {
  const rowsOf = new Map<string, Event[]>();
  const index = new Map<string, number>();
  const order = new Uint8Array(events.length);
  events.forEach((event, i) => {
    const key = `${event.type} ${event.v}`;
    const rows = rowsOf.get(key);
    if (rows) rows.push(event);
    else {
      index.set(key, rowsOf.size);
      rowsOf.set(key, [event]);
    }
    order[i] = index.get(key)!;
  });
  if (rowsOf.size > LIMITS.frame_types_max) throw new RangeError("too many types for one frame");
  return writeFrame(
    [...rowsOf.values()].map((rows) => {
      const { type, v } = rows[0]!;
      const names = definitionOf(type)?.list.map(([name]) => name) ?? [
        ...new Set(rows.flatMap((e) => Object.keys(e.data))),
      ];
      const unknown = definitionOf(type) ? extraNames(rows, names) : [];
      return {
        type,
        v,
        rows: rows.length,
        attributes: ENVELOPE_FIELDS.map(
          ([name]) =>
            [
              name,
              packColumn(
                rows.map((e) => (e as unknown as Record<string, unknown>)[name]),
                rows.length,
              ),
            ] as const,
        ),
        fields: [...names, ...unknown].map(
          (name) =>
            [
              name,
              packColumn(
                rows.map((e) => e.data[name]),
                rows.length,
              ),
            ] as const,
        ),
      };
    }),
    order,
  );
}

function extraNames(rows: readonly Event[], names: readonly string[]): string[] {
  const extra = new Set<string>();
  for (const row of rows) for (const name in row.data) if (!names.includes(name)) extra.add(name);
  return [...extra];
}

/** What a stage changes in the rows of one group: whole columns, by index of attribute or field, and rows left out. */
export class Changes {
  readonly group: Group;
  readonly attributes: (unknown[] | undefined)[] = [];
  readonly fields = new Map<string, unknown[]>();
  /** 1 for each row that is left out. */
  dropped: Uint8Array | undefined;
  constructor(group: Group) {
    this.group = group;
  }
  setAttribute(k: number, row: number, value: unknown): void {
    (this.attributes[k] ??= this.group.attribute(k).slice(0, this.group.count))[row] = value;
  }
  setField(name: string, row: number, value: unknown): void {
    let column = this.fields.get(name);
    if (!column) {
      column = this.group.fieldNamed(name)?.slice(0, this.group.count) ?? new Array(this.group.count).fill(undefined);
      this.fields.set(name, column);
    }
    column[row] = value;
  }
  drop(row: number): void {
    this.dropped ??= new Uint8Array(this.group.count);
    this.dropped[row] = 1;
  }
}

/** One input frame with what a stage changed in it, group by group. */
export interface Passed {
  readonly frame: Frame;
  readonly changes: readonly Changes[];
}

/**
 * The frame that a stage hands on, out of one or several input frames, followed by `added` events. Columns nobody touched are copied
 * as bytes where a single frame is handed on whole. Undefined: nothing is left.
 */
export function encodePassed(passed: readonly Passed[], added: readonly Event[]): Uint8Array | undefined {
  const only = passed.length === 1 ? passed[0]! : undefined;
  if (only && added.length === 0 && only.changes.every((c) => !c.dropped)) {
    const order = new Uint8Array(only.frame.count);
    if (only.frame.groups.length > 1) {
      let i = 0;
      only.frame.forEach((group) => {
        order[i++] = only.frame.groups.indexOf(group);
      });
    }
    return writeFrame(only.changes.map(whole), order);
  }
  const events = [...eventsPassed(passed), ...added];
  return events.length === 0 ? undefined : encodeEvents(events);
}

/** The events that are left of what was passed on, with their changes, in their order. */
export function eventsPassed(passed: readonly Passed[]): Event[] {
  const events: Event[] = [];
  for (const { frame, changes } of passed) {
    frame.forEach((group, row) => {
      const change = changes[frame.groups.indexOf(group)]!;
      if (!change.dropped?.[row]) events.push(changedEvent(change, row));
    });
  }
  return events;
}

function whole(change: Changes): Part {
  const { group } = change;
  const names = [...group.fieldNames, ...[...change.fields.keys()].filter((name) => !group.fieldNames.includes(name))];
  return {
    type: group.type,
    v: group.v,
    rows: group.count,
    attributes: ENVELOPE_FIELDS.map(([name], k) => {
      const column = change.attributes[k];
      return [name, column ? packColumn(column, group.count) : group.attributeRaw(k)] as const;
    }),
    fields: names.map((name, k) => {
      const column = change.fields.get(name);
      return [name, column ? packColumn(column, group.count) : group.fieldRaw(k)] as const;
    }),
  };
}

/** One row with its changes, as a plain event. */
export function changedEvent(change: Changes, row: number): Event {
  const { group } = change;
  const out: Record<string, unknown> = { type: group.type, v: group.v };
  ENVELOPE_FIELDS.forEach(([name], k) => {
    const value = (change.attributes[k] ?? group.attribute(k))[row];
    if (value !== undefined && value !== null) out[name] = value;
  });
  const data: Record<string, unknown> = {};
  group.fieldNames.forEach((name, k) => {
    const value = (change.fields.get(name) ?? group.field(k))[row];
    if (value !== undefined && value !== null) data[name] = value;
  });
  for (const [name, column] of change.fields)
    if (column[row] !== undefined && column[row] !== null) data[name] = column[row];
  out.data = data;
  return out as unknown as Event;
}
