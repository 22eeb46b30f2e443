import type { Spooled } from "./spool.ts";

/** Events that were given up and not told yet; numbers where they had some. */
export interface Loss {
  readonly where: string;
  readonly count: number;
  readonly first: number | undefined;
  readonly last: number | undefined;
}

/** Adds up what was given up, by the numbering it belongs to where it has numbers. */
export function createLosses(): {
  readonly size: number;
  add(where: string, count: number, item?: Spooled): void;
  /** All so far; it begins again. */
  take(): Loss[];
} {
  const losses = new Map<string, Loss>();
  return {
    get size() {
      return losses.size;
    },
    add(where, count, item) {
      const dot = item?.id.lastIndexOf(".") ?? -1;
      const key = `${where} ${item?.id.slice(0, dot) ?? ""}`;
      const first = item && Number(item.id.slice(dot + 1));
      const loss = losses.get(key);
      losses.set(key, {
        where,
        count: (loss?.count ?? 0) + count,
        first: first && Math.min(loss?.first ?? first, first),
        last: first && Math.max(loss?.last ?? 0, first + count - 1),
      });
    },
    take() {
      const all = [...losses.values()];
      losses.clear();
      return all;
    },
  };
}
