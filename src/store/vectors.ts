import duckdb from "@duckdb/node-bindings";
import type { Texts, Column as Values } from "../define/column.ts";
import { NIL } from "../define/column.ts";

/** Rows a DuckDB vector holds. */
export const VECTOR_ROWS = 2_048;

/** Values of one column on their way into DuckDB, in the layout its vectors have, so that a vector is filled by one copy. */
export interface Lane {
  /** Values in it. */
  readonly rows: number;
  /** Bytes of texts that wait; what bounds the memory of a batch. */
  readonly bytes: number;
  /** Adds one value; nil is null or undefined. */
  push(value: unknown): void;
  /** Adds the rows `from` to `until` of a column of a frame. */
  take(column: Values | undefined, from: number, until: number): void;
  /** Makes the vectors' memory ready; called once before the first {@link fill}. */
  ready(): void;
  fill(vector: duckdb.Vector, from: number, count: number): void;
  clear(): void;
}

const FIRST_ROWS = 1_024;
/** A lane that grew larger than this lets go of its memory when it is cleared. */
const KEPT_BYTES = 1_048_576;

const validity = new Uint32Array(VECTOR_ROWS / 32);

/** What all lanes share: which rows are nil. */
abstract class Base implements Lane {
  rows = 0;
  protected nil = new Uint8Array(FIRST_ROWS);
  protected nils = 0;
  protected capacity = FIRST_ROWS;

  get bytes(): number {
    return 0;
  }

  protected abstract set(row: number, value: unknown): void;
  protected abstract resize(rows: number): void;
  abstract copy(vector: duckdb.Vector, from: number, count: number): void;

  protected room(rows: number): void {
    if (this.rows + rows <= this.capacity) return;
    while (this.capacity < this.rows + rows) this.capacity *= 2;
    this.nil = grown(this.nil, this.capacity);
    this.resize(this.capacity);
  }

  push(value: unknown): void {
    this.room(1);
    const row = this.rows++;
    if (value === null || value === undefined) {
      this.nil[row] = 1;
      this.nils++;
    } else this.set(row, value);
  }

  take(column: Values | undefined, from: number, until: number): void {
    if (column === undefined) {
      const rows = until - from;
      this.room(rows);
      this.nil.fill(1, this.rows, this.rows + rows);
      this.rows += rows;
      this.nils += rows;
      return;
    }
    switch (column.form) {
      case "list":
        for (let i = from; i < until; i++) this.push(column.values[i]);
        return;
      case "same":
        this.same(column.value, until - from);
        return;
      case "few":
        this.few(column.values, column.picks, from, until);
        return;
      case "texts":
        this.texts(column, from, until);
    }
  }

  protected same(value: unknown, rows: number): void {
    for (let i = 0; i < rows; i++) this.push(value);
  }
  protected few(values: readonly unknown[], picks: Uint8Array, from: number, until: number): void {
    for (let i = from; i < until; i++) this.push(values[picks[i]!]);
  }
  protected texts(column: Texts, from: number, until: number): void {
    const bytes = Buffer.from(column.bytes.buffer, column.bytes.byteOffset, column.bytes.length);
    let at = 0;
    for (let i = 0; i < until; i++) {
      const size = column.sizes[i]!;
      const length = size === NIL ? 0 : size;
      if (i >= from) this.push(size === NIL ? undefined : bytes.toString("utf8", at, at + length));
      at += length + 1;
    }
  }

  ready(): void {}

  fill(vector: duckdb.Vector, from: number, count: number): void {
    let nils = 0;
    if (this.nils > 0) {
      for (let i = 0; i < count; i++) {
        if (this.nil[from + i] === 0) continue;
        if (nils++ === 0) validity.fill(0xffffffff);
        validity[i >> 5]! &= ~(1 << (i & 31));
      }
    }
    if (nils > 0) {
      duckdb.vector_ensure_validity_writable(vector);
      duckdb.copy_data_to_vector_validity(vector, 0, validity.buffer as ArrayBuffer, 0, Math.ceil(count / 64) * 8);
    }
    if (nils < count) this.copy(vector, from, count);
  }

  clear(): void {
    if (this.nils > 0) this.nil.fill(0, 0, this.rows);
    this.rows = 0;
    this.nils = 0;
  }
}

function grown<T extends Uint8Array | Int32Array | Float64Array>(array: T, length: number): T {
  const out = new (array.constructor as new (length: number) => T)(length);
  out.set(array);
  return out;
}

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

const QUOTE = 0x22;
/** Bytes that a JSON string has another form for, and these forms. */
const ESCAPED = new Uint8Array(256);
const ESCAPES: string[] = [];
const ESCAPE_BYTES_MAX = 6;
for (const c of [...Array(32).keys(), QUOTE, 0x5c]) {
  ESCAPED[c] = 1;
  ESCAPES[c] = JSON.stringify(String.fromCharCode(c)).slice(1, -1);
}

const BLOB = duckdb.create_logical_type(duckdb.Type.BLOB);
/** Texts up to this length stand inside DuckDB's `duckdb_string_t` itself. */
const INLINE_BYTES = 12;
const strings = new ArrayBuffer(VECTOR_ROWS * 16);
const string8 = new Uint8Array(strings);
const string32 = new Uint32Array(strings);

/**
 * Texts and bytes. All of a lane stand in one block, which DuckDB is given once; a vector's rows are `duckdb_string_t`s of the C API (length,
 * four bytes of prefix, pointer; or length and up to twelve bytes) that point into it. One call a vector instead of one a value is eight
 * times as fast. The block lives in a chunk that is kept until the rows were appended, which copies them.
 */
class Bytes extends Base {
  private block = Buffer.allocUnsafe(65_536);
  private used = 0;
  private starts = new Int32Array(FIRST_ROWS);
  private sizes = new Int32Array(FIRST_ROWS);
  private held: duckdb.DataChunk | undefined;
  private low = 0;
  private high = 0;

  override get bytes(): number {
    return this.used;
  }

  /** Makes room for `size` bytes and returns the place where they go. */
  private reserve(size: number): number {
    const at = this.used;
    if (at + size > this.block.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.block.length * 2, at + size));
      this.block.copy(larger, 0, 0, at);
      this.block = larger;
    }
    this.used = at + size;
    return at;
  }

  /** Writes a value into the block; returns its size. */
  private write(value: unknown): number {
    if (typeof value !== "string") {
      const bytes = value as Uint8Array;
      const at = this.reserve(bytes.length); // before the block is looked at: it may move
      this.block.set(bytes, at);
      return bytes.length;
    }
    const at = this.reserve(value.length * 3);
    let i = 0;
    // most texts are short and plain: a loop is quicker than a call
    if (value.length <= 64) {
      for (; i < value.length; i++) {
        const c = value.charCodeAt(i);
        if (c > 127) break;
        this.block[at + i] = c;
      }
    }
    const size = i === value.length ? i : this.block.write(value, at, "utf8");
    this.used = at + size;
    return size;
  }

  protected set(row: number, value: unknown): void {
    this.starts[row] = this.used;
    this.sizes[row] = this.write(value);
  }

  protected override same(value: unknown, rows: number): void {
    if (value === null || value === undefined) {
      this.take(undefined, 0, rows);
      return;
    }
    this.room(rows);
    const start = this.used;
    const size = this.write(value);
    this.starts.fill(start, this.rows, this.rows + rows);
    this.sizes.fill(size, this.rows, this.rows + rows);
    this.rows += rows;
  }

  protected override few(values: readonly unknown[], picks: Uint8Array, from: number, until: number): void {
    this.room(until - from);
    const starts = values.map(() => 0);
    const sizes = values.map((value, k) => {
      starts[k] = this.used;
      return value === null || value === undefined ? -1 : this.write(value);
    });
    for (let i = from; i < until; i++) {
      const row = this.rows++;
      const k = picks[i]!;
      if (sizes[k]! < 0) {
        this.nil[row] = 1;
        this.nils++;
      } else {
        this.starts[row] = starts[k]!;
        this.sizes[row] = sizes[k]!;
      }
    }
  }

  protected override texts(column: Texts, from: number, until: number): void {
    const { bytes, sizes } = column;
    this.room(until - from);
    let at = 0;
    for (let i = 0; i < from; i++) at += (sizes[i] === NIL ? 0 : sizes[i]!) + 1;
    const first = at;
    const base = this.used - first;
    for (let i = from; i < until; i++) {
      const row = this.rows++;
      const size = sizes[i]!;
      if (size === NIL) {
        this.nil[row] = 1;
        this.nils++;
        at++;
        continue;
      }
      this.starts[row] = base + at;
      this.sizes[row] = size;
      at += size + 1;
    }
    const end = Math.min(at, bytes.length);
    const to = this.reserve(end - first);
    this.block.set(bytes.subarray(first, end), to);
  }

  /** Begins a text that is put together from parts. */
  begin(): void {
    this.room(1);
    this.starts[this.rows] = this.used;
  }
  /** A part as it is. */
  part(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length);
    const { block } = this;
    if (bytes.length > 48) block.set(bytes, at);
    else for (let i = 0; i < bytes.length; i++) block[at + i] = bytes[i]!;
  }
  /** A part as UTF-8. */
  text(value: string): void {
    this.write(value);
  }
  /** A part as a JSON string: `size` bytes of UTF-8 from `from` on, quoted and escaped as JSON.stringify does. */
  quoted(bytes: Uint8Array, from: number, size: number): void {
    let at = this.reserve(size * ESCAPE_BYTES_MAX + 2);
    const { block } = this;
    block[at++] = QUOTE;
    const end = from + size;
    for (let i = from; i < end; i++) {
      const c = bytes[i]!;
      if (ESCAPED[c] === 0) block[at++] = c;
      else at += block.write(ESCAPES[c]!, at, "latin1");
    }
    block[at++] = QUOTE;
    this.used = at;
  }
  /** Ends the text. */
  end(): void {
    this.sizes[this.rows] = this.used - this.starts[this.rows]!;
    this.rows++;
  }

  protected resize(rows: number): void {
    this.starts = grown(this.starts, rows);
    this.sizes = grown(this.sizes, rows);
  }

  override ready(): void {
    if (this.used <= INLINE_BYTES) return;
    this.held = duckdb.create_data_chunk([BLOB]);
    duckdb.data_chunk_set_size(this.held, 1);
    const vector = duckdb.data_chunk_get_vector(this.held, 0);
    duckdb.vector_assign_string_element_len(vector, 0, this.block.subarray(0, this.used));
    const held = Buffer.from(duckdb.vector_get_data(vector, 16));
    this.low = held.readUInt32LE(8);
    this.high = held.readUInt32LE(12);
  }

  copy(vector: duckdb.Vector, from: number, count: number): void {
    const { block, starts, sizes } = this;
    for (let i = 0; i < count; i++) {
      const start = starts[from + i]!;
      const size = this.nil[from + i] === 1 ? 0 : sizes[from + i]!;
      const word = i * 4;
      string32[word] = size;
      if (size <= INLINE_BYTES) {
        string32[word + 1] = 0;
        string32[word + 2] = 0;
        string32[word + 3] = 0;
        for (let b = 0; b < size; b++) string8[word * 4 + 4 + b] = block[start + b]!;
        continue;
      }
      const at = word * 4 + 4;
      string8[at] = block[start]!;
      string8[at + 1] = block[start + 1]!;
      string8[at + 2] = block[start + 2]!;
      string8[at + 3] = block[start + 3]!;
      const low = this.low + start;
      string32[word + 2] = low;
      string32[word + 3] = this.high + (low > 0xffffffff ? 1 : 0);
    }
    duckdb.copy_data_to_vector(vector, 0, strings, 0, count * 16);
  }

  override clear(): void {
    super.clear();
    this.used = 0;
    this.held = undefined;
    if (this.block.length > KEPT_BYTES) this.block = Buffer.allocUnsafe(65_536);
  }
}

/** A lane whose texts can be put together from parts: that of a VARCHAR column. */
export type TextLane = Bytes;

const LANES: Readonly<Record<string, () => Lane>> = {
  DOUBLE: () => new Fixed(new Float64Array(FIRST_ROWS)),
  BIGINT: () => new Whole(),
  TIMESTAMP: () => new Whole(),
  INTEGER: () => new Fixed(new Int32Array(FIRST_ROWS)),
  BOOLEAN: () => new Fixed(new Uint8Array(FIRST_ROWS)),
  UUID: () => new Uuid(),
  VARCHAR: () => new Bytes(),
  BLOB: () => new Bytes(),
};

/** A lane of a column's type. */
export const laneOf = (type: string): Lane => LANES[type]!();
