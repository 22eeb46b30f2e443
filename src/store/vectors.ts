import duckdb from "@duckdb/node-bindings";
import { NIL, type Texts } from "../define/column.ts";
import { Base, FIRST_ROWS, grown, type Lane } from "./lane.ts";
import { TextLane } from "./text-lane.ts";

/** Numbers, booleans: values of a fixed width that JavaScript's own arrays hold. */
class Fixed extends Base {
  private values: Uint8Array | Int32Array | Float64Array;
  constructor(values: Uint8Array | Int32Array | Float64Array) {
    super();
    this.values = values;
  }
  protected set(row: number, value: unknown): void {
    this.values[row] = Number(value);
  }
  protected resize(rows: number): void {
    this.values = grown(this.values, rows);
  }
  copy(vector: duckdb.Vector, from: number, count: number): void {
    const width = this.values.BYTES_PER_ELEMENT;
    duckdb.copy_data_to_vector(vector, 0, this.values.buffer as ArrayBuffer, from * width, count * width);
  }
}

/** 64-bit integers: BIGINT, and TIMESTAMP in microseconds. */
class Whole extends Base {
  private halves = new Int32Array(FIRST_ROWS * 2);
  protected set(row: number, value: unknown): void {
    const at = row * 2;
    if (typeof value === "bigint") {
      this.halves[at] = Number(BigInt.asIntN(32, value));
      this.halves[at + 1] = Number(value >> 32n);
      return;
    }
    const n = value as number;
    // the low half of a two's complement number as ToInt32 gives it; the high half by exact division
    this.halves[at] = n | 0;
    this.halves[at + 1] = Math.floor(n / 4_294_967_296);
  }
  protected resize(rows: number): void {
    this.halves = grown(this.halves, rows * 2);
  }
  copy(vector: duckdb.Vector, from: number, count: number): void {
    duckdb.copy_data_to_vector(vector, 0, this.halves.buffer as ArrayBuffer, from * 8, count * 8);
  }
}

const NIBBLE = new Uint8Array(256);
for (let c = 0; c < 16; c++) NIBBLE["0123456789abcdef".charCodeAt(c)] = c;
/** Where each of the 16 bytes starts in the text of a UUID, in DuckDB's order: low half first, little-endian. */
const UUID_AT = [34, 32, 30, 28, 26, 24, 21, 19, 16, 14, 11, 9, 6, 4, 2, 0];
const UUID_CHARS = 36;

class Uuid extends Base {
  private values = new Uint8Array(FIRST_ROWS * 16);
  protected set(row: number, value: unknown): void {
    const text = value as string;
    const to = row * 16;
    for (let b = 0; b < 16; b++) {
      const at = UUID_AT[b]!;
      this.values[to + b] = (NIBBLE[text.charCodeAt(at) & 255]! << 4) | NIBBLE[text.charCodeAt(at + 1) & 255]!;
    }
    this.values[to + 15]! ^= 0x80; // DuckDB keeps UUIDs as signed integers that sort alike
  }
  protected override texts(column: Texts, from: number, until: number): void {
    const { bytes, sizes } = column;
    this.room(until - from);
    const { values } = this;
    let at = 0;
    for (let i = 0; i < until; i++) {
      const size = sizes[i]!;
      if (i >= from) {
        const row = this.rows++;
        if (size !== UUID_CHARS) {
          this.nil[row] = 1;
          this.nils++;
        } else {
          const to = row * 16;
          for (let b = 0; b < 16; b++) {
            const digit = at + UUID_AT[b]!;
            values[to + b] = (NIBBLE[bytes[digit]!]! << 4) | NIBBLE[bytes[digit + 1]!]!;
          }
          values[to + 15]! ^= 0x80;
        }
      }
      at += (size === NIL ? 0 : size) + 1;
    }
  }
  protected resize(rows: number): void {
    this.values = grown(this.values, rows * 16);
  }
  copy(vector: duckdb.Vector, from: number, count: number): void {
    duckdb.copy_data_to_vector(vector, 0, this.values.buffer as ArrayBuffer, from * 16, count * 16);
  }
}

const LANES: Readonly<Record<string, () => Lane>> = {
  DOUBLE: () => new Fixed(new Float64Array(FIRST_ROWS)),
  BIGINT: () => new Whole(),
  TIMESTAMP: () => new Whole(),
  INTEGER: () => new Fixed(new Int32Array(FIRST_ROWS)),
  BOOLEAN: () => new Fixed(new Uint8Array(FIRST_ROWS)),
  UUID: () => new Uuid(),
  VARCHAR: () => new TextLane(),
  BLOB: () => new TextLane(),
};

/** A lane of a column's type. */
export const laneOf = (type: string): Lane => LANES[type]!();
