import type { DuckDBConnection } from "@duckdb/node-api";
import type { FoldProjection } from "../../define/projection.ts";
import { rowViewer } from "../../define/row.ts";
import type { Group } from "../../wire/frame.ts";
import { type Item, takeGroup } from "./column-source.ts";
import { foldTable } from "./fold-table.ts";
import type { KeyedTable } from "./keyed.ts";
import type { Fault, Portion } from "./portion.ts";
import type { Rollups } from "./rollups.ts";

type Row = Readonly<Record<string, unknown>>;

/**
 * A table of a fold projection. Most events stand for a new row by themselves: where that holds for a whole group of a frame, its columns are
 * taken over as they are. All others are folded one by one into rows that were loaded before.
 */
export class Folded {
  readonly name: string;
  readonly table: KeyedTable<Row>;
  private readonly projection: FoldProjection;
  private readonly view: ReturnType<typeof rowViewer> | undefined;
  /** Key of each event of the step, by group: undefined belongs to no row. */
  private keys = new Map<Item, string>();
  private fresh = new Set<Group>();

  constructor(name: string, projection: FoldProjection) {
    this.name = name;
    this.projection = projection;
    this.table = foldTable(name, projection);
    this.view = projection.from && rowViewer(projection.from);
  }

  private reads(type: string): boolean {
    return this.projection.on.some((d) => d.type === type);
  }

  /** Looks which rows the events of a step belong to, and loads those the table may hold. */
  async prepare(step: readonly Portion[], connection: DuckDBConnection, faults: Fault[]): Promise<void> {
    this.keys = new Map();
    this.fresh = new Set();
    const seen = new Set<string>();
    const again = new Set<string>();
    const missing = new Set<string>();
    const parts: [Group, string[]][] = [];
    for (const { frame, items, whole } of step) {
      const wanted = frame.groups.filter((group) => this.reads(group.type));
      if (wanted.length === 0) continue;
      const keysOf = new Map(wanted.map((group): [Group, string[]] => [group, []]));
      for (const item of items) {
        const list = keysOf.get(item.group);
        const key = list && this.keyOf(item, faults);
        if (key === undefined) continue;
        this.keys.set(item, key);
        list!.push(key);
        if (seen.has(key)) again.add(key);
        else seen.add(key);
      }
      if (!whole || !this.view) continue;
      for (const [group, keys] of keysOf)
        if (keys.length === group.count && this.projection.complete?.some((d) => d.type === group.type))
          parts.push([group, keys]);
    }
    for (const key of seen) if (this.table.mustLoad(key)) missing.add(key);
    for (const [group, keys] of parts)
      if (keys.every((key) => !again.has(key) && !missing.has(key) && !this.table.holds(key))) this.fresh.add(group);
    await this.table.load(missing, connection);
  }

  private keyOf(item: Item, faults: Fault[]): string | undefined {
    try {
      return this.projection.keyOf(item.event);
    } catch (error) {
      faults.push({ item, table: this.name, error: String(error) });
      return undefined;
    }
  }

  /** Takes the events of a frame, after {@link prepare}. */
  take({ items, seq }: Portion, rollups: Rollups, faults: Fault[]): void {
    const views = new Map<Group, Row[]>();
    for (const item of items) {
      const key = this.keys.get(item);
      if (key === undefined) continue;
      if (this.fresh.has(item.group)) {
        const row = this.view!(item.event);
        const rows = views.get(item.group);
        if (rows) rows.push(row);
        else views.set(item.group, [row]);
        this.table.added(key, seq);
        rollups.changed(this.name, undefined, row, seq);
        continue;
      }
      try {
        this.fold(item, key, rollups);
      } catch (error) {
        faults.push({ item, table: this.name, error: String(error) });
      }
    }
    const { lanes } = this.table.rows;
    for (const [group, rows] of views) {
      takeGroup(this.projection.from!, group, rows, lanes);
      lanes.at(-1)!.take({ form: "same", value: seq }, 0, group.count); // first_seq
    }
  }

  private fold({ event, seq }: Item, key: string, rollups: Rollups): void {
    const entry = this.table.get(key);
    const before = entry?.row;
    const after = this.projection.fold(before as never, event) as Row;
    if (after === before) return;
    if (entry) {
      entry.row = after;
      entry.dirty = true;
    } else this.table.put(key, after, seq);
    rollups.changed(this.name, before, after, seq);
  }

  /** Writes new rows that nothing in memory waits for. */
  async append(connection: DuckDBConnection): Promise<void> {
    this.keys = new Map();
    this.fresh = new Set();
    await this.table.flush(connection);
  }
}
