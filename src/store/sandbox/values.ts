import {
  DuckDBArrayValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBIntervalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBUnionValue,
  type DuckDBValue,
} from "@duckdb/node-api";

const SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/** `2026-01-02T03:04:05.678901Z` from microseconds; the year may have more digits. Infinity stays DuckDB's word. */
function isoFromMicros(value: { toString(): string }, micros: bigint): string {
  const millis = micros >= 0n ? micros / 1_000n : -((-micros + 999n) / 1_000n);
  const rest = micros - millis * 1_000n;
  if (millis > 8_640_000_000_000_000n || millis < -8_640_000_000_000_000n) return value.toString();
  const iso = new Date(Number(millis)).toISOString();
  return rest === 0n ? iso : `${iso.slice(0, -1)}${String(rest).padStart(3, "0")}Z`;
}

/** A number where it is exact in JSON, else the digits as text. */
const whole = (value: bigint): number | string => (value <= SAFE && value >= -SAFE ? Number(value) : value.toString());

/**
 * A value of DuckDB as plain JSON: whole numbers as numbers when safe and as text otherwise, DECIMAL as a number when a
 * double holds its digits and as text otherwise, times as ISO text in UTC, blobs as DuckDB writes them, lists as arrays, structs and maps as
 * objects. NaN and infinities become text.
 */
export function plainValue(value: DuckDBValue): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value === "bigint") return whole(value);
  if (value instanceof DuckDBTimestampValue || value instanceof DuckDBTimestampTZValue)
    return isoFromMicros(value, value.micros);
  if (value instanceof DuckDBTimestampMillisecondsValue) return isoFromMicros(value, value.millis * 1_000n);
  if (value instanceof DuckDBTimestampSecondsValue) return isoFromMicros(value, value.seconds * 1_000_000n);
  if (value instanceof DuckDBTimestampNanosecondsValue) return isoFromMicros(value, value.nanos / 1_000n);
  if (value instanceof DuckDBDecimalValue) return value.width <= 15 ? Number(value.toString()) : value.toString();
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) return value.items.map(plainValue);
  if (value instanceof DuckDBStructValue) {
    return Object.fromEntries(Object.entries(value.entries).map(([key, item]) => [key, plainValue(item)]));
  }
  if (value instanceof DuckDBMapValue) {
    return Object.fromEntries(value.entries.map(({ key, value: item }) => [String(plainValue(key)), plainValue(item)]));
  }
  if (value instanceof DuckDBUnionValue) return plainValue(value.value);
  if (value instanceof DuckDBDateValue || value instanceof DuckDBIntervalValue) return value.toString();
  return String(value);
}
