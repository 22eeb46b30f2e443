import { isAscii, isUtf8 } from "node:buffer";
import { LIMITS } from "../base/limits.ts";
import { type Column, NIL } from "../define/column.ts";
import { type Cursor, head, Malformed, pack, unpack } from "./msgpack.ts";

const SAME = "=";
const FEW_MAX = 64;
const PICKS_MAX = 255;
const TEXT_BYTES_MAX = NIL - 1;

/**
 * Refuses with {@link Malformed} what is no column of `rows` rows; the cursor stands behind the column then. Answers the bytes of its values, each
 * counted for every row that has it.
 */
export function checkColumn(column: Cursor, rows: number, name: string): number {
  const start = column.at;
  if (column.peek() === "array") {
    if (column.arraySize() !== rows) throw new Malformed(`column ${name} has not one value a row`);
    column.at = start;
    return walked(column);
  }
  const keys = column.peek() === "map" ? column.mapSize() : 0;
  const first = keys > 0 ? column.text(1) : "";
  if (keys === 1 && first === SAME) return walked(column) * rows;
  if (keys === 2 && first === "t") {
    checkTexts(column, rows, name);
    return column.at - start;
  }
  if (keys !== 2 || first !== "d" || column.peek() !== "array") throw new Malformed(`column ${name} is not a column`);
  const size = column.arraySize();
  if (size === 0 || size > PICKS_MAX) throw new Malformed(`column ${name} has a bad list of values`);
  const sizes = new Array<number>(size);
  for (let k = 0; k < size; k++) sizes[k] = walked(column);
  const picks = column.text(1) === "i" ? column.bin() : undefined;
  if (picks?.length !== rows) throw new Malformed(`column ${name} has not one value a row`);
  let unpacked = 0;
  for (let row = 0; row < rows; row++) {
    const k = picks[row]!;
    if (k >= size) throw new Malformed(`column ${name} picks a value it does not hold`);
    unpacked += sizes[k]!;
  }
  return unpacked;
}

/** Walks over one value, and tells its bytes. */
function walked(column: Cursor): number {
  const start = column.at;
  column.skip();
  return column.at - start;
}

function checkTexts(column: Cursor, rows: number, name: string): void {
  const bytes = column.bin();
  const sizes = column.text(1) === "s" ? column.bin() : undefined;
  if (sizes?.length !== rows * 2) throw new Malformed(`column ${name} has not one text a row`);
  let at = 0;
  for (let row = 0; row < rows; row++) {
    const size = sizes[row * 2]! | (sizes[row * 2 + 1]! << 8);
    if (size !== NIL) at += size;
    // the zero byte between two texts also keeps a character from being cut
    if (row < rows - 1 && bytes[at++] !== 0)
      throw new Malformed(`column ${name} has texts that do not end where they say`);
  }
  if (at !== bytes.length || !isUtf8(bytes)) throw new Malformed(`column ${name} has texts that are not UTF-8`);
}

/** The column of bytes that {@link checkColumn} has walked over. */
export function readColumn(raw: Uint8Array): Column {
  const value = unpack(raw);
  if (Array.isArray(value)) return { form: "list", values: value };
  const parts = value as { "="?: unknown; d?: unknown[]; i?: Uint8Array; t?: Uint8Array; s?: Uint8Array };
  if (parts.t && parts.s) {
    const sizes = new Uint16Array(parts.s.length / 2);
    for (let row = 0; row < sizes.length; row++) sizes[row] = parts.s[row * 2]! | (parts.s[row * 2 + 1]! << 8);
    return { form: "texts", bytes: parts.t, sizes };
  }
  if (parts.d && parts.i) return { form: "few", values: parts.d, picks: parts.i };
  return { form: "same", value: parts[SAME] };
}

/** Node's own ways from bytes to text, without the checks of `toString`. */
interface Slices {
  latin1Slice(start: number, end: number): string;
  utf8Slice(start: number, end: number): string;
}

/** One value a row. */
export function valuesOf(column: Column, rows: number): readonly unknown[] {
  switch (column.form) {
    case "list":
      return column.values;
    case "same":
      return new Array(rows).fill(column.value);
    case "few": {
      const out = new Array<unknown>(rows);
      for (let row = 0; row < rows; row++) out[row] = column.values[column.picks[row]!];
      return out;
    }
    case "texts": {
      const { buffer, byteOffset, length } = column.bytes;
      const bytes = Buffer.from(buffer, byteOffset, length) as Buffer & Slices;
      const ascii = isAscii(bytes);
      const out = new Array<unknown>(rows);
      let at = 0;
      // each text is made by itself: a part of one long text would keep all of it in memory
      for (let row = 0; row < rows; row++) {
        const size = column.sizes[row]!;
        if (size !== NIL) {
          out[row] = ascii ? bytes.latin1Slice(at, at + size) : bytes.utf8Slice(at, at + size);
          at += size;
        }
        at++;
      }
      return out;
    }
  }
}

/** Packs a column: absent where all is nil, one value where all are equal, picked from a short list where few differ, texts together, else a list. */
export function packColumn(values: readonly unknown[], rows: number): Uint8Array | undefined {
  const first = values[0] ?? null;
  if (typeof first !== "object" || first === null) {
    const { distinct, picks } = fewOf(values, rows, first);
    if (distinct?.length === 1) return first === null ? undefined : join([head.map(1), pack(SAME), pack(first)]);
    if (distinct && picks) return join([head.map(2), pack("d"), pack(distinct), pack("i"), head.bin(picks)]);
  }
  if (rows > 1) {
    const texts = packTexts(values, rows);
    if (texts) return texts;
  }
  const list = new Array<unknown>(rows);
  for (let i = 0; i < rows; i++) list[i] = values[i] ?? null;
  return pack(list);
}

/** The different values, where they are few, and which of them each row has. */
function fewOf(values: readonly unknown[], rows: number, first: unknown): { distinct?: unknown[]; picks?: Uint8Array } {
  const limit = Math.min(FEW_MAX, rows >> 2);
  let row = 1;
  while (row < rows && (values[row] ?? null) === first) row++;
  if (row === rows) return { distinct: [first] };
  if (limit < 2) return {};
  const known = new Map<unknown, number>([[first, 0]]);
  const picks = new Uint8Array(rows);
  for (; row < rows; row++) {
    const value = values[row] ?? null;
    let k = known.get(value);
    if (k === undefined) {
      k = known.size;
      const plain = value === null || typeof value === "string" || typeof value === "boolean";
      if (k >= limit || !plain) return {};
      known.set(value, k);
    }
    picks[row] = k;
  }
  return { distinct: [...known.keys()], picks };
}

/** Texts, or nothing where some value is none or longer than its length has room for. */
function packTexts(values: readonly unknown[], rows: number): Uint8Array | undefined {
  let chars = rows - 1;
  for (let row = 0; row < rows; row++) {
    const value = values[row] ?? null;
    if (value === null) continue;
    if (typeof value !== "string" || value.length > TEXT_BYTES_MAX) return undefined;
    chars += value.length;
  }
  const bytes = Buffer.from(values.length === rows ? values.join("\0") : values.slice(0, rows).join("\0"), "utf8");
  if (bytes.length > LIMITS.broker_payload_bytes_max) return undefined; // no frame can carry it: let its sender be told
  const ascii = bytes.length === chars;
  const sizes = new Uint8Array(rows * 2);
  for (let row = 0; row < rows; row++) {
    const value = values[row] as string | null | undefined;
    const size = value === null || value === undefined ? NIL : ascii ? value.length : Buffer.byteLength(value, "utf8");
    if (size > TEXT_BYTES_MAX && size !== NIL) return undefined;
    sizes[row * 2] = size & 255;
    sizes[row * 2 + 1] = size >> 8;
  }
  return join([head.map(2), pack("t"), head.bin(bytes), pack("s"), head.bin(sizes)]);
}

/** Parts of packed bytes as one. */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const part of parts) size += part.length;
  const out = Buffer.allocUnsafe(size);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
