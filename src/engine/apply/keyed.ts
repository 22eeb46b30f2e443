import { type DuckDBConnection, type DuckDBType, type DuckDBValue, LIST, listValue, VARCHAR } from "@duckdb/node-api";
import { LIMITS } from "../../base/limits.ts";
import type { Lane } from "../../store/lane.ts";
import { Rows } from "../../store/rows.ts";
import type { Column } from "../../store/tables.ts";
import type { Db } from "./db.ts";
import { KeyIndex } from "./keys.ts";

/** A committed row, and whether the table holds a state of it. */
interface Held<R> {
  readonly row: R;
  readonly first_seq: number;
  readonly stored: boolean;
}

/** A row on its way: what it is now, and whether the table holds an older state of it. */
export interface Entry<R> {
  row: R;
  first_seq: number;
  readonly stored: boolean;
  dirty: boolean;
  /** Whether the row was made in this batch, so that nobody else holds it. */
  own?: boolean;
}

/** A condition with what is bound to it. */
interface Wanted {
  readonly sql: string;
  readonly values: Record<string, DuckDBValue>;
  readonly types: Record<string, DuckDBType>;
}

const NAMED_KEYS_MAX = 32;

/** A table whose rows are found by key and may change: rows in work, rows kept in memory, and the index of keys. */
export class KeyedTable<R> {
  readonly name: string;
  private readonly key: string;
  private readonly columns: readonly Column[];
  private readonly push: (lanes: readonly Lane[], row: R, first_seq: number) => void;
  private readonly fromValues: (values: readonly unknown[]) => R;
  private readonly keep: (row: R) => boolean;
  private readonly cache = new Map<string, Held<R>>();
  private work = new Map<string, Entry<R>>();
  /** Committed rows whose newest state the table does not hold yet ({@link Ahead}). */
  private readonly ahead = new Map<string, Held<R>>();
  /** Whether the open transaction writes all there is. */
  private whole = false;
  /** New rows on their way into the table. */
  readonly rows: Rows;
  index = new KeyIndex();
  readonly pack: (row: R) => unknown;
  readonly unpack: (packed: unknown) => R;

  constructor(options: {
    readonly name: string;
    readonly key: string;
    readonly columns: readonly Column[];
    /** Adds the values of a row to the lanes, in their order, `first_seq` last. */
    readonly push: (lanes: readonly Lane[], row: R, first_seq: number) => void;
    readonly fromValues: (values: readonly unknown[]) => R;
    /** Whether a row stays in memory after the commit. */
    readonly keep: (row: R) => boolean;
    /** The row as a value that MessagePack can hold, and back. */
    readonly pack?: (row: R) => unknown;
    readonly unpack?: (packed: unknown) => R;
  }) {
    this.name = options.name;
    this.key = options.key;
    this.columns = options.columns;
    this.rows = new Rows(options.name, options.columns);
    this.push = options.push;
    this.fromValues = options.fromValues;
    this.keep = options.keep;
    this.pack = options.pack ?? ((row) => row);
    this.unpack = options.unpack ?? ((packed) => packed as R);
  }

  /** The entry in work; undefined: no such row is known to exist. Rows that may be in the table must be loaded before. */
  get(key: string): Entry<R> | undefined {
    const entry = this.work.get(key);
    if (entry) return entry;
    const held = this.ahead.get(key) ?? this.cache.get(key);
    if (!held) return undefined;
    const taken = { ...held, dirty: false };
    this.work.set(key, taken);
    return taken;
  }

  /** Puts a row that did not exist before. */
  put(key: string, row: R, first_seq: number): Entry<R> {
    const entry = { row, first_seq, stored: false, dirty: true };
    this.work.set(key, entry);
    return entry;
  }

  /** Whether a key must be loaded before it is worked on. */
  mustLoad(key: string): boolean {
    return !this.inMemory(key) && this.index.find(key) !== undefined;
  }

  /** Loads rows that the table may hold. */
  async load(keys: ReadonlySet<string>, db: Db): Promise<void> {
    if (keys.size === 0) return;
    const connection = await db();
    let low = Number.MAX_SAFE_INTEGER;
    let high = 0;
    for (const key of keys) {
      const range = this.index.find(key);
      if (!range) continue;
      low = Math.min(low, range[0]);
      high = Math.max(high, range[1]);
    }
    const select = this.columns.map((c) =>
      c.type === "TIMESTAMP"
        ? `epoch_us("${c.name}")`
        : c.type === "UUID"
          ? `"${c.name}"::varchar`
          : c.type === "BLOB"
            ? `"${c.name}"`
            : `"${c.name}"`,
    );
    const wanted = this.oneOf([...keys]);
    const reader = await connection.runAndReadAll(
      `select ${select.join(", ")} from "${this.name}" where ${wanted.sql} and first_seq between ${low} and ${high}`,
      wanted.values,
      wanted.types,
    );
    const at = this.columns.findIndex((c) => c.name === this.key);
    for (const values of reader.getRowsJS()) {
      const plain = values.map(plainValue);
      this.work.set(String(plain[at]), {
        row: this.fromValues(plain),
        first_seq: Number(plain.at(-1)),
        stored: true,
        dirty: false,
      });
    }
  }

  /** The condition that a row's key is one of these. Few are told one by one: joining with a list costs several milliseconds a statement. */
  private oneOf(keys: readonly string[]): Wanted {
    const cast = this.columns.find((c) => c.name === this.key)!.type === "UUID" ? "::uuid" : "";
    if (keys.length > NAMED_KEYS_MAX) {
      return {
        sql: `"${this.key}" in (select unnest($keys)${cast})`,
        values: { keys: listValue(keys) },
        types: { keys: LIST(VARCHAR) },
      };
    }
    const names = keys.map((_, k) => `k${k}`);
    return {
      sql: `"${this.key}" in (${names.map((name) => `$${name}${cast}`).join(", ")})`,
      values: Object.fromEntries(names.map((name, k) => [name, keys[k]!])),
      types: Object.fromEntries(names.map((name) => [name, VARCHAR])),
    };
  }

  /** Whether a row of the key is in work or kept. */
  inMemory(key: string): boolean {
    return this.work.has(key) || this.ahead.has(key) || this.cache.has(key);
  }

  /** Writes new rows that will hardly change again, inside the open transaction, and lets go of them. */
  async flush(connection: DuckDBConnection): Promise<void> {
    for (const [key, entry] of this.work) {
      if (entry.stored || !entry.dirty || this.ahead.has(key) || this.keep(entry.row)) continue;
      this.push(this.rows.lanes, entry.row, entry.first_seq);
      this.added(key, entry.first_seq);
      this.work.delete(key);
    }
    await this.rows.append(connection);
  }

  /** A row of the key goes into the table: an event on it later in the batch loads it; should the transaction fail, a look-up in vain is all it costs. */
  added(key: string, first_seq: number): void {
    this.index.add(key, first_seq);
  }

  /** Rows that {@link write} would write. */
  get unwritten(): number {
    let count = this.ahead.size;
    for (const [key, { dirty }] of this.work) if (dirty && !this.ahead.has(key)) count++;
    return count;
  }

  /** Rows that changed in the open transaction, by key. */
  *changed(): Generator<[string, Held<R>]> {
    for (const [key, entry] of this.work) if (entry.dirty) yield [key, entry];
  }

  /** Throws where a row that changed does not fit the table's columns: later nobody could tell by which event. */
  check(): void {
    try {
      for (const [, { row, first_seq }] of this.changed()) this.push(this.rows.lanes, row, first_seq);
    } finally {
      this.rows.clear();
    }
  }

  /** Takes over what a change said that is not in the table ({@link changed}). */
  restore(key: string, row: R, first_seq: number): void {
    // whether the table holds an older state is not known: to look for one in vain does no harm
    this.ahead.set(key, { row, first_seq, stored: true });
  }

  /** Writes what changed, and what is ahead of the table, inside the open transaction. */
  async write(connection: DuckDBConnection): Promise<void> {
    this.whole = true;
    const replaced: string[] = [];
    let low = Number.MAX_SAFE_INTEGER;
    let high = 0;
    const put = (key: string, { row, first_seq, stored }: Held<R>): void => {
      if (stored) {
        replaced.push(key);
        low = Math.min(low, first_seq);
        high = Math.max(high, first_seq);
      }
      this.push(this.rows.lanes, row, first_seq);
    };
    for (const [key, entry] of this.work) if (entry.dirty) put(key, entry);
    for (const [key, held] of this.ahead) if (!this.work.get(key)?.dirty) put(key, held);
    if (replaced.length > 0) {
      const wanted = this.oneOf(replaced);
      await connection.run(
        `delete from "${this.name}" where ${wanted.sql} and first_seq between ${low} and ${high}`,
        wanted.values,
        wanted.types,
      );
    }
    await this.rows.append(connection);
  }

  /** The transaction is durable: rows in work become known, or are let go. `changed`: it changed rows behind our back. */
  committed(changed: boolean): void {
    if (this.whole) {
      for (const [key, held] of this.ahead) if (!this.work.has(key)) this.known(key, held);
      this.ahead.clear();
    }
    for (const [key, entry] of this.work) {
      const { row, first_seq, stored, dirty } = entry;
      if (!stored && dirty) this.index.add(key, first_seq); // twice does no harm
      if (this.whole || !(dirty || this.ahead.has(key))) this.known(key, { row, first_seq });
      else if (dirty) {
        this.cache.delete(key);
        this.ahead.set(key, { row, first_seq, stored });
      }
    }
    for (const key of this.cache.keys()) {
      if (this.cache.size <= LIMITS.fold_cache_rows_max) break;
      this.cache.delete(key);
    }
    this.work = new Map();
    this.whole = false;
    if (changed) this.cache.clear();
  }

  /** A row that the table holds as it is: it goes to the end of the order in which rows make room, or is let go. */
  private known(key: string, { row, first_seq }: Omit<Held<R>, "stored">): void {
    this.cache.delete(key);
    if (this.keep(row)) this.cache.set(key, { row, first_seq, stored: true });
  }

  /** The transaction failed: nothing of the work happened. */
  forget(): void {
    this.work = new Map();
    this.whole = false;
    this.rows.clear();
  }

  /** Completes the index from the rows written after what it knows. */
  async catchUp(connection: DuckDBConnection): Promise<void> {
    const reader = await connection.stream(
      `select "${this.key}"::varchar, first_seq from "${this.name}" where first_seq >= ${this.index.seq} order by first_seq`,
    );
    for (let chunk = await reader.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await reader.fetchChunk()) {
      for (const [key, seq] of chunk.getRows())
        if (!this.index.has(String(key), Number(seq))) this.index.add(String(key), Number(seq));
    }
  }
}

/** DuckDB's answers as the row's own values: whole numbers as numbers, nil as undefined, bytes as bytes. */
function plainValue(value: unknown): unknown {
  if (value === null) return undefined;
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (typeof value === "object" && value !== null && "bytes" in value) return (value as { bytes: Uint8Array }).bytes;
  return value;
}
