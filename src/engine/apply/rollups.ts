import { addBucket, bucketOf, packSketch, quantiles, type Sketch, unpackSketch } from "../../base/sketch.ts";
import type { RollupProjection, Several, Share } from "../../define/projection.ts";
import type { Lane } from "../../store/lane.ts";
import { ROLLUP_COLUMNS } from "../../store/tables.ts";
import type { Db } from "./db.ts";
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
}

/** The levels of a roll-up, the finest first. */
interface Levels {
  readonly levels: readonly Level[];
  /** Slots of the last shares, newest first: a few keys tend to take turns, and comparing them is cheaper than making an id. */
  readonly recent: Recent[];
}

/** The slots of one share, one a level: a bucket of the finest lies in one bucket of each coarser. */
interface Recent {
  readonly time: number | undefined;
  readonly key: readonly (string | null)[];
  readonly slots: readonly Slot[];
}

/** A row in work, and the shares that wait until it is known whether the table holds it. */
interface Slot {
  readonly id: string;
  readonly level: Level;
  readonly time: number | undefined;
  readonly key: readonly (string | null)[];
  readonly first_seq: number;
  entry: Entry<RollupRow> | undefined;
  readonly waiting: Counted[];
}

/** A share with its sign, and the bucket of its value. */
interface Counted {
  readonly share: Share;
  readonly sign: 1 | -1;
  readonly bucket: number;
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
    { shares: (row: Readonly<Record<string, unknown>>) => readonly Share[]; levels: Levels }[]
  >();
  private slots = new Map<string, Slot>();
  /** Slots whose row is not known yet. */
  private unsettled: Slot[] = [];

  constructor(rollups: ReadonlyMap<string, RollupProjection>) {
    for (const [name, rollup] of rollups) {
      const coarser = Object.entries(rollup.coarser ?? {}).sort(([, a], [, b]) => a - b);
      const levels: Levels = {
        levels: [
          { name, bucket_us: rollup.bucket_us, rollup },
          ...coarser.map(([coarse, bucket_us]) => ({ name: coarse, bucket_us, rollup })),
        ],
        recent: [],
      };
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
      pack: (row) => ({ ...row, sketch: row.sketch && packSketch(row.sketch) }),
      unpack: (packed) => {
        const row = packed as RollupRow & { sketch?: Uint8Array };
        return { ...row, sketch: row.sketch && unpackSketch(row.sketch) };
      },
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
        for (const share of taken) this.count(levels, share, -1, seq);
      }
      for (const share of added) this.count(levels, share, 1, seq);
    }
  }

  private count(levels: Levels, share: Share, sign: 1 | -1, seq: number): void {
    const { value } = share;
    const measured = value !== undefined && value !== null && levels.levels[0]!.rollup.sketch;
    const counted: Counted = { share, sign, bucket: measured ? bucketOf(value) : 0 };
    const slots = this.slotsOf(levels, share, seq);
    for (let k = 0; k < slots.length; k++) {
      const slot = slots[k]!;
      if (slot.entry) apply(slot.entry, counted);
      else slot.waiting.push(counted);
    }
  }

  private slotsOf({ levels, recent }: Levels, share: Share, seq: number): readonly Slot[] {
    const time = bucketStart(levels[0]!, share.time);
    for (let i = 0; i < recent.length; i++) {
      const known = recent[i]!;
      if (known.time === time && sameKey(known.key, share.key)) return known.slots;
    }
    const key = share.key.map((k) => k ?? "\u0000").join("\u001f");
    const slots = levels.map((level) => this.slotOf(level, bucketStart(level, share.time), share.key, key, seq));
    if (recent.length >= RECENT) recent.pop();
    recent.unshift({ time, key: share.key, slots });
    return slots;
  }

  private slotOf(
    level: Level,
    time: number | undefined,
    key: readonly (string | null)[],
    keyText: string,
    first_seq: number,
  ): Slot {
    const id = `${level.name}\u001f${time ?? ""}\u001f${keyText}`;
    let slot = this.slots.get(id);
    if (!slot) {
      slot = { id, level, time, key, first_seq, entry: own(this.table.get(id)), waiting: [] };
      this.slots.set(id, slot);
      if (!slot.entry) this.unsettled.push(slot);
    }
    return slot;
  }

  /** Loads the rows that shares wait for, and counts them. */
  async settle(db: Db): Promise<void> {
    const waiting = this.unsettled;
    if (waiting.length === 0) return;
    this.unsettled = [];
    const missing = new Set(waiting.filter((slot) => this.table.mustLoad(slot.id)).map((slot) => slot.id));
    await this.table.load(missing, db);
    for (const slot of waiting) {
      slot.entry = own(this.table.get(slot.id)) ?? this.table.put(slot.id, empty(slot), slot.first_seq);
      for (const counted of slot.waiting) apply(slot.entry, counted);
    }
  }

  /** After a commit or a rollback: nothing is in work. */
  reset(): void {
    this.slots = new Map();
    this.unsettled = [];
    for (const sources of this.sources.values()) for (const { levels } of sources) levels.recent.length = 0;
  }
}

const bucketStart = ({ bucket_us }: Level, time: number | undefined): number | undefined =>
  bucket_us === undefined || time === undefined ? undefined : time - (time % bucket_us);

/** Rows in memory stand for committed ones: a batch works on its own copy. */
function own(entry: Entry<RollupRow> | undefined): Entry<RollupRow> | undefined {
  if (!entry) return undefined;
  entry.row = { ...entry.row, sums: [...entry.row.sums], sketch: entry.row.sketch && new Map(entry.row.sketch) };
  return entry;
}

const empty = ({ level, id, time, key, waiting }: Slot): RollupRow => ({
  rollup: level.name,
  id,
  time,
  key,
  sums: waiting[0]!.share.add.map(() => 0),
  count: 0,
  sum: 0,
  min: Number.POSITIVE_INFINITY,
  max: Number.NEGATIVE_INFINITY,
  sketch: level.rollup.sketch ? new Map() : undefined,
});

function apply(entry: Entry<RollupRow>, { share, sign, bucket }: Counted): void {
  const { row } = entry;
  const { add, value, observed } = share;
  entry.dirty = true;
  for (let k = 0; k < add.length; k++) row.sums[k]! += sign * add[k]!;
  if (observed) applySeveral(row, observed, sign);
  if (value === undefined || value === null) return;
  row.count += sign;
  row.sum += sign * value;
  if (row.sketch) addBucket(row.sketch, bucket, sign);
  if (sign > 0) {
    // extremes are those of all values ever counted; the quantiles follow corrections
    if (value < row.min) row.min = value;
    if (value > row.max) row.max = value;
  }
}

function applySeveral(row: RollupRow, { count, sum, min, max, values }: Several, sign: 1 | -1): void {
  row.count += sign * count;
  row.sum += sign * sum;
  if (row.sketch) for (const [value, times] of values) addBucket(row.sketch, bucketOf(value), sign * times);
  if (sign < 0) return;
  if (min !== undefined && min < row.min) row.min = min;
  if (max !== undefined && max > row.max) row.max = max;
}

const sameKey = (a: readonly (string | null)[], b: readonly (string | null)[]): boolean => {
  if (a === b) return true;
  for (let k = 0; k < a.length; k++) if (a[k] !== b[k]) return false;
  return true;
};

const same = (a: readonly Share[], b: readonly Share[]): boolean =>
  a.length === b.length &&
  a.every((x, i) => {
    const y = b[i]!;
    return (
      x.time === y.time &&
      x.value === y.value &&
      x.observed === y.observed &&
      sameKey(x.key, y.key) &&
      x.add.every((n, k) => n === y.add[k])
    );
  });

function push(lanes: readonly Lane[], row: RollupRow, first_seq: number): void {
  const [p50, p95, p99] = row.sketch ? quantiles(row.sketch, [0.5, 0.95, 0.99], row.count) : [];
  const values: unknown[] = [row.rollup, row.id, row.time];
  for (let k = 0; k < KEYS; k++) values.push(row.key[k]);
  for (let k = 0; k < SUMS; k++) values.push(row.sums[k]);
  values.push(
    row.count,
    row.sum,
    Number.isFinite(row.min) ? row.min : undefined,
    Number.isFinite(row.max) ? row.max : undefined,
    p50,
    p95,
    p99,
    row.sketch && packSketch(row.sketch),
    first_seq,
  );
  values.forEach((value, k) => {
    lanes[k]!.push(value);
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
