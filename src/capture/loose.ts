import { usFromIso } from "../base/clock.ts";

/** A JSON object of a foreign format: nothing about its fields can be relied on. */
export type Loose = Readonly<Record<string, unknown>>;

/** Whether a value is a JSON object (not a list, not null). */
export const isLoose = (value: unknown): value is Loose =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The value as an object, an empty one where it is none. */
export const looseOf = (value: unknown): Loose => (isLoose(value) ? value : {});

/** The value as a list, an empty one where it is none. */
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** The value where it is text that is not empty. */
export const textOf = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

/** The value as a count: a whole number from 0; 0 where it is none. */
export const countOf = (value: unknown): number =>
  typeof value === "number" && value > 0 && value <= Number.MAX_SAFE_INTEGER ? Math.floor(value) : 0;

/** Microseconds of an ISO time; undefined where it is none or out of what events can carry. */
export function timeOf(value: unknown): number | undefined {
  const us = typeof value === "string" ? usFromIso(value) : undefined;
  return us !== undefined && us > 0 && Number.isSafeInteger(us) ? us : undefined;
}

/** The value, or what it holds where it is JSON in a text: some formats write objects that way. */
export function parsedJson(value: unknown): unknown {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
