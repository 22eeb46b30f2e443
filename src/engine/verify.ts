import type { DuckDBConnection } from "@duckdb/node-api";
import { readPosition } from "../store/open.ts";
import type { Connection } from "../wire/connect.ts";
import { readFrame } from "../wire/frame.ts";
import { HEADERS, lastFrame, lastStored, NO_TOTALS } from "../wire/publish.ts";
import { streamIdentity } from "../wire/streams.ts";
import { eventsSubject, validSubject } from "../wire/subjects.ts";
import type { Archive } from "./archive/archive.ts";
import { openLog } from "./archive/read-log.ts";
import type { Fault } from "./archive/records.ts";
import { checkMaking } from "./run-projections.ts";
import { findUnattended, type Unattended } from "./unattended.ts";

/** One law that must hold, with the numbers on both sides. */
export interface Law {
  readonly law: string;
  readonly left: number;
  readonly right: number;
  readonly holds: boolean;
}

/** What `weir verify` found. */
export interface Verification {
  readonly ok: boolean;
  readonly laws: readonly Law[];
  /** Numbers of producers that are in no table and were not declared as dropped. */
  readonly missing: readonly { producer: string; epoch: number; first: number; last: number }[];
  /** Numbers that producers gave up at a limit, and told so. */
  readonly dropped: readonly { producer: string; events: number }[];
  /** Log sequences whose events differ from the table's. */
  readonly frames: readonly { seq: number; in_log: number; in_tables: number }[];
  /** Sequences that are missing in the log itself, its archive included. */
  readonly lost: readonly { first: number; last: number }[];
  /** What waits in partitions that nobody works on. */
  readonly unattended: readonly Unattended[];
  /** What is archived of the log, and the files of it that are missing or not what was written. */
  readonly archive: {
    readonly segments: number;
    readonly last_seq: number;
    readonly faults: readonly Fault[];
  };
  readonly checked: {
    readonly events: number;
    readonly producers: number;
    readonly first_seq: number;
    readonly last_seq: number;
  };
}

const LISTED = 100;
const law = (text: string, left: number, right: number): Law => ({ law: text, left, right, holds: left === right });

/**
 * Proves that nothing is lost: the stages' totals against each other, each frame of the log against the rows of the table `events`, and each
 * producer's numbers for gaps. Memory stays bounded: log and table are walked side by side. Speaks of what was in the log when the
 * tables' position was read.
 */
export async function verify(options: {
  readonly bus: Connection;
  /** Where the older part of the log is. */
  readonly archive?: Archive | undefined;
  readonly connection: DuckDBConnection;
  /** Runs work when the tables hold all up to their position, and nothing is being written. */
  readonly quiet: <T>(work: () => Promise<T>) => Promise<T>;
  readonly partitions: number;
  readonly onProgress?: (seq: number, head: number) => void;
}): Promise<Verification> {
  const { bus, archive, connection, partitions } = options;
  const { segments = [], end = 0 } = archive?.look() ?? {};
  const faults = (await archive?.check()) ?? [];
  try {
    const position = await options.quiet(async () => {
      await connection.run("begin"); // one snapshot of the tables for all questions
      return readPosition(connection);
    });
    const identity = await streamIdentity(bus.jsm, "WEIR_EVENTS");
    checkMaking(position, identity);
    const laws: Law[] = [];
    for (let p = 0; p < partitions; p++) laws.push(...(await stageLaws(bus, p, partitions)));
    const walked = await walk(options, position.seq);
    const whole = walked.faults.length === 0 && walked.lost[0]?.first !== 1;
    if (whole)
      laws.push(
        law(
          "events in the log = events applied + repeats dropped",
          walked.events,
          position.applied + position.repeated,
        ),
      );
    const [[rows, aside]] = (
      await connection.runAndReadAll(
        "select (select count(*) from events), (select count(*) from set_aside where error like '*:%')",
      )
    ).getRowsJS() as [[bigint, bigint]];
    laws.push(
      law(
        "events applied = rows of the table events + events set aside",
        position.applied,
        Number(rows) + Number(aside),
      ),
    );
    const { missing, dropped, producers } = await producerGaps(connection);
    const lost = walked.lost;
    const unattended = await findUnattended(bus, partitions);
    return {
      ok:
        [missing, walked.frames, lost, unattended, faults].every((list) => list.length === 0) &&
        laws.every((l) => l.holds),
      laws,
      missing,
      dropped,
      frames: walked.frames,
      lost,
      unattended,
      archive: { segments: segments.length, last_seq: end, faults },
      checked: { events: walked.events, producers, first_seq: walked.first, last_seq: position.seq },
    };
  } finally {
    await connection.run("rollback").catch(() => {}); // nothing was written
  }
}

/** How often enrichment is asked where it went on before the frame it stood at was looked at. */
const STAGE_TRIES = 5;

/**
 * What went into a stage came out of it, by what the stage counted and by what the one before ever wrote. Enrichment is asked first, so that what
 * happens meanwhile lies behind the place that it stood at.
 */
async function stageLaws(bus: Connection, p: number, partitions: number): Promise<Law[]> {
  const name = partitions > 1 ? ` (partition ${p})` : "";
  let enriched = await lastFrame(bus, "WEIR_EVENTS", eventsSubject("enrich", p));
  let writtenBefore = await writtenAt(bus, enriched?.input ?? 0);
  for (let tries = 1; writtenBefore === undefined && tries < STAGE_TRIES; tries++) {
    enriched = await lastFrame(bus, "WEIR_EVENTS", eventsSubject("enrich", p));
    writtenBefore = await writtenAt(bus, enriched?.input ?? 0);
  }
  const valid = await lastFrame(bus, "WEIR_VALID", validSubject(p));
  const v = valid?.totals ?? NO_TOTALS;
  const written = valid?.written ?? 0;
  const taken = enriched?.totals.taken ?? 0;
  const laws = [law(`accepted = valid + rejected + repeated${name}`, v.taken, v.passed + v.rejected + v.repeated)];
  // what validate itself adds (rejections, gaps) passes enrichment too
  if (writtenBefore !== undefined)
    laws.push(law(`written by validate = enriched + waiting${name}`, written, taken + (written - writtenBefore)));
  return laws;
}

/** Events that validate had written up to the frame at which enrichment stands; undefined where it has moved on and that frame was trimmed. */
async function writtenAt(bus: Connection, seq: number): Promise<number | undefined> {
  if (seq === 0) return 0;
  const message = await bus.jsm.streams.getMessage("WEIR_VALID", { seq });
  return message ? Number(message.header.get(HEADERS.written) || 0) : undefined;
}

/** Walks log and table side by side up to a sequence. */
async function walk(
  { bus, archive, connection, onProgress }: Parameters<typeof verify>[0],
  until: number,
): Promise<{
  events: number;
  /** First sequence that is there. */
  first: number;
  frames: { seq: number; in_log: number; in_tables: number }[];
  lost: { first: number; last: number }[];
  faults: readonly Fault[];
}> {
  const frames: { seq: number; in_log: number; in_tables: number }[] = [];
  const lost: { first: number; last: number }[] = [];
  let events = 0;
  let begin = 0;
  if (until === 0) return { events, first: begin, frames, lost, faults: [] };
  const end = Math.min(until, await lastStored(bus, "WEIR_EVENTS"));
  const reader = openLog(bus, archive, { after: 0, tolerant: true });
  const repeats = await repeatedBySeq(connection);
  const counts = await connection.stream(
    "select stream_seq, count(*) from events group by stream_seq order by stream_seq",
  );
  let rows: [number, number][] = [];
  let row = 0;
  const inTables = async (seq: number): Promise<number> => {
    for (;;) {
      if (row >= rows.length) {
        const chunk = await counts.fetchChunk();
        if (!chunk || chunk.rowCount === 0) return 0;
        rows = chunk.getRows().map(([s, n]) => [Number(s), Number(n)]);
        row = 0;
      }
      if (rows[row]![0] > seq) return 0;
      const [at, n] = rows[row++]!;
      if (at === seq) return n;
    }
  };
  try {
    let previous = 0;
    const missing = (first: number, last: number): void => void lost.push(...outside(first, last, reader.faults));
    while (previous < end && (await reader.ready())) {
      const message = reader.shift()!;
      if (message.seq > until) break;
      if (begin === 0) begin = message.seq;
      if (message.seq !== previous + 1) missing(previous + 1, message.seq - 1);
      previous = message.seq;
      const count = countOf(message.data);
      events += count;
      const held = (await inTables(message.seq)) + (repeats.get(message.seq) ?? 0);
      if (held !== count && frames.length < LISTED) frames.push({ seq: message.seq, in_log: count, in_tables: held });
      if (message.seq % 256 === 0) onProgress?.(message.seq, until);
    }
    if (previous < until) missing(previous + 1, until);
  } finally {
    await reader.close();
  }
  return { events, first: begin, frames, lost, faults: reader.faults };
}

/** The parts of a range that no fault tells about already: what stands in a file that cannot be read is named by its file. */
function outside(first: number, last: number, faults: readonly Fault[]): { first: number; last: number }[] {
  const out: { first: number; last: number }[] = [];
  let from = first;
  for (const fault of faults) {
    if (fault.last < from || fault.first > last) continue;
    if (fault.first > from) out.push({ first: from, last: fault.first - 1 });
    from = fault.last + 1;
  }
  if (from <= last) out.push({ first: from, last });
  return out;
}

function countOf(data: Uint8Array): number {
  try {
    return readFrame(data).count;
  } catch {
    return -1; // told as a frame that differs
  }
}

async function repeatedBySeq(connection: DuckDBConnection): Promise<Map<number, number>> {
  const reader = await connection.runAndReadAll("select stream_seq, count(*) from _repeats group by stream_seq");
  return new Map(reader.getRowsJS().map(([seq, n]) => [Number(seq), Number(n)]));
}

/** Producers whose numbers have holes; only those are looked at row by row. */
async function producerGaps(
  connection: DuckDBConnection,
): Promise<{ missing: Verification["missing"]; dropped: Verification["dropped"]; producers: number }> {
  const all = (
    await connection.runAndReadAll(
      "select producer, epoch, sum(events)::bigint, max(max)::bigint from producers group by all",
    )
  ).getRowsJS();
  const given = (
    await connection.runAndReadAll(`select "of", first, last, events from gaps where what = 'dropped'`)
  ).getRowsJS();
  const missing: { producer: string; epoch: number; first: number; last: number }[] = [];
  for (const [producer, epoch, events, max] of all) {
    if (Number(events) === Number(max)) continue;
    const holes = await connection.runAndReadAll(
      // a repeat dropped by its id arrived all the same
      `select before + 1, n - 1 from (select n, lag(n, 1, 0) over (order by n) as before from (
         select n from events where producer = $producer and epoch = $epoch union select n from _repeats where producer = $producer and epoch = $epoch))
       where n > before + 1 limit ${LISTED}`,
      { producer: String(producer), epoch: BigInt(String(epoch)) },
    );
    for (const [first, last] of holes.getRowsJS()) {
      const declared = given.some(
        ([of, a, b]) => of === producer && Number(a) <= Number(first) && Number(b) >= Number(last),
      );
      if (!declared && missing.length < LISTED)
        missing.push({ producer: String(producer), epoch: Number(epoch), first: Number(first), last: Number(last) });
    }
  }
  return {
    missing,
    dropped: given.map(([of, , , n]) => ({ producer: String(of), events: Number(n) })),
    producers: all.length,
  };
}
