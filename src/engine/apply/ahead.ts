import type { DuckDBConnection } from "@duckdb/node-api";
import { Packr } from "msgpackr";
import { LIMITS } from "../../base/limits.ts";
import { Rows } from "../../store/rows.ts";
import type { Column, Projections } from "../../store/tables.ts";
import type { KeyedTable } from "./keyed.ts";

const COLUMNS: readonly Column[] = [
  { name: "seq", type: "BIGINT" },
  { name: "changes", type: "BLOB" },
];

/** Changes of one table: key, row as the table packs it, and first sequence of each. */
type Changes = readonly [table: string, rows: readonly (readonly [key: string, row: unknown, first_seq: number])[]];

type Tables = readonly KeyedTable<never>[];

/** Unlike frames these are read by weir alone: `undefined` stays what it is. */
const packr = new Packr({ useRecords: false });

/**
 * Rows that change with nearly every batch, such as the roll-ups of this hour and the sessions at work, are ahead of their tables: to write them there for
 * each small batch costs more than all the rest of it. What a batch changed in them goes packed into one row of `_ahead`, in the transaction of the
 * batch, and they go into their tables before somebody reads these, when many have gathered, and before the store is copied or closed.
 */
export class Ahead {
  private readonly rows = new Rows("_ahead", COLUMNS);
  /** Rows of `_ahead` and their bytes: committed, and with the open transaction. */
  private held = { rows: 0, bytes: 0 };
  private now = { rows: 0, bytes: 0 };

  /** Rows of `_ahead`, the open transaction included. */
  get count(): number {
    return this.now.rows;
  }

  /** Whether what changed may stay ahead of the tables. */
  hasRoom(tables: Tables): boolean {
    if (this.now.bytes >= LIMITS.ahead_bytes_max) return false;
    let rows = 0;
    for (const table of tables) rows += table.unwritten;
    return rows <= LIMITS.ahead_rows_max;
  }

  /** Keeps what the open transaction changed. */
  async append(writer: DuckDBConnection, seq: number, tables: Tables): Promise<void> {
    const changes: Changes[] = [];
    for (const table of tables) {
      table.check();
      const rows = [...table.changed()].map(([key, { row, first_seq }]) => [key, table.pack(row), first_seq] as const);
      if (rows.length > 0) changes.push([table.name, rows]);
    }
    if (changes.length === 0) return;
    const bytes = packr.pack(changes);
    [seq, bytes].forEach((value, k) => {
      this.rows.lanes[k]!.push(value);
    });
    await this.rows.append(writer);
    this.now = { rows: this.now.rows + 1, bytes: this.now.bytes + bytes.length };
  }

  /** The tables hold all of it, once the open transaction is committed. */
  async clear(writer: DuckDBConnection): Promise<void> {
    if (this.now.rows === 0) return;
    await writer.run("delete from _ahead");
    this.now = { rows: 0, bytes: 0 };
  }

  committed(): void {
    this.held = this.now;
  }
  rolledBack(): void {
    this.now = this.held;
    this.rows.clear();
  }

  /** Gives the tables what a process that was killed had not written into them. */
  async restore(writer: DuckDBConnection, tables: Tables): Promise<void> {
    const found = await writer.runAndReadAll("select changes from _ahead order by seq");
    for (const [blob] of found.getRows()) {
      const { bytes } = blob as { bytes: Uint8Array };
      for (const [name, rows] of packr.unpack(bytes) as Changes[]) {
        const table = tables.find((t) => t.name === name);
        for (const [key, row, first_seq] of rows) table?.restore(key, table.unpack(row), first_seq);
      }
    }
    this.held = { rows: found.currentRowCount, bytes: 0 };
    this.now = this.held;
  }
}

/** Tells whether a statement may read tables that rows are ahead of: it names one, or a view over one. */
export function readsAhead(projections: Projections): (sql: string) => boolean {
  const names = new Set<string>();
  const naming = (sql: string): boolean => (sql.match(/\w+/g) ?? []).some((word) => names.has(word));
  for (const [name, p] of projections) {
    if (p.kind === "fold" || p.kind === "rollup") names.add(name);
    if (p.kind === "rollup") for (const coarser of Object.keys(p.coarser ?? {})) names.add(coarser);
  }
  for (let before = -1; before < names.size; ) {
    before = names.size;
    for (const [name, p] of projections) if (p.kind === "view" && naming(p.sql)) names.add(name); // views over views
  }
  return naming;
}
