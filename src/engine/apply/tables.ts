import type { DuckDBConnection } from "@duckdb/node-api";
import { WeirError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import { Turn } from "../../base/wait.ts";
import { columnsBehind } from "../../define/event.ts";
import {
  checkpointWhenLarge,
  isStoreFault,
  movePosition,
  type Position,
  readPosition,
  type Store,
  walIsLarge,
} from "../../store/open.ts";
import { columnsOf, type Projections } from "../../store/tables.ts";
import { Ahead } from "./ahead.ts";
import { Caches } from "./caches.ts";
import { EventRows } from "./event-rows.ts";
import { Folded } from "./folded.ts";
import { Forgotten } from "./forgotten.ts";
import { isolate } from "./isolate.ts";
import type { KeyedTable } from "./keyed.ts";
import { KeyIndex } from "./keys.ts";
import { Mapped } from "./mapped.ts";
import type { Fault, Placed, Portion } from "./portion.ts";
import { Repeats } from "./repeats.ts";
import { Rollups } from "./rollups.ts";
import { SeenIds } from "./seen.ts";
import { setAside } from "./set-aside.ts";
import { type Choice, idsOf, sort } from "./sort.ts";
import { Writing } from "./writing.ts";

type Row = Readonly<Record<string, unknown>>;

/** The stream that frames come from, and when it was made. */
interface StreamName {
  readonly stream: string;
  readonly created: string;
}

/** What became of a batch. */
export interface Applied {
  /** Ids of the events that are in the tables now, those set aside included. */
  readonly ids: ReadonlySet<string>;
  readonly repeated: number;
}
/** The tables, and what is needed to carry them on: applies frames in log order, each event once, with the position in the same transaction. */
export class Tables {
  readonly store: Store;
  position: Position;
  private readonly mapped: Mapped[] = [];
  private readonly folded: Folded[] = [];
  private readonly rollups: Rollups;
  private readonly events: EventRows;
  private readonly repeats = new Repeats();
  private readonly seen: SeenIds;
  private readonly forgotten: Forgotten;
  private readonly caches: Caches;
  private readonly turn = new Turn(LIMITS.apply_turn_ms);
  /** Tables whose rows change. */
  private readonly keyed: readonly KeyedTable<never>[];
  private readonly ahead = new Ahead();
  private readonly writing: Writing;

  private constructor(store: Store, projections: Projections, position: Position, caches: Caches, seen: SeenIds) {
    this.store = store;
    this.position = position;
    this.seen = seen;
    this.forgotten = new Forgotten(projections);
    this.caches = caches;
    const rollups = new Map<string, Extract<ReturnType<Projections["get"]>, { kind: "rollup" }>>();
    for (const [name, p] of projections) {
      if (p.kind === "map" && name !== "events") this.mapped.push(new Mapped(name, p));
      if (p.kind === "rollup") rollups.set(name, p);
    }
    this.rollups = new Rollups(rollups);
    for (const [name, p] of projections)
      if (p.kind === "fold") this.folded.push(new Folded(name, p, this.rollups.reads(name)));
    const events = projections.get("events");
    if (events?.kind !== "map") throw new Error("the table events is missing");
    this.events = new EventRows(columnsOf(events));
    this.keyed = [...this.folded.map((f) => f.table), this.rollups.table] as unknown as KeyedTable<never>[];
    this.writing = new Writing(store);
  }

  /** Opens the tables of a store where they stand. */
  static async open(store: Store, projections: Projections): Promise<Tables> {
    const position = await readPosition(store.writer);
    const caches = new Caches(`${store.file}.keys`);
    const identity = identityOf(position);
    const seen = await SeenIds.load(store.writer, caches, identity, position.seq);
    const tables = new Tables(store, projections, position, caches, seen);
    await tables.forgotten.load(store.writer);
    await tables.ahead.restore(store.writer, tables.keyed);
    await tables.catchUp();
    for (const table of tables.keyed) {
      table.index = KeyIndex.load(caches, table.name, identity, position.seq);
      await table.catchUp(store.writer);
    }
    await store.giveBack(); // what opening took
    return tables;
  }

  /** Sessions of which the tables show nothing private any more. */
  get forgottenSessions(): readonly string[] {
    return this.forgotten.all;
  }
  /** How many they are. */
  get forgottenCount(): number {
    return this.forgotten.count;
  }

  /** Runs work between two transactions, when the tables hold all up to their position. */
  quiet<T>(work: () => Promise<T>): Promise<T> {
    return this.writing.alone(async () => {
      await this.writing.committing;
      await this.catchUp();
      return work();
    });
  }

  /** {@link submit}, and its commit. */
  async apply(batch: readonly Placed[], stream: StreamName): Promise<Applied> {
    const { durable, ...applied } = await this.submit(batch, stream);
    await durable;
    return applied;
  }

  /**
   * Applies frames and moves the position to the last one's sequence; the next batch may be submitted before this one is durable. Throws `conflict`
   * where somebody else moved the position, `store_failed` otherwise. Tables whose commit failed take nothing more: they are to be opened again.
   */
  async submit(batch: readonly Placed[], stream: StreamName): Promise<Applied & { readonly durable: Promise<void> }> {
    // not the promise of the commit itself: whoever is next in the queue must not wait for it
    return this.writing.alone(async () => ({
      ...(await this.applyNow(batch, stream)),
      durable: this.writing.committing,
    }));
  }

  private async applyNow(batch: readonly Placed[], stream: StreamName): Promise<Applied> {
    const none: ReadonlyMap<string, string> = new Map();
    let applied: Applied;
    try {
      applied = await this.transact(batch, stream, { bad: none, keep: true });
    } catch (error) {
      if (isStoreFault(error) || this.writing.broken) throw this.writing.failure(error);
      // some event cannot be written: find it, set it aside, write the others
      const ids = batch.flatMap(({ frame }) => frame.events().map((event) => event.id));
      const bad = await isolate(ids, async (subset) => {
        await this.transact(batch, stream, { only: new Set(subset), bad: none, keep: false });
      }).catch((fault: unknown) => Promise.reject(this.writing.failure(fault)));
      // where none fails alone, it was the way columns are taken over: `only` takes them row by row
      applied = await this.transact(batch, stream, {
        ...(bad.length === 0 && { only: new Set(ids) }),
        bad: new Map(bad.map((id) => [id, String(error)])),
        keep: true,
      }).catch((again) => {
        throw this.writing.failure(again);
      });
    }
    this.seen.add(applied.ids);
    this.saveKeys(false);
    return applied;
  }

  /**
   * One transaction: the batch step by step, so that the rows in memory are bounded, then the rows that changed, then the position.
   * `only`: apply no other events. `bad`: set these aside with the reason. `keep`: false tries it and takes it back.
   */
  private async transact(
    batch: readonly Placed[],
    stream: StreamName,
    how: Choice & { readonly keep: boolean },
  ): Promise<Applied> {
    const ids = new Set<string>();
    const faults: Fault[] = [];
    let repeated = 0;
    let { time_us } = this.position;
    try {
      let step: Portion[] = [];
      let waiting = 0;
      // ids that must be looked up are looked up together: a statement for each frame costs more than all the rest of it
      const known = await this.seen.repeats(idsOf(batch), ids, this.writing.db);
      let at = 0;
      for (const placed of batch) {
        const { count } = placed.frame;
        const { portion, repeats } = sort(placed, known.subarray(at, at + count), this.forgotten, how);
        at += count;
        repeated += repeats.length;
        for (const item of repeats) this.repeats.tell(item);
        // what weir itself tells (ticks, alerts) is not what happened last
        for (const { event } of portion.items) if (event.via !== "weir" && event.time > time_us) time_us = event.time;
        faults.push(...portion.faults);
        step.push(portion);
        waiting += count;
        // frames share a step: each step pays for its appenders
        if (waiting < LIMITS.apply_events_max && placed !== batch.at(-1)) continue;
        await this.compute(step, faults);
        step = [];
        waiting = 0;
      }
      const writer = await this.writing.db();
      const seq = batch.at(-1)!.seq;
      // a session that is forgotten is emptied in the tables, so they must hold all of it
      if (!this.forgotten.pending && this.ahead.hasRoom(this.keyed)) await this.ahead.append(writer, seq, this.keyed);
      else await this.writeAhead(writer);
      await setAside(writer, faults);
      await this.forgotten.empty(writer);
      if (!how.keep) throw new Rollback();
      await this.move(writer, {
        ...stream,
        seq,
        applied: this.position.applied + ids.size,
        repeated: this.position.repeated + repeated,
        set_aside: this.position.set_aside + faults.length,
        time_us,
        ahead: this.ahead.count,
      });
    } catch (error) {
      await this.takeBack();
      if (!(error instanceof Rollback)) throw error;
    } finally {
      this.rollups.reset();
      this.clearRows();
    }
    return { ids, repeated };
  }

  /** Writes what is ahead of the tables into them, in the open transaction. */
  private async writeAhead(writer: DuckDBConnection): Promise<void> {
    for (const table of this.keyed) {
      await this.turn.mayEnd();
      await table.write(writer);
    }
    await this.ahead.clear(writer);
  }

  /** The same in a transaction of its own. */
  private async catchUp(): Promise<void> {
    if (this.ahead.count === 0) return;
    try {
      const writer = await this.writing.db();
      await this.writeAhead(writer);
      await this.move(writer, { ...this.position, ahead: 0 });
    } catch (error) {
      await this.takeBack();
      throw this.writing.failure(error);
    }
    await this.writing.committing;
  }

  /** Moves the position, and commits the open transaction. */
  private async move(writer: DuckDBConnection, to: Position): Promise<void> {
    if (!(await movePosition(writer, this.position, to))) {
      throw new WeirError("conflict", "the tables' position was moved by somebody else");
    }
    this.writing.commit();
    this.position = to;
    for (const table of this.keyed) table.committed(this.forgotten.pending);
    this.ahead.committed();
    this.forgotten.committed();
  }

  /** Nothing of the open transaction happened. */
  private async takeBack(): Promise<void> {
    await this.writing.rollback();
    for (const table of this.keyed) table.forget();
    this.ahead.rolledBack();
    this.forgotten.rolledBack();
  }

  private clearRows(): void {
    this.events.rows.clear();
    this.repeats.rows.clear();
    for (const { rows } of this.mapped) rows.clear();
  }

  /** Takes the events of some frames into every table: rows that only grow at once, others as far as they must be known first. */
  private async compute(step: readonly Portion[], faults: Fault[]): Promise<void> {
    for (const folded of this.folded) await folded.prepare(step, this.writing.db, faults);
    await this.turn.mayEnd();
    const countsEvents = this.rollups.reads("events");
    for (const portion of step) {
      const { frame, seq, items, whole } = portion;
      // rows stand in the order of the log: columns can be taken over only where they are in it
      const inOrder = whole && frame.groups.length === 1;
      if (inOrder) await this.events.takeGroup(frame.groups[0]!, seq, () => this.append());
      for (const mapped of this.mapped) mapped.take(portion, this.rollups, faults);
      await this.turn.mayEnd();
      for (const item of items) {
        const { event, group, row } = item;
        if (!inOrder) {
          if (columnsBehind(event)) this.events.takeRow(group, row, seq);
          else this.events.takeEvent(event, seq);
        }
        if (countsEvents) this.rollups.changed("events", undefined, event as unknown as Row, seq);
      }
      await this.turn.mayEnd();
      for (const folded of this.folded) {
        folded.take(portion, this.rollups, faults);
        await this.turn.mayEnd();
      }
    }
    await this.rollups.settle(this.writing.db);
    await this.append();
    const writer = await this.writing.db();
    for (const folded of this.folded) {
      await this.turn.mayEnd();
      await folded.append(writer);
    }
  }

  /** Writes the rows of tables that only grow. */
  private async append(): Promise<void> {
    const writer = await this.writing.db();
    await this.events.rows.append(writer);
    for (const { rows } of this.mapped) {
      await this.turn.mayEnd(); // an appender holds the thread for some milliseconds
      await rows.append(writer);
    }
    await this.repeats.rows.append(writer);
  }

  /** Ids of the events that were taken from a sequence of the log. */
  idsAt(seq: number): Promise<string[]> {
    return this.quiet(async () => {
      const found = await this.store.writer.runAndReadAll(`select id::varchar from events where stream_seq = ${seq}`);
      return found.getRowsJS().map(([id]) => String(id));
    });
  }

  /** Keeps the store's write-ahead log short. */
  async checkpoint(bytesMax?: number): Promise<boolean> {
    if (!walIsLarge(this.store, bytesMax)) return false; // told without waiting for the commit on its way
    return this.quiet(async () => {
      try {
        if (!(await checkpointWhenLarge(this.store, bytesMax))) return false;
      } catch (error) {
        if (/Cannot CHECKPOINT/.test(String(error))) return false; // somebody else is at work; it is tried again after the next commit
        throw error;
      }
      await this.store.giveBack(); // what a checkpoint took is not needed until the next one
      this.save();
      return true;
    });
  }

  /** A quiet moment: folds the write-ahead log in and lets go of memory, so that a restart is quick and weir small. */
  async rest(): Promise<void> {
    await this.checkpoint(LIMITS.wal_idle_bytes_max);
    for (const table of this.keyed) table.index.rest(this.caches, table.name, identityOf(this.position));
  }

  private saveKeys(all: boolean): void {
    for (const table of this.keyed) table.index.save(this.caches, table.name, identityOf(this.position), all);
  }

  /** Saves what makes the next start quick. */
  private save(): void {
    this.saveKeys(true);
    this.seen.save(this.caches, identityOf(this.position), this.position.seq);
  }

  /** Saves what makes the next start quick, and closes the store. */
  async close(): Promise<void> {
    await this.writing.alone(async () => {
      await this.writing.committing.catch(() => {}); // told already
      await this.catchUp().catch(() => {}); // the next opening does it
      this.save();
      for (const { index } of this.keyed) index.close();
      await this.store.close();
    });
  }
}

/** Of which log the tables are made, and in which way the files that speed up the start are. */
const identityOf = ({ stream, created }: StreamName): string => `2 ${stream} ${created}`;

class Rollback extends Error {}
