import {
  DuckDBArrayValue,
  DuckDBBlobValue,
  DuckDBDecimalValue,
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
import { isoFromUs } from "../base/clock.ts";

/** Largest time that JavaScript's calendar holds, in microseconds. */
const TIME_US_MAX = 8_640_000_000_000_000_000n;

const iso = (us: bigint, value: { toString(): string }): string =>
  us > -TIME_US_MAX && us < TIME_US_MAX && Number.isSafeInteger(Number(us)) ? isoFromUs(Number(us)) : value.toString();

const whole = (value: bigint): number | string =>
  value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
    ? Number(value)
    : value.toString();

/**
 * A value of DuckDB as JSON holds it: whole numbers as numbers where these are exact, else as text; times as ISO text in UTC; bytes as
 * base64; decimals as numbers; what is no number (NaN, infinity) as null; lists, structs and maps nested.
 */
export function plainValue(value: DuckDBValue): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value === "bigint") return whole(value);
  if (value instanceof DuckDBTimestampValue || value instanceof DuckDBTimestampTZValue) return iso(value.micros, value);
  if (value instanceof DuckDBTimestampMillisecondsValue) return iso(value.millis * 1_000n, value);
  if (value instanceof DuckDBTimestampSecondsValue) return iso(value.seconds * 1_000_000n, value);
  if (value instanceof DuckDBTimestampNanosecondsValue) return iso(value.nanos / 1_000n, value);
  if (value instanceof DuckDBBlobValue) return Buffer.from(value.bytes).toString("base64");
  if (value instanceof DuckDBDecimalValue) return value.toDouble();
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) return value.items.map(plainValue);
  if (value instanceof DuckDBStructValue)
    return Object.fromEntries(Object.entries(value.entries).map(([name, entry]) => [name, plainValue(entry)]));
  if (value instanceof DuckDBMapValue)
    return value.entries.map(({ key, value: entry }) => ({ key: plainValue(key), value: plainValue(entry) }));
  if (value instanceof DuckDBUnionValue) return plainValue(value.value);
  return String(value);
}
