/** What became of events that a producer with several lives was told to be durable. A call is named `<life>-<number>`. */
export interface Verdict {
  readonly accepted: number;
  readonly stored: number;
  /** Accepted, and not in the tables. */
  readonly lost: number;
  /** In the tables more than once. */
  readonly doubled: number;
  /** Behind a later one of their session, in the order of the log. */
  readonly disordered: number;
}

const placeOf = (call: string): readonly [number, number] => {
  const [life = 0, number = 0] = call.split("-").map(Number);
  return [life, number];
};

/** Compares the journal with what the log holds: the calls of each session, in the order of the log. */
export function judge(accepted: readonly string[], sessions: ReadonlyMap<string, readonly string[]>): Verdict {
  const all = [...sessions.values()].flat();
  const stored = new Set(all);
  let disordered = 0;
  for (const calls of sessions.values()) {
    let last = placeOf("");
    for (const place of calls.map(placeOf)) {
      if (place[0] < last[0] || (place[0] === last[0] && place[1] < last[1])) disordered++;
      else last = place;
    }
  }
  return {
    accepted: accepted.length,
    stored: stored.size,
    lost: accepted.filter((call) => !stored.has(call)).length,
    doubled: all.length - stored.size,
    disordered,
  };
}
