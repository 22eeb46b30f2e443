import { WeirError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import { Turn } from "../../base/wait.ts";
import { columnsBehind } from "../../define/event.ts";
import { upcast } from "../../events/plain.ts";
import {
  checkpointWhenLarge,
  isStoreFault,
  movePosition,
  type Position,
  readPosition,
  type Store,
  storeError,
  walIsLarge,
} from "../../store/open.ts";
import { columnsOf, type Projections } from "../../store/tables.ts";
import { Caches } from "./caches.ts";
import type { Item } from "./column-source.ts";
import type { Db } from "./db.ts";
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
  }

  /** Opens the tables of a store where they stand. */
  static async open(store: Store, projections: Projections): Promise<Tables> {
    const position = await readPosition(store.writer);
    const caches = new Caches(`${store.file}.keys`);
    const identity = identityOf(position);
    const seen = await SeenIds.load(store.writer, caches, identity, position.seq);
    const tables = new Tables(store, projections, position, caches, seen);
    await tables.forgotten.load(store.writer);
    for (const table of tables.keyedTables()) {
      table.index = KeyIndex.load(caches, table.name, identity, position.seq);
      await table.catchUp(store.writer);
    }
    await store.giveBack(); // what opening took
    return tables;
  }

  private failure(error: unknown): WeirError {
    return storeError(this.store.file, error);
  }

  /** Sessions of which the tables show nothing private any more. */
  get forgottenSessions(): readonly string[] {
    return this.forgotten.all;
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

  /** The commit on its way. While the disk writes it, the next batch is made ready in memory. */
  private committing: Promise<void> = Promise.resolve();
  private broken: unknown;
  private begun = false;

  /** Runs work between two transactions. */
  quiet<T>(work: () => Promise<T>): Promise<T> {
    return this.alone(async () => {
      await this.committing;
      return work();
    });
  }

  /** The writing connection, in the transaction of the batch. */
  private readonly db: Db = async () => {
    await this.committing;
    if (!this.begun) {
      await this.store.writer.run("begin");
      this.begun = true;
    }
    return this.store.writer;
  };

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
    return this.alone(async () => ({ ...(await this.applyNow(batch, stream)), durable: this.committing }));
  }

  private async applyNow(batch: readonly Placed[], stream: StreamName): Promise<Applied> {
    const none: ReadonlyMap<string, string> = new Map();
    let applied: Applied;
    try {
      applied = await this.transact(batch, stream, { bad: none, keep: true });
    } catch (error) {
      if (isStoreFault(error) || this.broken) throw this.failure(this.broken ?? error);
      // some event cannot be written: find it, set it aside, write the others
      const ids = batch.flatMap(({ frame }) => frame.events().map((event) => event.id));
      const bad = await isolate(ids, async (subset) => {
        await this.transact(batch, stream, { only: new Set(subset), bad: none, keep: false });
      }).catch((fault: unknown) => Promise.reject(this.failure(fault)));
      if (bad.length === 0) throw this.failure(error);
      applied = await this.transact(batch, stream, {
        bad: new Map(bad.map((id) => [id, String(error)])),
        keep: true,
      }).catch((again) => {
        throw this.failure(again);
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
    how: { readonly only?: ReadonlySet<string>; readonly bad: ReadonlyMap<string, string>; readonly keep: boolean },
  ): Promise<Applied> {
    const ids = new Set<string>();
    const faults: Fault[] = [];
    let repeated = 0;
    let { time_us } = this.position;
    try {
      let step: Portion[] = [];
      let waiting = 0;
      for (const placed of batch) {
        const { portions, repeats } = await this.sort(placed, ids, how);
        repeated += repeats.length;
        for (const item of repeats) this.repeats.tell(item);
        for (const portion of portions) {
          // what weir itself tells (ticks, alerts) is not what happened last
          for (const { event } of portion.items) if (event.via !== "weir" && event.time > time_us) time_us = event.time;
          faults.push(...portion.faults);
        }
        step.push(...portions);
        waiting += placed.frame.count;
        // frames share a step: each step pays for its appenders
        if (waiting < LIMITS.apply_events_max && placed !== batch.at(-1)) continue;
        await this.compute(step, faults);
        step = [];
        waiting = 0;
      }
      const writer = await this.db();
      for (const table of this.keyedTables()) {
        await this.turn.mayEnd();
        await table.write(writer);
      }
      await setAside(writer, faults);
      await this.forgotten.empty(writer);
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
      this.commit();
      this.position = to;
      for (const table of this.keyedTables()) table.committed(this.forgotten.pending.length > 0);
      this.forgotten.committed();
    } catch (error) {
      if (this.begun) await this.store.writer.run("rollback").catch(() => {}); // the failure itself is what is told
      this.begun = false;
      for (const table of this.keyedTables()) table.forget();
      this.forgotten.rolledBack();
      if (!(error instanceof Rollback)) throw error;
    } finally {
      this.rollups.reset();
      this.clearRows();
    }
    return { ids, repeated };
  }

  /** Sends the commit off. One that fails leaves an unknown result: the position is read again by whoever opens the store next. */
  private commit(): void {
    this.begun = false;
    this.committing = this.store.writer.run("commit").then(
      () => {},
      (error: unknown) => {
        this.broken = error;
        throw this.failure(error);
      },
    );
    this.committing.catch(() => {}); // whoever submitted the batch is told, and whoever comes next
  }

  /** The events of a frame that are new, by group, whose ids join `ids`; and those that came before. */
  private async sort(
    { seq, frame }: Placed,
    ids: Set<string>,
    how: { readonly only?: ReadonlySet<string>; readonly bad: ReadonlyMap<string, string> },
  ): Promise<{ portions: Portion[]; repeats: Item[] }> {
    const names: string[] = [];
    frame.forEach((group, row) => {
      names.push(group.attributeNamed("id")[row] as string);
    });
    const seen = await this.seen.repeats(names, ids, this.db);
    const filtered = how.only !== undefined || how.bad.size > 0;
    const items: Item[] = [];
    const faults: Fault[] = [];
    const repeats: Item[] = [];
    let whole = !filtered;
    let k = 0;
    frame.forEach((group, row) => {
      const at = k++;
      const read = group.event(row);
      const event = seen[at] === 1 ? read : this.forgotten.take(upcast(read));
      const item: Item = { event, group, row, seq };
      if (seen[at] === 1) {
        repeats.push(item);
        whole = false;
        return;
      }
      if (event !== read) whole = false;
      const reason = filtered ? how.bad.get(names[at]!) : undefined;
      if (reason !== undefined) faults.push({ item, table: "*", error: reason });
      else if (!how.only || how.only.has(names[at]!)) items.push(item);
    });
    return { portions: [{ frame, seq, items, whole, faults }], repeats };
  }

  private clearRows(): void {
    this.events.rows.clear();
    this.repeats.rows.clear();
    for (const { rows } of this.mapped) rows.clear();
  }

  /** Takes the events of some frames into every table: rows that only grow at once, others as far as they must be known first. */
  private async compute(step: readonly Portion[], faults: Fault[]): Promise<void> {
    for (const folded of this.folded) await folded.prepare(step, this.db, faults);
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
    await this.rollups.settle(this.db);
    await this.append();
    const writer = await this.db();
    for (const folded of this.folded) {
      await this.turn.mayEnd();
      await folded.append(writer);
    }
  }

  /** Writes the rows of tables that only grow. */
  private async append(): Promise<void> {
    const writer = await this.db();
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

  private saveKeys(all: boolean): void {
    for (const table of this.keyedTables()) table.index.save(this.caches, table.name, identityOf(this.position), all);
  }

  /** Saves what makes the next start quick. */
  private save(): void {
    this.saveKeys(true);
    this.seen.save(this.caches, identityOf(this.position), this.position.seq);
  }

  /** Saves what makes the next start quick, and closes the store. */
  async close(): Promise<void> {
    await this.alone(async () => {
      await this.committing.catch(() => {}); // told already
      this.save();
      await this.store.close();
    });
  }
}

/** Of which log the tables are made. */
const identityOf = ({ stream, created }: StreamName): string => `${stream} ${created}`;

class Rollback extends Error {}
