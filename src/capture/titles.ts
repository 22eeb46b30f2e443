import { MAPPINGS, recentOf, waitedFor } from "./kinds.ts";
import type { Reading } from "./read-transcript.ts";

/** Gives out titles that name a record of another file, now that the last records of all files are known. */
export async function placeTitles(reading: Reading): Promise<void> {
  const own = [...reading.positions].filter(([, position]) => position.kind === reading.kind);
  const wanted = new Set(own.flatMap(([, position]) => waitedFor(position.state)));
  if (wanted.size === 0) return;
  const places = new Map<string, { time: number; session: string; path: string }>();
  for (const [path, position] of own) {
    for (const [uuid, time, session] of recentOf(position.state)) {
      // positions stand in the order of reading: of sessions that repeat a record the older one owns its title
      if (wanted.has(uuid) && !places.has(uuid)) places.set(uuid, { time, session, path });
    }
  }
  for (const [path, position] of own) {
    const state = position.state as object;
    if (waitedFor(state).length === 0) continue;
    // a record of the same file was met while reading, or stands too far back wherever reading stopped
    const leafOf = (uuid: string) => (places.get(uuid)?.path === path ? undefined : places.get(uuid));
    const drafts = MAPPINGS[reading.kind].end(state, leafOf);
    if (drafts.length === 0) continue;
    await reading.emit(drafts);
    reading.positions.set(path, { ...position, state });
  }
}
