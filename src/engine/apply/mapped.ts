import type { MapProjection } from "../../define/projection.ts";
import { rowViewer } from "../../define/row.ts";
import { Rows } from "../../store/rows.ts";
import { columnsOf } from "../../store/tables.ts";
import type { Group } from "../../wire/frame.ts";
import { takeGroup } from "./column-source.ts";
import type { Fault, Portion } from "./portion.ts";
import type { Rollups } from "./rollups.ts";

type Row = Readonly<Record<string, unknown>>;

/** A table of a map projection and its rows on their way. */
export class Mapped {
  readonly name: string;
  readonly rows: Rows;
  private readonly projection: MapProjection;
  private readonly names: readonly string[];
  private readonly view: ReturnType<typeof rowViewer> | undefined;

  constructor(name: string, projection: MapProjection) {
    const columns = columnsOf(projection);
    this.name = name;
    this.projection = projection;
    this.rows = new Rows(name, columns);
    this.names = columns.map((column) => column.name);
    this.view = projection.from && rowViewer(projection.from);
  }

  private reads(type: string): boolean {
    const { on } = this.projection;
    return on === "all" || on.some((d) => d.type === type);
  }

  /** Takes the events it reads; a row that cannot be made becomes a fault, a column that cannot be taken fails the transaction. */
  take({ frame, seq, items, whole }: Portion, rollups: Rollups, faults: Fault[]): void {
    const wanted = frame.groups.filter((group) => this.reads(group.type));
    if (wanted.length === 0) return;
    const { projection, view } = this;
    const views = whole && view && projection.from ? new Map(wanted.map((g): [Group, Row[]] => [g, []])) : undefined;
    for (const item of items) {
      if (!wanted.includes(item.group)) continue;
      if (views) {
        const row = view!(item.event);
        views.get(item.group)!.push(row);
        rollups.changed(this.name, undefined, row, seq);
        continue;
      }
      try {
        for (const made of projection.map(item.event, { stream_seq: seq }) as readonly Row[]) {
          for (let k = 0; k < this.names.length; k++) this.rows.lanes[k]!.push(made[this.names[k]!]);
          rollups.changed(this.name, undefined, made, seq);
        }
      } catch (error) {
        faults.push({ item, table: this.name, error: String(error) });
      }
    }
    for (const [group, rows] of views ?? []) takeGroup(projection.from!, group, rows, this.rows.lanes);
  }
}
