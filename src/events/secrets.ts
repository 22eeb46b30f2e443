import { mayHoldSecret, redactText } from "../base/redact.ts";
import { isSealed } from "../base/seal.ts";
import { type Columns, columnsBehind, ENVELOPE_FIELDS, type Event } from "../define/event.ts";
import { definitionOf } from "./catalog.ts";

/** What held secrets in an event, with these taken out: attributes, and fields of its data. */
export interface Redactions {
  readonly set?: Record<string, unknown>;
  readonly data?: Record<string, unknown>;
}

/** Attributes in which a producer may write what it likes; the others are ids and keys, which tell things apart. */
const ATTRIBUTES = ["source", "subject", "project", "branch", "actor"] as const;
const ATTRIBUTE_COLUMNS = ATTRIBUTES.map((name) => ENVELOPE_FIELDS.findIndex(([known]) => known === name));

/** Which of the columns may hold a secret at all; looked at once for all rows, on the packed bytes. */
interface Suspects {
  readonly attributes: readonly number[];
  readonly fields: readonly number[];
}
const suspects = new WeakMap<Columns, Suspects>();

const mayHold = (raw: Uint8Array | undefined): boolean =>
  raw !== undefined && mayHoldSecret(Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString("latin1"));

function suspectColumns(columns: Columns, type: string): Suspects {
  let found = suspects.get(columns);
  if (!found) {
    const list = definitionOf(type)?.list ?? [];
    const texts = columns.fieldNames.map((_, k) => k).filter((k) => isText(list[k]?.[1].kind));
    found = {
      attributes: ATTRIBUTE_COLUMNS.filter((k) => mayHold(columns.attributeRaw(k))),
      fields: texts.filter((k) => mayHold(columns.fieldRaw(k))),
    };
    suspects.set(columns, found);
  }
  return found;
}

const isText = (kind: string | undefined): boolean =>
  kind === undefined || kind === "text" || kind === "json" || kind === "list" || kind === "ref";

/** What is encrypted holds no secret that could be read, and would be broken by a change. */
const clean = (text: string): string => (isSealed(text) ? text : redactText(text));

const redact = (value: unknown): unknown =>
  typeof value === "string"
    ? clean(value)
    : Array.isArray(value)
      ? value.map((v) => (typeof v === "string" ? clean(v) : v))
      : value;

const same = (clean: unknown, value: unknown): boolean =>
  Array.isArray(clean) ? clean.every((v, i) => v === (value as unknown[])[i]) : clean === value;

/** What is to be changed in an event so that it holds no secrets; undefined where it holds none. */
export function redactions(event: Event): Redactions | undefined {
  const behind = columnsBehind(event);
  let set: Record<string, unknown> | undefined;
  let data: Record<string, unknown> | undefined;
  const attribute = (name: string, value: unknown): void => {
    const found = redact(value);
    if (!same(found, value)) set = { ...set, [name]: found };
  };
  const field = (name: string, value: unknown): void => {
    const found = redact(value);
    if (!same(found, value)) data = { ...data, [name]: found };
  };
  if (behind) {
    const { attributes, fields } = suspectColumns(behind.columns, event.type);
    for (const k of attributes) attribute(ENVELOPE_FIELDS[k]![0], behind.columns.attribute(k)[behind.row]);
    for (const k of fields) field(behind.columns.fieldNames[k]!, behind.columns.field(k)[behind.row]);
  } else {
    for (const name of ATTRIBUTES) attribute(name, event[name]);
    for (const [name, value] of Object.entries(event.data)) field(name, value);
  }
  return set || data ? { ...(set ? { set } : {}), ...(data ? { data } : {}) } : undefined;
}
