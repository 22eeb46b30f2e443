import type { Event, EventDefinition } from "./event.ts";
import type { Fields, ShapeOf } from "./field.ts";
import { type ColumnSources, rowMaker } from "./row.ts";

export { attribute, either, field, value } from "./row.ts";

interface Common {
  /** Raised with every change of rows; a new version is built again from the log. */
  readonly version: number;
  /** One sentence on what a row is. */
  readonly about: string;
}

/** Where an event stands in the log. */
export interface Place {
  /** Sequence of its frame in the stream of events. */
  readonly stream_seq: number;
}

/** A table of one or more rows an event, never changed after. */
export interface MapProjection<F extends Fields = Fields> extends Common {
  readonly kind: "map";
  readonly on: readonly EventDefinition[] | "all";
  readonly row: F;
  /** Where each column comes from, for tables with one row an event: `map` follows, and whole columns are taken over as they are. */
  readonly from?: ColumnSources;
  map(event: Event, place: Place): readonly ShapeOf<F>[];
}

/** A table with one row a key, folded from every event about it, in any order of arrival. */
export interface FoldProjection<F extends Fields = Fields> extends Common {
  readonly kind: "fold";
  readonly on: readonly EventDefinition[];
  readonly row: F;
  /** The column that identifies a row. */
  readonly key: keyof F & string;
  /** The key of the row an event belongs to; undefined: none. */
  keyOf(event: Event): string | undefined;
  /**
   * The row after the event. It returns a new row, or the old one where nothing changes. `own`: nobody else has seen the old row, so it may be
   * changed in place.
   */
  fold(row: ShapeOf<F> | undefined, event: Event, own?: boolean): ShapeOf<F>;
  /** Rows likely to be folded again soon stay in memory. */
  open?(row: ShapeOf<F>): boolean;
  /** Where each column of a row comes from that one event alone makes: `fold` follows, and whole columns are taken over as they are. */
  readonly from?: ColumnSources;
  /** Types whose one event makes a row that is not {@link open}. */
  readonly complete?: readonly EventDefinition[];
}

/** One share of a row in a roll-up: the key it counts under, and what it adds. */
export interface Share {
  /** Start of the time bucket in microseconds, for roll-ups that have one. */
  readonly time?: number;
  /** Values of the key columns, in their order. */
  readonly key: readonly (string | null)[];
  /** Whole numbers added to the sums, in their order; fractions are scaled to integers first so that every order adds up alike. */
  readonly add: readonly number[];
  /** A measured value that enters count, sum, min, max and the quantile sketch. */
  readonly value?: number;
  /** Instead of a value: several that are told together. */
  readonly observed?: Several;
}

/** Several values that enter a roll-up together. Where `values` does not hold all of them, there are no quantiles. */
export interface Several {
  readonly count: number;
  readonly sum: number;
  readonly min?: number;
  readonly max?: number;
  /** Values and how often each came. */
  readonly values: readonly (readonly [value: number, times: number])[];
}

/** A sum of a roll-up: the table shows the whole number divided by `scale`. */
export interface Sum {
  readonly about: string;
  readonly scale: number;
  readonly unit?: string;
}

/** Sums over other tables' rows, kept right by subtracting a row's old share and adding its new one. */
export interface RollupProjection extends Common {
  readonly kind: "rollup";
  /** Key columns, all text, at most six, in the order of {@link Share.key}. */
  readonly key: Fields;
  /** Sums by name, at most sixteen, in the order of {@link Share.add}. */
  readonly sums: Readonly<Record<string, Sum>>;
  /** Keep a mergeable quantile sketch of the shares' values, with p50, p95 and p99. */
  readonly sketch: boolean;
  /** Width of the time bucket in microseconds; absent: no `time` column. */
  readonly bucket_us?: number;
  /** Coarser tables of the same shape: their names and widths in microseconds. */
  readonly coarser?: Readonly<Record<string, number>>;
  /** The shares of one row, by table. */
  readonly of: Readonly<Record<string, (row: Readonly<Record<string, unknown>>) => readonly Share[]>>;
}

/** Makes keys of shares: equal parts often give the very same list, which is quicker to compare than to look through. */
export function shareKeys(): (...parts: readonly (string | null | undefined)[]) => readonly (string | null)[] {
  const recent: (readonly (string | null)[])[] = [];
  let next = 0;
  return (...parts) => {
    for (const known of recent) {
      let k = 0;
      while (k < parts.length && known[k] === (parts[k] ?? null)) k++;
      if (k === parts.length) return known;
    }
    const made = parts.map((part) => part ?? null);
    recent[next] = made;
    next = (next + 1) % RECENT_KEYS;
    return made;
  };
}
const RECENT_KEYS = 8;

/** A view over tables. */
export interface ViewProjection<F extends Fields = Fields> extends Common {
  readonly kind: "view";
  readonly row: F;
  /** The SELECT of the view; names its columns as `row` does. */
  readonly sql: string;
  /** Views and tables it reads, so that it is made after them. */
  readonly from: readonly string[];
}

/** One table or view. The file's name is the table's name. */
export type Projection = MapProjection | FoldProjection | RollupProjection | ViewProjection;

/** A column for each column. */
type FromOf<F extends Fields> = { readonly [K in keyof F]: ColumnSources[string] };

/** Identity helpers for inference, one a kind. */
export const defineMap = <const F extends Fields>(p: Omit<MapProjection<F>, "kind" | "from">): MapProjection<F> => ({
  kind: "map",
  ...p,
});
/** A table with one row an event whose columns are attributes and fields of it. */
export const defineCopy = <const F extends Fields>(
  p: Omit<MapProjection<F>, "kind" | "from" | "map"> & { readonly from: FromOf<F> },
): MapProjection<F> => {
  const make = rowMaker(p.from);
  return { kind: "map", ...p, map: (event) => [make(event) as ShapeOf<F>] };
};
export const defineFold = <const F extends Fields>(
  p: Omit<FoldProjection<F>, "kind" | "from" | "complete">,
): FoldProjection<F> => ({ kind: "fold", ...p });
/** A table with one row a fact: each event makes a row by itself, and `merge` folds it into the one there is. */
export const defineFact = <const F extends Fields>(
  p: Omit<FoldProjection<F>, "kind" | "from" | "fold"> & {
    readonly from: FromOf<F>;
    readonly merge: (row: ShapeOf<F>, made: ShapeOf<F>) => ShapeOf<F>;
  },
): FoldProjection<F> => {
  const { merge, ...rest } = p;
  const make = rowMaker(p.from) as (event: Event) => ShapeOf<F>;
  return {
    kind: "fold",
    ...rest,
    fold: (row, event) => {
      const made = make(event);
      return row ? merge(row, made) : made;
    },
  };
};
export const defineRollup = (p: Omit<RollupProjection, "kind">): RollupProjection => ({ kind: "rollup", ...p });
export const defineView = <const F extends Fields>(p: Omit<ViewProjection<F>, "kind">): ViewProjection<F> => ({
  kind: "view",
  ...p,
});
