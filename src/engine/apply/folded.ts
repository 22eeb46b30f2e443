import type { DuckDBConnection } from "@duckdb/node-api";
import type { FoldProjection } from "../../define/projection.ts";
import { rowViewer } from "../../define/row.ts";
import type { Group } from "../../wire/frame.ts";
import { type Item, takeGroup } from "./column-source.ts";
import type { Db } from "./db.ts";
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
  /** Keys of the events of each portion of the step, in their order; undefined belongs to no row. */
  private keys = new Map<Portion, (string | undefined)[]>();
  private fresh = new Set<Group>();

  private readonly counted: boolean;

  /** `counted`: roll-ups read the table. */
  constructor(name: string, projection: FoldProjection, counted: boolean) {
    this.name = name;
    this.counted = counted;
    this.projection = projection;
    this.table = foldTable(name, projection);
    this.view = projection.from && rowViewer(projection.from);
  }

  private reads(type: string): boolean {
    return this.projection.on.some((d) => d.type === type);
  }

  /** Looks which rows the events of a step belong to, and loads those the table may hold. */
  async prepare(step: readonly Portion[], db: Db, faults: Fault[]): Promise<void> {
    this.keys = new Map();
    this.fresh = new Set();
    const seen = new Set<string>();
    const again = new Set<string>();
    const missing = new Set<string>();
    const parts: [Group, (string | undefined)[]][] = [];
    for (const portion of step) {
      const { frame, items, whole } = portion;
      const wanted = frame.groups.filter((group) => this.reads(group.type));
      if (wanted.length === 0) continue;
      const all = wanted.length === frame.groups.length;
      const keys: (string | undefined)[] = new Array(items.length);
      this.keys.set(portion, keys);
      let last: string | undefined;
      for (let i = 0; i < items.length; i++) {
        const item = items[i]!;
        if (!all && !wanted.includes(item.group)) continue;
        const key = this.keyOf(item, faults);
        keys[i] = key;
        if (key === undefined) continue;
        if (key === last) {
          if (this.view) again.add(key); // neighbours often belong to one row
        } else if (this.view && seen.has(key)) again.add(key);
        else seen.add(key);
        last = key;
      }
      if (!whole || !this.view || !this.projection.complete) continue;
      for (const group of wanted)
        if (this.projection.complete.some((d) => d.type === group.type))
          parts.push([group, keys.filter((_, i) => items[i]!.group === group)]);
    }
    for (const key of seen) if (this.table.mustLoad(key)) missing.add(key);
    for (const [group, keys] of parts) {
      const isNew = (key: string | undefined): boolean =>
        key !== undefined && !again.has(key) && !missing.has(key) && !this.table.inMemory(key);
      if (keys.every(isNew)) this.fresh.add(group);
    }
    await this.table.load(missing, db);
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
  take(portion: Portion, rollups: Rollups, faults: Fault[]): void {
    const keys = this.keys.get(portion);
    if (!keys) return;
    const { items, seq, frame } = portion;
    const views = new Map<Group, Row[]>();
    for (const group of frame.groups) if (this.fresh.has(group)) views.set(group, []);
    for (let i = 0; i < items.length; i++) {
      const item = items[i]!;
      const key = keys[i];
      if (key === undefined) continue;
      const rows = views.size > 0 ? views.get(item.group) : undefined;
      if (rows) {
        const row = this.view!(item.event);
        rows.push(row);
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
    // roll-ups need the row before, and the row after
    const own = entry?.own === true && !this.counted;
    const after = this.projection.fold(before as never, event, own) as Row;
    if (after === before) return;
    if (entry) {
      entry.row = after;
      entry.dirty = true;
      entry.own = true;
    } else this.table.put(key, after, seq).own = true;
    if (this.counted) rollups.changed(this.name, before, after, seq);
  }

  /** Writes new rows that nothing in memory waits for. */
  async append(connection: DuckDBConnection): Promise<void> {
    this.keys = new Map();
    this.fresh = new Set();
    await this.table.flush(connection);
  }
}
