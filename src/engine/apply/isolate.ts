import { isStoreFault } from "../../store/open.ts";

/**
 * Finds the ids whose events make an attempt fail, by halving them until those that fail stand alone. Throws what the store itself failed with:
 * then no event is to blame.
 */
export async function isolate(
  ids: readonly string[],
  attempt: (subset: readonly string[]) => Promise<void>,
): Promise<string[]> {
  try {
    await attempt(ids);
    return [];
  } catch (error) {
    if (isStoreFault(error)) throw error;
    if (ids.length === 1) return [ids[0]!];
    const half = ids.length >> 1;
    return [...(await isolate(ids.slice(0, half), attempt)), ...(await isolate(ids.slice(half), attempt))];
  }
}
