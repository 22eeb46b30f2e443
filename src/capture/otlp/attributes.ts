import { LIMITS } from "../../base/limits.ts";
import { boundJson, boundKey, boundText } from "../bound.ts";
import type { Attributes } from "./batch.ts";

/** Text of at most `max` characters that every encoder takes. */
export const tidy = (text: string, max: number): string =>
  text.length <= max && (text as unknown as { isWellFormed(): boolean }).isWellFormed() ? text : boundText(text, max);

/** The first of the attributes that is text and not empty; numbers count as their text. */
export function textIn(attributes: Attributes, ...names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = attributes[name];
    if (typeof value === "string" && value !== "") return value;
    if (typeof value === "number" && Number.isFinite(value)) return String(value);
  }
  return undefined;
}

/** {@link textIn}, cut to a length. */
export function shortIn(attributes: Attributes, max: number, ...names: readonly string[]): string | undefined {
  const text = textIn(attributes, ...names);
  return text === undefined ? undefined : tidy(text, max);
}

/** {@link textIn} as a key: a longer one ends in a hash of the whole. */
export function keyIn(attributes: Attributes, max: number, ...names: readonly string[]): string | undefined {
  const text = textIn(attributes, ...names);
  return text === undefined ? undefined : boundKey(text, max);
}

/** The first of the attributes that is a number, or text that is one: producers write both. */
export function numberIn(attributes: Attributes, ...names: readonly string[]): number | undefined {
  for (const name of names) {
    const value = attributes[name];
    const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
    if (typeof number === "number" && Number.isFinite(number)) return number;
  }
  return undefined;
}

/** {@link numberIn} as a count: whole, from 0. */
export function countIn(attributes: Attributes, ...names: readonly string[]): number | undefined {
  const number = numberIn(attributes, ...names);
  return number === undefined || number < 0 || number > Number.MAX_SAFE_INTEGER ? undefined : Math.floor(number);
}

/** {@link numberIn} where it is a duration or an amount: from 0. */
export function amountIn(attributes: Attributes, ...names: readonly string[]): number | undefined {
  const number = numberIn(attributes, ...names);
  return number === undefined || number < 0 ? undefined : number;
}

/** Truth of an attribute that is a boolean, or the text of one. */
export function boolIn(attributes: Attributes, name: string): boolean | undefined {
  const value = attributes[name];
  return value === true || value === "true" ? true : value === false || value === "false" ? false : undefined;
}

/** An attribute as the text of a message: text as it is, anything else as JSON. */
export function messageIn(attributes: Attributes, max: number, ...names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = attributes[name];
    if (value === undefined || value === null || value === "") continue;
    return typeof value === "string" ? tidy(value, max) : boundJson(value, max);
  }
  return undefined;
}

/** An attribute as JSON: text that is JSON already is taken as such. */
export function jsonIn(attributes: Attributes, max: number, ...names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = attributes[name];
    if (value === undefined || value === null || value === "") continue;
    return boundJson(typeof value === "string" ? parsed(value) : value, max);
  }
  return undefined;
}

/** The value of JSON text, or the text itself where it is none. */
export function parsed(text: string): unknown {
  if (!/^\s*[[{"]/.test(text) || text.length > LIMITS.text_bytes_max) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Attributes as JSON text; nothing where there are none. */
export function attributesJson(
  attributes: Attributes,
  max: number = LIMITS.otlp_attributes_chars_max,
): string | undefined {
  for (const _ in attributes) return boundJson(attributes, max);
  return undefined;
}

/** Attributes without some. */
export function without(attributes: Attributes, names: ReadonlySet<string>): Attributes {
  const out: Attributes = {};
  for (const name of Object.keys(attributes)) if (!names.has(name)) out[name] = attributes[name];
  return out;
}
