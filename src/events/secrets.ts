import { mayHoldSecret, redactText } from "../base/redact.ts";
import { type Columns, columnsBehind, type Event } from "../define/event.ts";
import { definitionOf } from "./catalog.ts";

/** Which of the columns may hold a secret at all; looked at once for all rows, on the packed bytes. */
const suspects = new WeakMap<Columns, readonly number[]>();

function suspectColumns(columns: Columns, type: string): readonly number[] {
  let found = suspects.get(columns);
  if (!found) {
    const list = definitionOf(type)?.list ?? [];
    const texts = columns.fieldNames.map((_, k) => k).filter((k) => isText(list[k]?.[1].kind));
    found = texts.filter((k) => {
      const raw = columns.fieldRaw(k);
      return raw !== undefined && mayHoldSecret(Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString("latin1"));
    });
    suspects.set(columns, found);
  }
  return found;
}

const isText = (kind: string | undefined): boolean =>
  kind === undefined || kind === "text" || kind === "json" || kind === "list" || kind === "ref";

const redact = (value: unknown): unknown =>
  typeof value === "string"
    ? redactText(value)
    : Array.isArray(value)
      ? value.map((v) => (typeof v === "string" ? redactText(v) : v))
      : value;

/** The fields of an event's data that held secrets, with these taken out; undefined where there are none. */
export function redactedFields(event: Event): Record<string, unknown> | undefined {
  const behind = columnsBehind(event);
  let changed: Record<string, unknown> | undefined;
  const look = (name: string, value: unknown): void => {
    const clean = redact(value);
    const same = Array.isArray(clean) ? clean.every((v, i) => v === (value as unknown[])[i]) : clean === value;
    if (!same) changed = { ...changed, [name]: clean };
  };
  if (behind)
    for (const k of suspectColumns(behind.columns, event.type))
      look(behind.columns.fieldNames[k]!, behind.columns.field(k)[behind.row]);
  else for (const [name, value] of Object.entries(event.data)) look(name, value);
  return changed;
}
