import type { DuckDBConnection } from "@duckdb/node-api";
import { addTo, packSketch, quantiles, type Sketch, unpackSketch } from "../../base/sketch.ts";
import type { RollupProjection, Share } from "../../define/projection.ts";
import { ROLLUP_COLUMNS } from "../../store/tables.ts";
import { type Entry, KeyedTable } from "./keyed.ts";

/** A row of the table of all roll-ups. */
interface RollupRow {
  readonly rollup: string;
  readonly id: string;
  readonly time: number | undefined;
  readonly key: readonly (string | null)[];
  readonly sums: number[];
  count: number;
  sum: number;
  min: number;
  max: number;
  sketch: Sketch | undefined;
}

/** One table of a roll-up: itself, or a coarser one. */
interface Level {
  readonly name: string;
  readonly bucket_us: number | undefined;
  readonly rollup: RollupProjection;
  /** Slots of the last shares, newest first: a few keys tend to take turns, and comparing them is cheaper than making an id. */
  readonly recent: Recent[];
}

interface Recent {
  readonly time: number | undefined;
  readonly key: readonly (string | null)[];
  readonly slot: Slot;
}

/** A row in work, and the shares that wait until it is known whether the table holds it. */
interface Slot {
  readonly id: string;
  entry: Entry<RollupRow> | undefined;
  readonly waiting: { level: Level; share: Share; time: number | undefined; sign: 1 | -1; seq: number }[];
}

const KEYS = 6;
const SUMS = 16;
/** Slots each level compares with before it makes an id. */
const RECENT = 8;

/** Keeps every roll-up right while rows of other tables come and change. */
export class Rollups {
  readonly table: KeyedTable<RollupRow>;
  private readonly sources = new Map<
    string,
    { shares: (row: Readonly<Record<string, unknown>>) => readonly Share[]; levels: Level[] }[]
  >();
  private slots = new Map<string, Slot>();

  constructor(rollups: ReadonlyMap<string, RollupProjection>) {
    for (const [name, rollup] of rollups) {
      const levels: Level[] = [{ name, bucket_us: rollup.bucket_us, rollup, recent: [] }];
      for (const [coarse, bucket_us] of Object.entries(rollup.coarser ?? {}))
        levels.push({ name: coarse, bucket_us, rollup, recent: [] });
      for (const [table, shares] of Object.entries(rollup.of)) {
        const list = this.sources.get(table) ?? [];
        list.push({ shares, levels });
        this.sources.set(table, list);
      }
    }
    this.table = new KeyedTable<RollupRow>({
      name: "_rollups",
      key: "id",
      columns: ROLLUP_COLUMNS,
      push,
      fromValues,
      keep: () => true,
    });
  }

  /** Whether any roll-up reads a table. */
  reads(table: string): boolean {
    return this.sources.has(table);
  }

  /** A row of a table came (no `before`) or changed. Floats are added one by one in log order, so that batches do not matter. */
  changed(
    table: string,
    before: Readonly<Record<string, unknown>> | undefined,
    after: Readonly<Record<string, unknown>>,
    seq: number,
  ): void {
    const sources = this.sources.get(table);
    if (!sources) return;
    for (const { shares, levels } of sources) {
      const added = shares(after);
      if (before) {
        const taken = shares(before);
        if (same(taken, added)) continue;
        for (const share of taken) for (const level of levels) this.count(level, share, -1, seq);
      }
      for (const share of added) for (const level of levels) this.count(level, share, 1, seq);
    }
  }

  private count(level: Level, share: Share, sign: 1 | -1, seq: number): void {
    const time =
      level.bucket_us === undefined || share.time === undefined
        ? undefined
        : share.time - (share.time % level.bucket_us);
    const slot = this.slotOf(level, share, time);
    if (slot.entry) apply(slot.entry, share, sign);
    else slot.waiting.push({ level, share, time, sign, seq });
  }

  private slotOf(level: Level, share: Share, time: number | undefined): Slot {
    const { recent } = level;
    for (let i = 0; i < recent.length; i++) {
      const known = recent[i]!;
      if (known.time === time && sameKey(known.key, share.key)) return known.slot;
    }
    const id = `${level.name}\u001f${time ?? ""}\u001f${share.key.map((k) => k ?? "\u0000").join("\u001f")}`;
    let slot = this.slots.get(id);
    if (!slot) {
      slot = { id, entry: own(this.table.get(id)), waiting: [] };
      this.slots.set(id, slot);
    }
    if (recent.length >= RECENT) recent.pop();
    recent.unshift({ time, key: share.key, slot });
    return slot;
  }

  /** Loads the rows that shares wait for, and counts them. */
  async settle(connection: DuckDBConnection): Promise<void> {
    const waiting = [...this.slots.values()].filter((slot) => !slot.entry);
    const missing = new Set(waiting.filter((slot) => this.table.mustLoad(slot.id)).map((slot) => slot.id));
    await this.table.load(missing, connection);
    for (const slot of waiting) {
      const first = slot.waiting[0]!;
      slot.entry =
        own(this.table.get(slot.id)) ??
        this.table.put(slot.id, empty(first.level, slot.id, first.time, first.share), first.seq);
      for (const { share, sign } of slot.waiting) apply(slot.entry, share, sign);
    }
  }

  /** After a commit or a rollback: nothing is in work. */
  reset(): void {
    this.slots = new Map();
    for (const sources of this.sources.values())
      for (const { levels } of sources) for (const level of levels) level.recent.length = 0;
  }
}

/** Rows in memory stand for committed ones: a batch works on its own copy. */
function own(entry: Entry<RollupRow> | undefined): Entry<RollupRow> | undefined {
  if (!entry) return undefined;
  entry.row = { ...entry.row, sums: [...entry.row.sums], sketch: entry.row.sketch && new Map(entry.row.sketch) };
  return entry;
}

const empty = (level: Level, id: string, time: number | undefined, share: Share): RollupRow => ({
  rollup: level.name,
  id,
  time,
  key: share.key,
  sums: share.add.map(() => 0),
  count: 0,
  sum: 0,
  min: Number.POSITIVE_INFINITY,
  max: Number.NEGATIVE_INFINITY,
  sketch: level.rollup.sketch ? new Map() : undefined,
});

function apply(entry: Entry<RollupRow>, share: Share, sign: 1 | -1): void {
  const { row } = entry;
  entry.dirty = true;
  for (let k = 0; k < share.add.length; k++) row.sums[k]! += sign * share.add[k]!;
  const { value } = share;
  if (value === undefined || value === null) return;
  row.count += sign;
  row.sum += sign * value;
  if (row.sketch) addTo(row.sketch, value, sign);
  if (sign > 0) {
    // extremes are those of all values ever counted; the quantiles follow corrections
    if (value < row.min) row.min = value;
    if (value > row.max) row.max = value;
  }
}

const sameKey = (a: readonly (string | null)[], b: readonly (string | null)[]): boolean => {
  for (let k = 0; k < a.length; k++) if (a[k] !== b[k]) return false;
  return true;
};

const same = (a: readonly Share[], b: readonly Share[]): boolean =>
  a.length === b.length &&
  a.every((x, i) => {
    const y = b[i]!;
    return x.time === y.time && x.value === y.value && sameKey(x.key, y.key) && x.add.every((n, k) => n === y.add[k]);
  });

function push(columns: readonly unknown[][], row: RollupRow, first_seq: number): void {
  const [p50, p95, p99] = row.sketch ? quantiles(row.sketch, [0.5, 0.95, 0.99]) : [];
  const finite = row.max >= row.min;
  const values: unknown[] = [row.rollup, row.id, row.time];
  for (let k = 0; k < KEYS; k++) values.push(row.key[k]);
  for (let k = 0; k < SUMS; k++) values.push(row.sums[k]);
  values.push(
    row.count,
    row.sum,
    finite ? row.min : undefined,
    finite ? row.max : undefined,
    p50,
    p95,
    p99,
    row.sketch && packSketch(row.sketch),
    first_seq,
  );
  values.forEach((value, k) => {
    columns[k]!.push(value);
  });
}

function fromValues(v: readonly unknown[]): RollupRow {
  const at = 3 + KEYS + SUMS;
  return {
    rollup: String(v[0]),
    id: String(v[1]),
    time: v[2] as number | undefined,
    key: v.slice(3, 3 + KEYS).map((k) => (k as string | undefined) ?? null),
    sums: v
      .slice(3 + KEYS, at)
      .filter((s) => s !== undefined)
      .map(Number),
    count: Number(v[at]),
    sum: Number(v[at + 1]),
    min: v[at + 2] === undefined ? Number.POSITIVE_INFINITY : Number(v[at + 2]),
    max: v[at + 3] === undefined ? Number.NEGATIVE_INFINITY : Number(v[at + 3]),
    sketch: v[at + 7] === undefined ? undefined : unpackSketch(v[at + 7] as Uint8Array),
  };
}
