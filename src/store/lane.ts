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

export const FIRST_ROWS = 1_024;
const validity = new Uint32Array(VECTOR_ROWS / 32);

/** What all lanes share: which rows are nil. */
export abstract class Base implements Lane {
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

export function grown<T extends Uint8Array | Int32Array | Float64Array>(array: T, length: number): T {
  const out = new (array.constructor as new (length: number) => T)(length);
  out.set(array);
  return out;
}
