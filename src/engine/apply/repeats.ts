import { Rows } from "../../store/rows.ts";
import type { Column } from "../../store/tables.ts";
import type { Item } from "./column-source.ts";

const COLUMNS: readonly Column[] = [
  { name: "stream_seq", type: "BIGINT" },
  { name: "producer", type: "VARCHAR" },
  { name: "epoch", type: "BIGINT" },
  { name: "n", type: "BIGINT" },
];

/** Events that came again, by their producers' numbers: what `weir verify` counts them by. */
export class Repeats {
  readonly rows = new Rows("_repeats", COLUMNS);

  tell({ event, seq }: Item): void {
    const { lanes } = this.rows;
    [seq, event.producer, event.epoch, event.n].forEach((value, k) => {
      lanes[k]!.push(value);
    });
  }
}
