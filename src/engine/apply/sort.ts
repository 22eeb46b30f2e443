import { upcast } from "../../events/plain.ts";
import type { Item } from "./column-source.ts";
import type { Db } from "./db.ts";
import type { Forgotten } from "./forgotten.ts";
import type { Fault, Placed, Portion } from "./portion.ts";
import type { SeenIds } from "./seen.ts";

/** Which events of a frame are taken: `only` these where given, and those of `bad` are set aside with the reason. */
export interface Choice {
  readonly only?: ReadonlySet<string>;
  readonly bad: ReadonlyMap<string, string>;
}

/** The events of a frame that are new, whose ids join `ids`; and those that came before. */
export type Sort = (
  placed: Placed,
  ids: Set<string>,
  choice: Choice,
) => Promise<{ readonly portion: Portion; readonly repeats: readonly Item[] }>;

/** Makes the function that tells new events from repeated ones. */
export function sorter(seen: SeenIds, forgotten: Forgotten, db: Db): Sort {
  return async ({ seq, frame }, ids, { only, bad }) => {
    const names: string[] = [];
    frame.forEach((group, row) => {
      names.push(group.attributeNamed("id")[row] as string);
    });
    const known = await seen.repeats(names, ids, db);
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
      const reason = filtered ? bad.get(names[at]!) : undefined;
      if (reason !== undefined) faults.push({ item, table: "*", error: reason });
      else if (!only || only.has(names[at]!)) items.push(item);
    });
    return { portion: { frame, seq, items, whole, faults }, repeats };
  };
}
