import { NIL } from "../../define/column.ts";
import type { TextLane } from "../../store/text-lane.ts";
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

const bytesOf = (text: string): Uint8Array => Buffer.from(text, "utf8");
const OPEN = bytesOf("{");
const CLOSE = bytesOf("}");
const COMMA = bytesOf(",");
const NAMES = new Map<string, Uint8Array>();
function nameBytes(name: string): Uint8Array {
  let bytes = NAMES.get(name);
  if (!bytes) {
    bytes = bytesOf(`"${name}":`);
    if (NAMES.size < 4_096) NAMES.set(name, bytes);
  }
  return bytes;
}

/** Writes the value of one row of a field, if it has one: name and JSON, after a comma where something stands before. */
type Writer = (lane: TextLane, row: number, first: boolean) => boolean;

/** The same as {@link dataJson} for the rows `from` to `until`, written into the lane without making a string of each text. */
export function composeData(group: Group, lane: TextLane, from: number, until: number): void {
  const writers: Writer[] = [];
  group.fieldNames.forEach((name, k) => {
    const writer = writerOf(group, k, nameBytes(name), from);
    if (writer) writers.push(writer);
  });
  for (let row = from; row < until; row++) {
    lane.begin();
    lane.part(OPEN);
    let first = true;
    for (let w = 0; w < writers.length; w++) if (writers[w]!(lane, row, first)) first = false;
    lane.part(CLOSE);
    lane.end();
  }
}

function writerOf(group: Group, k: number, name: Uint8Array, from: number): Writer | undefined {
  const column = group.fieldColumn(k);
  if (!column) return undefined;
  const label = (lane: TextLane, first: boolean): void => {
    if (!first) lane.part(COMMA);
    lane.part(name);
  };
  switch (column.form) {
    case "texts": {
      const { bytes, sizes } = column;
      let at = 0;
      for (let row = 0; row < from; row++) at += (sizes[row] === NIL ? 0 : sizes[row]!) + 1;
      return (lane, row, first) => {
        const size = sizes[row]!;
        const start = at;
        at += (size === NIL ? 0 : size) + 1;
        if (size === NIL) return false;
        label(lane, first);
        lane.quoted(bytes, start, size);
        return true;
      };
    }
    case "list": {
      const values = group.field(k);
      return (lane, row, first) => {
        const value = values[row];
        if (value === null || value === undefined) return false;
        label(lane, first);
        lane.text(jsonOf(value));
        return true;
      };
    }
    default: {
      // few values: each is made once
      const made = (column.form === "same" ? [column.value] : column.values).map((value) =>
        value === null || value === undefined ? undefined : bytesOf(jsonOf(value)),
      );
      const picks = column.form === "few" ? column.picks : undefined;
      return (lane, row, first) => {
        const value = made[picks ? picks[row]! : 0];
        if (!value) return false;
        label(lane, first);
        lane.part(value);
        return true;
      };
    }
  }
}

/** Rough bytes of a row's data as JSON, so that a value which stands once for a thousand rows does not fill the memory. */
export function sizeOfRow(group: Group): number {
  let size = 64;
  group.fieldNames.forEach((_, k) => {
    const raw = group.fieldRaw(k);
    if (!raw) return;
    const column = group.fieldColumn(k)!;
    size += column.form === "same" || column.form === "few" ? raw.length : raw.length / group.count + 16;
  });
  return size;
}
