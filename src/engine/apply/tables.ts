import { WeirError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import { columnsBehind, type Event } from "../../define/event.ts";
import type { FoldProjection, MapProjection } from "../../define/projection.ts";
import { upcast } from "../../events/plain.ts";
import { checkpointWhenLarge, movePosition, type Position, readPosition, type Store } from "../../store/open.ts";
import { type Column, columnsOf, type Projections } from "../../store/tables.ts";
import type { Frame, Group } from "../../wire/frame.ts";
import { dataJson, pushEvent } from "./event-columns.ts";
import { asStoreError, isFatal } from "./failure.ts";
import { foldTable } from "./fold-table.ts";
import { appendTo, type KeyedTable } from "./keyed.ts";
import { KeyIndex } from "./keys.ts";
import { Rollups } from "./rollups.ts";
import { SeenIds } from "./seen.ts";

/** A frame with its place in the log. */
export interface Placed {
  readonly seq: number;
  readonly frame: Frame;
}

type Row = Readonly<Record<string, unknown>>;
interface Mapped {
  readonly name: string;
  readonly projection: MapProjection;
  readonly columns: readonly Column[];
  values: unknown[][];
}
interface Folded {
  readonly name: string;
  readonly projection: FoldProjection;
  readonly table: KeyedTable<Row>;
}
interface Item {
  readonly event: Event;
  readonly group: Group;
  readonly row: number;
  readonly seq: number;
}
/** What became of a batch. */
export interface Applied {
  /** Ids of the events that are in the tables now, those set aside included. */
  readonly ids: ReadonlySet<string>;
  readonly repeated: number;
}
interface Fault {
  readonly item: Item;
  readonly table: string;
  readonly error: string;
}

/** The tables, and what is needed to carry them on: applies frames in log order, each event once, with the position in the same transaction. */
export class Tables {
  readonly store: Store;
  position: Position;
  private readonly mapped: Mapped[] = [];
  private readonly folded: Folded[] = [];
  private readonly byType = new Map<string, { mapped: Mapped[]; folded: Folded[] }>();
  private readonly rollups: Rollups;
  private readonly eventsColumns: readonly Column[];
  private eventsValues: unknown[][] = [];
  private seen: SeenIds;
  private readonly keysFolder: string;

  private constructor(store: Store, projections: Projections, position: Position, seen: SeenIds) {
    this.store = store;
    this.position = position;
    this.seen = seen;
    this.keysFolder = `${store.file}.keys`;
    const rollups = new Map<string, Extract<ReturnType<Projections["get"]>, { kind: "rollup" }>>();
    for (const [name, p] of projections) {
      if (p.kind === "map" && name !== "events")
        this.mapped.push({ name, projection: p, columns: columnsOf(p), values: [] });
      if (p.kind === "fold") this.folded.push({ name, projection: p, table: foldTable(name, p) });
      if (p.kind === "rollup") rollups.set(name, p);
    }
    this.rollups = new Rollups(rollups);
    const events = projections.get("events");
    if (events?.kind !== "map") throw new Error("the table events is missing");
    this.eventsColumns = columnsOf(events);
  }

  /** Opens the tables of a store where they stand. */
  static async open(store: Store, projections: Projections): Promise<Tables> {
    const position = await readPosition(store.writer);
    const tables = new Tables(store, projections, position, await SeenIds.load(store.writer));
    const identity = `${position.stream} ${position.created}`;
    for (const table of tables.keyedTables()) {
      table.index = KeyIndex.load(tables.keysFolder, table.name, identity, position.seq);
      await table.catchUp(store.writer);
    }
    return tables;
  }

  private keyedTables(): KeyedTable<never>[] {
    return [...this.folded.map((f) => f.table), this.rollups.table] as unknown as KeyedTable<never>[];
  }

  /** One piece of work on the writing connection at a time. */
  private queue: Promise<unknown> = Promise.resolve();
  private alone<T>(work: () => Promise<T>): Promise<T> {
    const run = this.queue.then(work);
    this.queue = run.catch(() => {}); // who asked for the work is told
    return run;
  }

  /** Runs work between two transactions. */
  quiet<T>(work: () => Promise<T>): Promise<T> {
    return this.alone(work);
  }

  /** Applies frames and moves the position to the last one's sequence. Throws `conflict` where somebody else moved it, `store_failed` otherwise. */
  apply(batch: readonly Placed[], stream: { stream: string; created: string }): Promise<Applied> {
    return this.alone(() => this.applyNow(batch, stream));
  }

  private async applyNow(batch: readonly Placed[], stream: { stream: string; created: string }): Promise<Applied> {
    const none: ReadonlyMap<string, string> = new Map();
    let applied: Applied;
    try {
      applied = await this.transact(batch, stream, { bad: none, keep: true });
    } catch (error) {
      if (isFatal(error)) throw asStoreError(error);
      // some event cannot be written: find it, set it aside, write the others
      const ids = batch.flatMap(({ frame }) => frame.events().map((event) => event.id));
      const bad = await this.isolate(ids, async (subset) => {
        await this.transact(batch, stream, { only: new Set(subset), bad: none, keep: false });
      });
      if (bad.length === 0) throw asStoreError(error);
      applied = await this.transact(batch, stream, {
        bad: new Map(bad.map((id) => [id, String(error)])),
        keep: true,
      }).catch((again) => {
        throw asStoreError(again);
      });
    }
    this.seen.add(applied.ids);
    for (const table of this.keyedTables()) table.index.save(this.keysFolder, table.name, false);
    return applied;
  }

  /** Halves the events until those that fail stand alone. */
  private async isolate(
    ids: readonly string[],
    attempt: (subset: readonly string[]) => Promise<void>,
  ): Promise<string[]> {
    try {
      await attempt(ids);
      return [];
    } catch (error) {
      if (isFatal(error)) throw asStoreError(error);
      if (ids.length === 1) return [ids[0]!];
      const half = ids.length >> 1;
      return [...(await this.isolate(ids.slice(0, half), attempt)), ...(await this.isolate(ids.slice(half), attempt))];
    }
  }

  /**
   * One transaction: the batch step by step, so that only a thousand events' rows are in memory, then the rows that changed, then the position.
   * `only`: apply no other events. `bad`: set these aside with the reason. `keep`: false tries it and takes it back.
   */
  private async transact(
    batch: readonly Placed[],
    stream: { stream: string; created: string },
    how: { readonly only?: ReadonlySet<string>; readonly bad: ReadonlyMap<string, string>; readonly keep: boolean },
  ): Promise<Applied> {
    const { writer } = this.store;
    const ids = new Set<string>();
    const faults: Fault[] = [];
    let repeated = 0;
    let { time_us } = this.position;
    let open = false;
    try {
      await writer.run("begin");
      open = true;
      let wanted: Item[] = [];
      let again: Item[] = [];
      for (const placed of batch) {
        const { fresh, repeats } = await this.sort(placed, ids);
        repeated += repeats.length;
        again.push(...repeats);
        for (const item of fresh) {
          const { id, time, via } = item.event;
          // what weir itself tells (ticks, alerts) is not what happened last
          if (via !== "weir" && time > time_us) time_us = time;
          const reason = how.bad.get(id);
          if (reason !== undefined) faults.push({ item, table: "*", error: reason });
          else if (!how.only || how.only.has(id)) wanted.push(item);
        }
        // small frames share a step: each step pays for its appenders
        if (wanted.length < LIMITS.step_events_max && placed !== batch.at(-1)) continue;
        await this.compute(wanted, faults);
        await this.appendRows(again);
        wanted = [];
        again = [];
      }
      for (const table of this.keyedTables()) await table.write(writer);
      await this.setAside(faults);
      if (!how.keep) throw new Rollback();
      const to: Position = {
        ...stream,
        seq: batch.at(-1)!.seq,
        applied: this.position.applied + ids.size,
        repeated: this.position.repeated + repeated,
        set_aside: this.position.set_aside + faults.length,
        time_us,
      };
      if (!(await movePosition(writer, this.position, to))) {
        throw new WeirError("conflict", "the tables' position was moved by somebody else");
      }
      open = false; // a commit that fails leaves an unknown result: the position is read again by whoever opens the store next
      await writer.run("commit");
      this.position = to;
      for (const table of this.keyedTables()) table.committed();
    } catch (error) {
      if (open) await writer.run("rollback").catch(() => {}); // the failure itself is what is told
      for (const table of this.keyedTables()) table.forget();
      if (!(error instanceof Rollback)) throw error;
    } finally {
      this.rollups.reset();
      this.clearRows();
    }
    return { ids, repeated };
  }

  /** The events of a frame that are new, whose ids join `ids`, and those that came before. */
  private async sort({ seq, frame }: Placed, ids: Set<string>): Promise<{ fresh: Item[]; repeats: Item[] }> {
    const all: Item[] = [];
    frame.forEach((group, row) => {
      all.push({ event: upcast(group.event(row)), group, row, seq });
    });
    const seen = await this.seen.repeats(
      all.map((item) => item.event.id),
      ids,
      this.store.writer,
    );
    return { fresh: all.filter((_, i) => seen[i] === 0), repeats: all.filter((_, i) => seen[i] === 1) };
  }

  private clearRows(): void {
    this.eventsValues = this.eventsColumns.map(() => []);
    for (const mapped of this.mapped) mapped.values = mapped.columns.map(() => []);
  }

  /** Rows in memory: no table is touched yet. */
  private async compute(items: readonly Item[], faults: Fault[]): Promise<void> {
    this.clearRows();
    const keys = await this.loadFolded(items, faults);
    const countsEvents = this.rollups.reads("events");
    for (let i = 0; i < items.length; i++) {
      const { event, group, row, seq } = items[i]!;
      if (columnsBehind(event)) pushEvent(this.eventsValues, this.eventsColumns, group, row, seq);
      else this.pushUpcast(event, seq);
      if (countsEvents) this.rollups.changed("events", undefined, event as unknown as Row, seq);
      const { mapped, folded } = this.readersOf(event.type);
      for (const m of mapped) {
        try {
          for (const made of m.projection.map(event, { stream_seq: seq }) as readonly Row[]) {
            for (let k = 0; k < m.columns.length; k++) m.values[k]!.push(made[m.columns[k]!.name]);
            this.rollups.changed(m.name, undefined, made, seq);
          }
        } catch (error) {
          faults.push({ item: items[i]!, table: m.name, error: String(error) });
        }
      }
      for (let f = 0; f < folded.length; f++) {
        const key = keys[i]![f];
        if (key === undefined) continue;
        try {
          this.foldOne(folded[f]!, key, event, seq);
        } catch (error) {
          faults.push({ item: items[i]!, table: folded[f]!.name, error: String(error) });
        }
      }
    }
    await this.rollups.settle(this.store.writer);
  }

  private foldOne({ name, projection, table }: Folded, key: string, event: Event, seq: number): void {
    const entry = table.get(key);
    const before = entry?.row;
    const after = projection.fold(before as never, event) as Row;
    if (after === before) return;
    if (entry) {
      entry.row = after;
      entry.dirty = true;
    } else table.put(key, after, seq);
    this.rollups.changed(name, before, after, seq);
  }

  /** Keys of the rows each event folds into, with those rows loaded that the tables may hold. */
  private async loadFolded(items: readonly Item[], faults: Fault[]): Promise<(string | undefined)[][]> {
    const wanted = new Map<Folded, Set<string>>();
    const keys = items.map((item) =>
      this.readersOf(item.event.type).folded.map((f) => {
        let key: string | undefined;
        try {
          key = f.projection.keyOf(item.event);
        } catch (error) {
          faults.push({ item, table: f.name, error: String(error) });
        }
        if (key !== undefined && f.table.mustLoad(key)) {
          let set = wanted.get(f);
          if (!set) {
            set = new Set();
            wanted.set(f, set);
          }
          set.add(key);
        }
        return key;
      }),
    );
    for (const [f, set] of wanted) await f.table.load(set, this.store.writer);
    return keys;
  }

  private readersOf(type: string): { mapped: Mapped[]; folded: Folded[] } {
    let readers = this.byType.get(type);
    if (!readers) {
      const wants = (on: MapProjection["on"]): boolean => on === "all" || on.some((d) => d.type === type);
      readers = {
        mapped: this.mapped.filter((m) => wants(m.projection.on)),
        folded: this.folded.filter((f) => wants(f.projection.on)),
      };
      this.byType.set(type, readers);
    }
    return readers;
  }

  private pushUpcast(event: Event, seq: number): void {
    const row: Row = { ...event, data: JSON.stringify(event.data), stream_seq: seq };
    this.eventsColumns.forEach((column, k) => {
      this.eventsValues[k]!.push(row[column.name]);
    });
  }

  /** Writes a frame's rows: those of tables that only grow, and new folded rows that nothing in memory waits for. */
  private async appendRows(repeats: readonly Item[]): Promise<void> {
    const { writer } = this.store;
    await appendTo(writer, "events", this.eventsColumns, this.eventsValues);
    for (const { name, columns, values } of this.mapped) await appendTo(writer, name, columns, values);
    for (const { table } of this.folded) await table.flush(writer);
    await appendTo(writer, "_repeats", REPEATS, [
      repeats.map((r) => r.seq),
      ...(["producer", "epoch", "n"] as const).map((name) => repeats.map((r) => r.event[name])),
    ]);
    this.clearRows();
  }

  private async setAside(faults: readonly Fault[]): Promise<void> {
    for (const { item, table, error } of faults) {
      await this.store.writer.run("insert into set_aside values ($id, $type, $seq, $error, $event)", {
        id: item.event.id,
        type: item.event.type,
        seq: item.seq,
        error: `${table}: ${error}`,
        event: columnsBehind(item.event) ? dataJson(item.group, item.row) : JSON.stringify(item.event.data),
      });
    }
  }

  /** Keeps the store's write-ahead log short. */
  checkpoint(bytesMax?: number): Promise<boolean> {
    return this.alone(async () => {
      if (!(await checkpointWhenLarge(this.store, bytesMax))) return false;
      this.saveKeys();
      return true;
    });
  }

  private saveKeys(): void {
    for (const table of this.keyedTables()) table.index.save(this.keysFolder, table.name, true);
  }

  /** Saves what makes the next start quick, and closes the store. */
  async close(): Promise<void> {
    await this.alone(async () => {
      this.saveKeys();
      await this.store.close();
    });
  }
}

const REPEATS: readonly Column[] = [
  { name: "stream_seq", type: "BIGINT" },
  { name: "producer", type: "VARCHAR" },
  { name: "epoch", type: "BIGINT" },
  { name: "n", type: "BIGINT" },
];

class Rollback extends Error {}
