/**
 * Sets an entry of a map that has a limit, as the one used last. Where the map is full the entry unused for longest makes room, and is given back.
 * Which one that is follows from what the map was asked before, so a replay forgets the same.
 */
export function remember<K, V>(map: Map<K, V>, key: K, value: V, max: number): V | undefined {
  let gone: V | undefined;
  if (!map.delete(key) && map.size >= max) {
    const [oldest] = map.keys();
    gone = map.get(oldest!);
    map.delete(oldest!);
  }
  map.set(key, value);
  return gone;
}

/**
 * The entry of a key, which is used by that. A map that is not half full keeps its order: so many new entries must come before anything goes that
 * what is in use will be asked for until then.
 */
export function recall<K, V>(map: Map<K, V>, key: K, max: number): V | undefined {
  const value = map.get(key);
  if (value === undefined || map.size * 2 <= max) return value;
  map.delete(key);
  map.set(key, value);
  return value;
}
