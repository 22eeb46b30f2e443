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

/** Digits that a double always holds. */
const DECIMAL_DIGITS = 15;

const iso = (us: bigint, value: { toString(): string }): string =>
  us > -TIME_US_MAX && us < TIME_US_MAX && Number.isSafeInteger(Number(us)) ? isoFromUs(Number(us)) : value.toString();

const whole = (value: bigint): number | string =>
  value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
    ? Number(value)
    : value.toString();

/**
 * A value of DuckDB as JSON holds it, the same in built-in queries and in SQL from outside: whole numbers and decimals as numbers where these are
 * exact, else as text; times as ISO text in UTC; bytes as base64; what is no number (NaN, infinity) as null; lists and structs nested; maps as
 * objects, those whose keys are no texts as lists of pairs.
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
  if (value instanceof DuckDBDecimalValue) return value.width <= DECIMAL_DIGITS ? value.toDouble() : value.toString();
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) return value.items.map(plainValue);
  if (value instanceof DuckDBStructValue)
    return Object.fromEntries(Object.entries(value.entries).map(([name, entry]) => [name, plainValue(entry)]));
  if (value instanceof DuckDBMapValue) {
    const pairs = value.entries.map(({ key, value: entry }) => ({ key: plainValue(key), value: plainValue(entry) }));
    return pairs.every(({ key }) => typeof key === "string")
      ? Object.fromEntries(pairs.map(({ key, value: entry }) => [key, entry]))
      : pairs;
  }
  if (value instanceof DuckDBUnionValue) return plainValue(value.value);
  return String(value);
}
