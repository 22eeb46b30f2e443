import { ENVELOPE_FIELDS } from "../../define/event.ts";
import type { Column } from "../../store/tables.ts";
import type { Group } from "../../wire/frame.ts";

const ESCAPED = /["\\\u0000-\u001f\ud800-\udfff]/;
const quote = (text: string): string => (ESCAPED.test(text) ? JSON.stringify(text) : `"${text}"`);

function jsonOf(value: unknown): string {
  if (typeof value === "string") return quote(value);
  if (value instanceof Uint8Array) return `"${Buffer.from(value).toString("base64")}"`;
  return JSON.stringify(value);
}

/** The data of one row as a JSON object. */
export function dataJson(group: Group, row: number): string {
  let out = "";
  const { fieldNames } = group;
  for (let k = 0; k < fieldNames.length; k++) {
    const value = (group.fields[k] ?? group.field(k))[row];
    if (value === null || value === undefined) continue;
    out += `${out === "" ? '{"' : ',"'}${fieldNames[k]}":${jsonOf(value)}`;
  }
  return out === "" ? "{}" : `${out}}`;
}

/** Adds one row of a group to the columns of the table `events`, in the order of its definition. */
export function pushEvent(
  columns: readonly unknown[][],
  table: readonly Column[],
  group: Group,
  row: number,
  seq: number,
): void {
  const attributes = ENVELOPE_FIELDS.length;
  for (let k = 0; k < attributes; k++) columns[k]!.push((group.attributes[k] ?? group.attribute(k))[row]);
  columns[attributes]!.push(group.type);
  columns[attributes + 1]!.push(group.v);
  columns[attributes + 2]!.push(dataJson(group, row));
  columns[attributes + 3]!.push(seq);
  if (columns.length !== table.length) throw new Error("the table events and its columns have parted");
}
