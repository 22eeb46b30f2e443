import { type Column, NIL } from "../../define/column.ts";
import { ENVELOPE_FIELDS, type Event } from "../../define/event.ts";
import type { ColumnSource, ColumnSources } from "../../define/row.ts";
import type { Lane } from "../../store/lane.ts";
import type { Group } from "../../wire/frame.ts";

const ATTRIBUTE = new Map<string, number>(ENVELOPE_FIELDS.map(([name], k) => [name, k]));

/** The column of a source for all rows of a group, in the form it has on the wire; `each` where every row must be asked. */
function columnOf(source: ColumnSource, group: Group): Column | undefined | "each" {
  if (typeof source === "function") return "each";
  if ("value" in source) return source.value === undefined ? undefined : { form: "same", value: source.value };
  if ("attribute" in source) return group.attributeColumn(ATTRIBUTE.get(source.attribute)!);
  if ("field" in source) {
    const k = group.fieldNames.indexOf(source.field);
    return k < 0 ? undefined : group.fieldColumn(k);
  }
  const first = columnOf(source.either, group);
  if (first === undefined) return columnOf(source.or, group);
  return first === "each" || hasNil(first) ? "each" : first;
}

function hasNil(column: Column): boolean {
  switch (column.form) {
    case "same":
      return column.value === null || column.value === undefined;
    case "texts":
      return column.sizes.includes(NIL);
    default:
      return column.values.some((value) => value === null || value === undefined);
  }
}

/** Takes the rows that a group's events make by themselves into a table's lanes; `rows` shows each of them, in their order. */
export function takeGroup(
  from: ColumnSources,
  group: Group,
  rows: readonly Readonly<Record<string, unknown>>[],
  lanes: readonly Lane[],
): void {
  Object.keys(from).forEach((name, k) => {
    const column = columnOf(from[name]!, group);
    if (column !== "each") lanes[k]!.take(column, 0, group.count);
    else for (const row of rows) lanes[k]!.push(row[name]);
  });
}

/** An event of a frame and where it stands. */
export interface Item {
  readonly event: Event;
  readonly group: Group;
  readonly row: number;
  readonly seq: number;
}
