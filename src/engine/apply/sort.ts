import { upcast } from "../../events/plain.ts";
import type { Item } from "./column-source.ts";
import type { Forgotten } from "./forgotten.ts";
import type { Fault, Placed, Portion } from "./portion.ts";

/** Which events of a frame are taken: `only` these where given, and those of `bad` are set aside with the reason. */
export interface Choice {
  readonly only?: ReadonlySet<string>;
  readonly bad: ReadonlyMap<string, string>;
}

/** Ids of the events of frames, in their order. */
export function idsOf(batch: readonly Placed[]): string[] {
  const ids: string[] = [];
  for (const { frame } of batch)
    frame.forEach((group, row) => {
      ids.push(group.attributeNamed("id")[row] as string);
    });
  return ids;
}

/** Tells the events of a frame that are new from those that came before, which `known` marks. */
export function sort(
  { seq, frame }: Placed,
  known: Uint8Array,
  forgotten: Forgotten,
  { only, bad }: Choice,
): { readonly portion: Portion; readonly repeats: readonly Item[] } {
  const filtered = only !== undefined || bad.size > 0;
  const items: Item[] = [];
  const faults: Fault[] = [];
  const repeats: Item[] = [];
  let whole = !filtered;
  let k = 0;
  frame.forEach((group, row) => {
    const at = k++;
    const read = group.event(row);
    const event = known[at] === 1 ? read : forgotten.take(upcast(read));
    const item: Item = { event, group, row, seq };
    if (known[at] === 1) {
      repeats.push(item);
      whole = false;
      return;
    }
    if (event !== read) whole = false;
    const reason = filtered ? bad.get(event.id) : undefined;
    if (reason !== undefined) faults.push({ item, table: "*", error: reason });
    else if (!only || only.has(event.id)) items.push(item);
  });
  return { portion: { frame, seq, items, whole, faults }, repeats };
}
