import type { FoldProjection } from "../../define/projection.ts";
import type { Lane } from "../../store/lane.ts";
import { columnsOf } from "../../store/tables.ts";
import { KeyedTable } from "./keyed.ts";

type Row = Readonly<Record<string, unknown>>;

/**
 * Adds a row's values to lanes. Made as code with every name written out: reading properties by names that vary is ten times as slow, and
 * this runs for each column of each row. Names come from definitions and are identifiers.
 */
function pusher(names: readonly string[]): (lanes: readonly Lane[], row: Row, first_seq: number) => void {
  for (const name of names) if (!/^[a-z][a-z0-9_]*$/.test(name)) throw new Error(`${name} is no name of a column`);
  const body = names.map((name, k) => `lanes[${k}].push(row.${name});`).join("");
  return new Function("lanes", "row", "first_seq", `${body}lanes[${names.length}].push(first_seq);`) as ReturnType<
    typeof pusher
  >;
}

/** The table of a fold projection. */
export function foldTable(name: string, projection: FoldProjection): KeyedTable<Row> {
  const columns = columnsOf(projection);
  const names = columns.slice(0, -1).map((c) => c.name);
  return new KeyedTable<Row>({
    name,
    key: projection.key,
    columns,
    push: pusher(names),
    fromValues: (values) => Object.fromEntries(names.map((column, k) => [column, values[k]])),
    keep: (row) => projection.open?.(row as never) ?? false,
  });
}
