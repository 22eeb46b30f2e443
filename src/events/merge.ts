/** What one source said about a fact: fields that later stand in the row. */
type Said = Readonly<Record<string, unknown>>;

/** Beside what a source said: when it said a field of `first`, where that is not the fact's time. */
const SAID_AT = "said_at";

/** A row that is folded from several sources. */
interface MergedRow {
  readonly sources: string;
  readonly parts?: string | undefined;
}

/** Folds the row that one event alone would make into the row there is; gives the same in whatever order sources and events come. */
export type Merge = <R extends MergedRow>(row: R, made: R, via: string) => R;

/**
 * Makes the rule by which several sources fill one row.
 * `order`: sources, the most trusted first; of each field the first source that knows it is taken.
 * `aside`: a source that is asked last for some fields, wherever it stands in the order.
 * `earliest`: fields that take the smallest value of all.
 * `first`: fields that of one source's reports the first in time that knows them decides: a copy made later does not take the fact for itself.
 * `rank`: how far along what is said is, by fields of `ranked` alone; the highest decides these fields.
 */
export function mergeSources(rule: {
  /** Columns that belong to the row itself and to no source: its key, and where it was first seen. */
  readonly own: readonly string[];
  readonly order: readonly string[];
  readonly aside?: { readonly source: string; readonly fields: readonly string[] };
  readonly earliest: readonly string[];
  readonly first: readonly string[];
  readonly rank: (said: Said) => number;
  readonly ranked: readonly string[];
  /** Values of a field that say next to nothing, and give way to any other. */
  readonly vague?: Readonly<Record<string, readonly unknown[]>>;
}): Merge {
  const isVague = (key: string, value: unknown): boolean =>
    value === undefined || value === null || (rule.vague?.[key]?.includes(value) ?? false);
  const trust = (via: string): number => {
    const k = rule.order.indexOf(via);
    return k < 0 ? rule.order.length : k;
  };
  const text = (said: Said): string => JSON.stringify(rule.ranked.map((key) => said[key] ?? null));
  const said = (key: string, a: Said, b: Said): unknown => (isVague(key, a[key]) ? b[key] : a[key]);
  /** The value held, unless it says nothing and the next one does. */
  const clearer = (key: string, held: unknown, next: unknown): unknown =>
    isVague(key, held) && (held === undefined || held === null || !isVague(key, next)) ? next : held;
  const saidAt = (said: Said, key: string): number =>
    (said[SAID_AT] as Readonly<Record<string, number>> | undefined)?.[key] ?? (said.time as number);
  /** The fields of `first`, and when they were said. */
  const firstOf = (a: Said, b: Said): Record<string, unknown> => {
    const time = smallest(a.time, b.time);
    const out: Record<string, unknown> = {};
    const at: Record<string, number> = {};
    for (const key of rule.first) {
      const [inA, inB] = [
        isVague(key, a[key]) ? undefined : saidAt(a, key),
        isVague(key, b[key]) ? undefined : saidAt(b, key),
      ];
      const fromA =
        inA === inB ? smallest(a[key], b[key]) === a[key] : inB === undefined || (inA !== undefined && inA < inB);
      out[key] = fromA ? a[key] : b[key];
      const known = fromA ? inA : inB;
      if (known !== undefined && known !== time) at[key] = known;
    }
    if (Object.keys(at).length > 0) out[SAID_AT] = at;
    return out;
  };
  // ranked fields are taken together from what is further along; of the others the largest value is: so no order of three or more matters
  const within = (a: Said, b: Said): Said => {
    const ahead = rule.rank(a) - rule.rank(b);
    const high = ahead > 0 || (ahead === 0 && text(a) > text(b)) ? a : b;
    const out = firstOf(a, b);
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
      if (rule.first.includes(key) || key === SAID_AT) continue;
      if (rule.earliest.includes(key)) out[key] = smallest(a[key], b[key]);
      else if (rule.ranked.includes(key)) out[key] = high[key];
      else out[key] = isVague(key, a[key]) !== isVague(key, b[key]) ? said(key, a, b) : larger(a[key], b[key]);
    }
    return out;
  };
  const across = (parts: ReadonlyMap<string, Said>): Record<string, unknown> => {
    const vias = [...parts.keys()].sort((a, b) => trust(a) - trust(b) || (a < b ? -1 : 1));
    const out: Record<string, unknown> = {};
    const last = vias.filter((via) => via !== rule.aside?.source);
    if (last.length < vias.length) last.push(rule.aside!.source);
    const fill = (from: readonly string[], wanted: (key: string) => boolean): void => {
      for (const via of from)
        for (const [key, value] of Object.entries(parts.get(via)!))
          if (key !== SAID_AT && wanted(key))
            out[key] = rule.earliest.includes(key) ? smallest(out[key], value) : clearer(key, out[key], value);
    };
    const isAside = (key: string): boolean => rule.aside?.fields.includes(key) ?? false;
    fill(vias, (key) => !isAside(key));
    fill(last, isAside);
    let furthest: Said | undefined;
    for (const via of rule.ranked.some(isAside) ? last : vias) {
      const said = parts.get(via)!;
      if (!furthest || rule.rank(said) > rule.rank(furthest)) furthest = said;
    }
    for (const key of rule.ranked) out[key] = furthest?.[key];
    return out;
  };
  return <R extends MergedRow>(row: R, made: R, via: string): R => {
    const names = Object.keys(made).filter((name) => !rule.own.includes(name));
    const said = Object.fromEntries(names.map((name) => [name, (made as unknown as Said)[name]]));
    const parts = partsOf(row, names);
    const before = parts.get(via);
    const now = before ? within(before, said) : said;
    parts.set(via, now);
    if (parts.size === 1 && now[SAID_AT] === undefined)
      return { ...row, ...(now as Partial<R>), ...(row.parts ? { parts: undefined } : {}) };
    return {
      ...row,
      ...(across(parts) as Partial<R>),
      sources: [...parts.keys()].sort().join(","),
      parts: JSON.stringify(
        Object.fromEntries([...parts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, part]) => [key, known(part)])),
      ),
    };
  };
}

function partsOf(row: MergedRow, names: readonly string[]): Map<string, Said> {
  if (row.parts) return new Map(Object.entries(JSON.parse(row.parts) as Record<string, Said>));
  return new Map([[row.sources, Object.fromEntries(names.map((name) => [name, (row as unknown as Said)[name]]))]]);
}

/** Known fields in a fixed order, so that equal parts give equal text. */
const known = (said: Said): Said =>
  Object.fromEntries(
    Object.entries(said)
      .filter(([, value]) => value !== undefined && value !== null)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );

/** Of two values the smaller, or the one there is. */
export const smallest = <T>(a: T, b: T): T =>
  a === undefined || a === null ? b : b === undefined || b === null ? a : (a as number) < (b as number) ? a : b;
/** Of two values the larger, or the one there is. */
export const larger = <T>(a: T, b: T): T =>
  a === undefined || a === null ? b : b === undefined || b === null ? a : (a as number) > (b as number) ? a : b;
