import { WeirError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import type { Column } from "../define/column.ts";
import { COLUMNS, type Columns, ENVELOPE_FIELDS, type Envelope, type Event } from "../define/event.ts";
import { definitionOf } from "../events/catalog.ts";
import { checkColumn, readColumn, valuesOf } from "./column.ts";
import { Cursor, Malformed } from "./msgpack.ts";

/**
 * The unit on the wire: 1 to 1,000 events of one partition, in order, as columns in plain MessagePack.
 *
 *     { w: 1, n: events, g: [ { t: type, v: version, n: rows, e: {attribute: column}, d: {field: column} } ], o: bin }
 *
 * A column is a list of n values; or {"=": value} where all n are the same; or {"d": [values], "i": bin} where one byte a row picks
 * from at most 255 values; or {"t": bin, "s": bin}, texts together and their lengths (column.ts). A column that is absent is nil
 * throughout. `o` holds one byte an event, the index of its group; it is absent where there is one group. Readers get at columns
 * without unpacking the others, and a stage that leaves a column alone copies its bytes.
 */
export const FRAME_VERSION = 1;

type Values = readonly unknown[];
const ABSENT: Values = new Array(LIMITS.frame_events_max).fill(undefined);
const ATTRIBUTES = ENVELOPE_FIELDS.map(([name]) => name);
const ATTRIBUTE_INDEX = new Map(ATTRIBUTES.map((name, k) => [name, k]));

/** The columns of one type's rows in a frame, unpacked only when asked for. */
export class Group implements Columns {
  readonly type: string;
  readonly v: number;
  readonly count: number;
  /** Names of the data's columns: those of the type's definition first, then unknown ones. */
  readonly fieldNames: readonly string[];
  private readonly attributeBytes: (Uint8Array | undefined)[];
  private readonly fieldBytes: (Uint8Array | undefined)[];
  readonly attributes: (Values | undefined)[];
  readonly fields: (Values | undefined)[];
  private readonly attributeForms: (Column | undefined)[];
  private readonly fieldForms: (Column | undefined)[];
  private readonly Data: DataClass;

  constructor(
    type: string,
    v: number,
    count: number,
    e: ReadonlyMap<string, Uint8Array>,
    d: ReadonlyMap<string, Uint8Array>,
  ) {
    this.type = type;
    this.v = v;
    this.count = count;
    const shape = shapeOf(type, [...d.keys()]);
    this.fieldNames = shape.names;
    this.Data = shape.Data;
    this.attributeBytes = ATTRIBUTES.map((name) => e.get(name));
    this.fieldBytes = shape.names.map((name) => d.get(name));
    this.attributes = new Array(ATTRIBUTES.length);
    this.fields = new Array(shape.names.length);
    this.attributeForms = new Array(ATTRIBUTES.length);
    this.fieldForms = new Array(shape.names.length);
  }

  /** Values of the k-th envelope attribute; nil is null or undefined. */
  attribute(k: number): Values {
    return (this.attributes[k] ??= this.load(this.attributeColumn(k)));
  }
  /** Values of the k-th field. */
  field(k: number): Values {
    return (this.fields[k] ??= this.load(this.fieldColumn(k)));
  }
  /** Values of an attribute by name. */
  attributeNamed(name: keyof Envelope): Values {
    return this.attribute(ATTRIBUTE_INDEX.get(name)!);
  }
  /** Values of a field by name; undefined where the group has no such field. */
  fieldNamed(name: string): Values | undefined {
    const k = this.fieldNames.indexOf(name);
    return k < 0 ? undefined : this.field(k);
  }
  /** The column of the k-th attribute or field in the form it has on the wire; undefined where it is nil throughout. */
  attributeColumn(k: number): Column | undefined {
    return (this.attributeForms[k] ??= formOf(this.attributeBytes[k]));
  }
  fieldColumn(k: number): Column | undefined {
    return (this.fieldForms[k] ??= formOf(this.fieldBytes[k]));
  }
  /** Packed bytes of a column, to be copied as they are. */
  attributeRaw(k: number): Uint8Array | undefined {
    return this.attributeBytes[k];
  }
  fieldRaw(k: number): Uint8Array | undefined {
    return this.fieldBytes[k];
  }
  /** One row as an event. Its properties read the columns: they do not spread; `plain` of events/plain.ts makes a copy that does. */
  event(i: number): Event {
    return new View(this, i) as unknown as Event;
  }
  data(i: number): Readonly<Record<string, unknown>> {
    return new this.Data(this, i) as unknown as Readonly<Record<string, unknown>>;
  }

  private load(column: Column | undefined): Values {
    return column === undefined ? ABSENT : valuesOf(column, this.count);
  }
}

const formOf = (raw: Uint8Array | undefined): Column | undefined => raw && readColumn(raw);

class View {
  readonly group: Group;
  readonly row: number;
  constructor(group: Group, row: number) {
    this.group = group;
    this.row = row;
  }
  get type(): string {
    return this.group.type;
  }
  get v(): number {
    return this.group.v;
  }
  get data(): unknown {
    return this.group.data(this.row);
  }
  get [COLUMNS](): { columns: Columns; row: number } {
    return { columns: this.group, row: this.row };
  }
}
ATTRIBUTES.forEach((name, k) => {
  Object.defineProperty(View.prototype, name, {
    get(this: View) {
      return (this.group.attributes[k] ?? this.group.attribute(k))[this.row] ?? undefined;
    },
  });
});

type DataClass = new (group: Group, row: number) => object;
const shapes = new Map<string, { names: readonly string[]; Data: DataClass }>();

function shapeOf(type: string, present: readonly string[]): { names: readonly string[]; Data: DataClass } {
  const known = definitionOf(type)?.list.map(([name]) => name) ?? [];
  const extra = present.filter((name) => !known.includes(name)).sort();
  const key = extra.length === 0 ? type : `${type} ${extra.join(" ")}`;
  const cached = shapes.get(key);
  if (cached) return cached;
  const names = [...known, ...extra];
  class Data {
    readonly group: Group;
    readonly row: number;
    constructor(group: Group, row: number) {
      this.group = group;
      this.row = row;
    }
    toJSON(): unknown {
      return Object.fromEntries(names.map((name, k) => [name, this.group.field(k)[this.row] ?? undefined]));
    }
  }
  names.forEach((name, k) => {
    if (name === "toJSON" || name === "constructor" || name === "group" || name === "row") return;
    Object.defineProperty(Data.prototype, name, {
      get(this: Data) {
        return (this.group.fields[k] ?? this.group.field(k))[this.row] ?? undefined;
      },
    });
  });
  if (shapes.size > 256) shapes.clear();
  shapes.set(key, { names, Data });
  return { names, Data };
}

/** A frame that was read: its groups, and the group of each event in order. */
export class Frame {
  readonly count: number;
  readonly groups: readonly Group[];
  /** Bytes of its values, each counted for every row that has it. */
  readonly unpacked: number;
  private readonly order: Uint8Array | undefined;
  constructor(count: number, groups: readonly Group[], order: Uint8Array | undefined, unpacked: number) {
    this.count = count;
    this.groups = groups;
    this.unpacked = unpacked;
    this.order = order;
  }
  /** Calls `each` for every event in order. */
  forEach(each: (group: Group, row: number) => void): void {
    if (!this.order) {
      const group = this.groups[0]!;
      for (let i = 0; i < this.count; i++) each(group, i);
      return;
    }
    const next = new Uint16Array(this.groups.length);
    for (const k of this.order) each(this.groups[k]!, next[k]!++);
  }
  /** The events in order. */
  events(): Event[] {
    const out: Event[] = [];
    this.forEach((group, row) => {
      out.push(group.event(row));
    });
    return out;
  }
}

const NAME = /^[a-z][a-z0-9_]{0,63}$/;
const TYPE = /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$/;

function readColumns(cursor: Cursor, rows: number): Map<string, Uint8Array> {
  const size = cursor.mapSize();
  if (size > LIMITS.frame_columns_max) throw new Malformed("has too many columns");
  const columns = new Map<string, Uint8Array>();
  for (let k = 0; k < size; k++) {
    const name = cursor.text(64);
    if (!NAME.test(name) || columns.has(name))
      throw new Malformed(`has a column that is badly named or doubled: ${name.slice(0, 64)}`);
    const start = cursor.at;
    cursor.unpacked += checkColumn(cursor, rows, name);
    columns.set(name, cursor.bytes.subarray(start, cursor.at));
  }
  return columns;
}

/** The key of a map; what stands there twice would be checked once and used once more. */
function freshKey(cursor: Cursor, seen: Set<string>): string {
  const key = cursor.text(1);
  if (seen.has(key)) throw new Malformed(`has the part ${key} twice`);
  seen.add(key);
  return key;
}

function readGroup(cursor: Cursor): Group {
  const keys = cursor.mapSize();
  const seen = new Set<string>();
  let type = "";
  let v = -1;
  let rows = -1;
  let e: Map<string, Uint8Array> | undefined;
  let d: Map<string, Uint8Array> | undefined;
  for (let k = 0; k < keys; k++) {
    const key = freshKey(cursor, seen);
    if (key === "t") type = cursor.text(128);
    else if (key === "v") v = cursor.uint();
    else if (key === "n") rows = cursor.uint();
    else if (key === "e" && rows > 0) e = readColumns(cursor, rows);
    else if (key === "d" && rows > 0) d = readColumns(cursor, rows);
    else throw new Malformed(`a group has ${key} where t, v, n, e, d are expected in this order`);
  }
  if (!TYPE.test(type) || v < 1 || rows < 1 || rows > LIMITS.frame_events_max || !e || !d)
    throw new Malformed("a group is incomplete");
  return new Group(type, v, rows, e, d);
}

/**
 * Reads a frame. Hostile or broken bytes are refused with `frame_invalid`, nothing of them is built; so is what unpacks to more than `unpackedMax`
 * bytes, which is less for what comes from outside.
 */
export function readFrame(bytes: Uint8Array, unpackedMax: number = LIMITS.frame_kept_unpacked_bytes_max): Frame {
  try {
    const cursor = new Cursor(bytes);
    const keys = cursor.mapSize();
    let version = 0;
    let count = 0;
    let order: Uint8Array | undefined;
    const groups: Group[] = [];
    const seen = new Set<string>();
    for (let k = 0; k < keys; k++) {
      const key = freshKey(cursor, seen);
      if (key === "w") version = cursor.uint();
      else if (key === "n") count = cursor.uint();
      else if (key === "g") {
        const size = cursor.arraySize();
        if (size < 1 || size > LIMITS.frame_types_max) throw new Malformed("has no types, or too many");
        for (let g = 0; g < size; g++) groups.push(readGroup(cursor));
      } else if (key === "o") order = cursor.bin();
      else throw new Malformed(`has an unknown part ${key}`);
    }
    if (version !== FRAME_VERSION)
      throw new Malformed(`is of frame version ${version}, this weir reads ${FRAME_VERSION}`);
    if (cursor.at !== bytes.length) throw new Malformed("has bytes behind its end");
    if (count < 1 || count > LIMITS.frame_events_max) throw new Malformed("has no events, or too many");
    checkOrder(groups, order, count);
    if (cursor.unpacked > unpackedMax)
      throw new Malformed(`unpacks to ${cursor.unpacked} bytes, at most ${unpackedMax} are taken`);
    return new Frame(count, groups, order, cursor.unpacked);
  } catch (error) {
    if (error instanceof Malformed) throw new WeirError("frame_invalid", `a frame ${error.message}`);
    throw error;
  }
}

function checkOrder(groups: readonly Group[], order: Uint8Array | undefined, count: number): void {
  if (groups.reduce((sum, g) => sum + g.count, 0) !== count) throw new Malformed("counts its rows wrongly");
  if (!order) {
    if (groups.length !== 1) throw new Malformed("has several types and no order");
    return;
  }
  const rows = new Array<number>(groups.length).fill(0);
  for (const k of order) {
    if (k >= groups.length) throw new Malformed("names a group it does not have");
    rows[k]!++;
  }
  if (order.length !== count || rows.some((n, k) => n !== groups[k]!.count))
    throw new Malformed("has an order that does not fit its rows");
}
