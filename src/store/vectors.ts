import duckdb from "@duckdb/node-bindings";

/** Rows a DuckDB vector holds. */
export const VECTOR_ROWS = 2_048;

type Fill = (vector: duckdb.Vector, values: readonly unknown[], from: number, count: number) => void;

const lanes = new ArrayBuffer(VECTOR_ROWS * 16);
const float64 = new Float64Array(lanes);
const int32 = new Int32Array(lanes);
const uint8 = new Uint8Array(lanes);
const validity = new Uint32Array(VECTOR_ROWS / 32);

/** Whether all rows hold the same text, as columns of a source or producer do: then one value stands for all. */
function isConstant(values: readonly unknown[], from: number, count: number): boolean {
  const first = values[from];
  if (typeof first !== "string") return false;
  for (let i = 1; i < count; i++) if (values[from + i] !== first) return false;
  return true;
}

/** Marks nil rows in the vector. Returns how many there are. */
function markNulls(vector: duckdb.Vector, values: readonly unknown[], from: number, count: number): number {
  let nulls = 0;
  for (let i = 0; i < count; i++) {
    const value = values[from + i];
    if (value === null || value === undefined) {
      if (nulls++ === 0) validity.fill(0xffffffff);
      validity[i >> 5]! &= ~(1 << (i & 31));
    }
  }
  if (nulls > 0) {
    duckdb.vector_ensure_validity_writable(vector);
    duckdb.copy_data_to_vector_validity(vector, 0, validity.buffer as ArrayBuffer, 0, Math.ceil(count / 64) * 8);
  }
  return nulls;
}

const copy = (vector: duckdb.Vector, bytes: number): void => duckdb.copy_data_to_vector(vector, 0, lanes, 0, bytes);

const fillDouble: Fill = (vector, values, from, count) => {
  for (let i = 0; i < count; i++) float64[i] = (values[from + i] as number | null) ?? 0;
  copy(vector, count * 8);
};

const fillInt64: Fill = (vector, values, from, count) => {
  for (let i = 0; i < count; i++) {
    const value = values[from + i] as number | bigint | null | undefined;
    if (typeof value === "bigint") {
      int32[i * 2] = Number(BigInt.asIntN(32, value));
      int32[i * 2 + 1] = Number(value >> 32n);
    } else {
      const n = value ?? 0;
      int32[i * 2] = n | 0;
      // the low half of a two's complement number as ToInt32 gives it; the high half by exact division
      int32[i * 2 + 1] = Math.floor(n / 4_294_967_296);
    }
  }
  copy(vector, count * 8);
};

const fillInt32: Fill = (vector, values, from, count) => {
  for (let i = 0; i < count; i++) int32[i] = (values[from + i] as number | null) ?? 0;
  copy(vector, count * 4);
};

const fillBool: Fill = (vector, values, from, count) => {
  for (let i = 0; i < count; i++) uint8[i] = values[from + i] ? 1 : 0;
  copy(vector, count);
};

const NIBBLE = new Uint8Array(128);
for (let c = 0; c < 16; c++) NIBBLE["0123456789abcdef".charCodeAt(c)] = c;
/** Where each of the 16 bytes starts in the text of a UUID, in DuckDB's order: low half first, little-endian. */
const UUID_AT = [34, 32, 30, 28, 26, 24, 21, 19, 16, 14, 11, 9, 6, 4, 2, 0];

const fillUuid: Fill = (vector, values, from, count) => {
  for (let i = 0; i < count; i++) {
    const text = values[from + i] as string | null | undefined;
    if (!text) continue;
    for (let b = 0; b < 16; b++) {
      const at = UUID_AT[b]!;
      uint8[i * 16 + b] = (NIBBLE[text.charCodeAt(at)]! << 4) | NIBBLE[text.charCodeAt(at + 1)]!;
    }
    uint8[i * 16 + 15]! ^= 0x80; // DuckDB keeps UUIDs as signed integers that sort alike
  }
  copy(vector, count * 16);
};

const fillText: Fill = (vector, values, from, count) => {
  for (let i = 0; i < count; i++) {
    const text = values[from + i] as string | null | undefined;
    if (text !== null && text !== undefined) duckdb.vector_assign_string_element(vector, i, text);
  }
};

const fillBlob: Fill = (vector, values, from, count) => {
  for (let i = 0; i < count; i++) {
    const bytes = values[from + i] as Uint8Array | null | undefined;
    if (bytes) duckdb.vector_assign_string_element_len(vector, i, bytes);
  }
};

const FILLS: Readonly<Record<string, Fill>> = {
  DOUBLE: fillDouble,
  BIGINT: fillInt64,
  TIMESTAMP: fillInt64,
  INTEGER: fillInt32,
  BOOLEAN: fillBool,
  UUID: fillUuid,
  VARCHAR: fillText,
  BLOB: fillBlob,
};

const TYPES = duckdb.Type;
const TYPE_OF: Readonly<Record<string, number>> = {
  DOUBLE: TYPES.DOUBLE,
  BIGINT: TYPES.BIGINT,
  TIMESTAMP: TYPES.TIMESTAMP,
  INTEGER: TYPES.INTEGER,
  BOOLEAN: TYPES.BOOLEAN,
  UUID: TYPES.UUID,
  VARCHAR: TYPES.VARCHAR,
  BLOB: TYPES.BLOB,
};

/**
 * Appends columns to a table. `columns[k]` holds the values of the k-th column: numbers (whole ones for BIGINT; microseconds for TIMESTAMP),
 * booleans, texts, UUID texts, bytes, or null. Built on the C bindings, because filling vectors value by value through the
 * object API costs more than twice as much (bench/README.md).
 */
export function appendColumns(
  appender: duckdb.Appender,
  types: readonly string[],
  columns: readonly (readonly unknown[])[],
): void {
  const rows = columns[0]?.length ?? 0;
  const logical = types.map((type) => duckdb.create_logical_type(TYPE_OF[type]!));
  for (let from = 0; from < rows; from += VECTOR_ROWS) {
    const count = Math.min(VECTOR_ROWS, rows - from);
    const chunk = duckdb.create_data_chunk(logical);
    duckdb.data_chunk_set_size(chunk, count);
    for (let k = 0; k < types.length; k++) {
      const vector = duckdb.data_chunk_get_vector(chunk, k);
      const values = columns[k]!;
      if (types[k] === "VARCHAR" && isConstant(values, from, count)) {
        duckdb.vector_reference_value(vector, duckdb.create_varchar(values[from] as string));
        continue;
      }
      if (markNulls(vector, values, from, count) < count) FILLS[types[k]!]!(vector, values, from, count);
    }
    duckdb.append_data_chunk(appender, chunk);
  }
}
