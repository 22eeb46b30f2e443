import { type DuckDBConnection, LIST, listValue, VARCHAR } from "@duckdb/node-api";
import { clock } from "../../base/clock.ts";
import { newId } from "../../base/id.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Caches } from "./caches.ts";
import type { Db } from "./db.ts";

/** Whether an id begins with its time: version 7. */
const isOrdered = (id: string): boolean => id.charCodeAt(14) === 55;

const FILE = "ids";

/**
 * Which event ids are in the tables already. Ids are UUIDv7, so text order is time order. Two generations of the last ids are kept in
 * memory; above `floor` they are complete, so an id above it that is not among them is new. Ids at or below it (late re-sends, imports
 * of history) are looked up in the table, where the zone maps of the id column keep that cheap.
 */
export class SeenIds {
  private young = new Set<string>();
  private old = new Set<string>();
  private floor: string;
  /** Highest id ever seen; what lies above it is new without looking. */
  private top = "";

  /** `newest` ids of the table, all of those above `floor`. */
  constructor(newest: readonly string[], floor: string) {
    for (const id of newest) {
      this.young.add(id);
      if (id > this.top) this.top = id;
    }
    if (floor > this.top) this.top = floor;
    this.floor = floor;
  }

  /** The ids of tables that stand at `seq`: those that were saved with the ids that came since, or the newest of the table. */
  static async load(connection: DuckDBConnection, caches: Caches, identity: string, seq: number): Promise<SeenIds> {
    const saved = SeenIds.saved(caches, identity);
    if (!saved || saved.seq > seq) return SeenIds.newest(connection);
    const since = await connection.runAndReadAll(
      `select id from (select id::varchar as id, stream_seq from events where stream_seq > ${saved.seq}
union all select event_id, stream_seq from set_aside where error like '*:%' and stream_seq > ${saved.seq}) order by stream_seq limit ${LIMITS.dedupe_ids_max + 1}`,
    );
    if (since.currentRowCount > LIMITS.dedupe_ids_max) return SeenIds.newest(connection);
    saved.ids.add(since.getRowsJS().map(([id]) => String(id)));
    return saved.ids;
  }

  /** Saves what is known of tables that stand at `seq`. */
  save(caches: Caches, identity: string, seq: number): void {
    const text = [seq, this.floor, this.top, [...this.old].join(" "), [...this.young].join(" ")].join("\n");
    try {
      caches.write(FILE, identity, [Buffer.from(text)]);
    } catch {
      // the next start reads the table
    }
  }

  private static saved(caches: Caches, identity: string): { seq: number; ids: SeenIds } | undefined {
    const parts = caches.read(FILE, identity)?.toString().split("\n");
    if (parts?.length !== 5) return undefined;
    const [seq, floor, top, old, young] = parts as [string, string, string, string, string];
    const ids = new SeenIds(young === "" ? [] : young.split(" "), floor);
    ids.old = new Set(old === "" ? [] : old.split(" "));
    ids.top = top;
    return { seq: Number(seq), ids };
  }

  /** Reads the newest ids of the table. */
  private static async newest(connection: DuckDBConnection): Promise<SeenIds> {
    const rows = (
      await connection.runAndReadAll(
        `select id::varchar from events where stream_seq > (select coalesce(max(stream_seq), 0) from events) - 64 order by id desc limit ${LIMITS.dedupe_ids_max}`,
      )
    ).getRowsJS();
    const ids = rows.map(([id]) => String(id));
    // an event that was set aside whole stands in no other table
    const aside = (
      await connection.runAndReadAll(
        `select event_id from set_aside where error like '*:%' order by stream_seq desc limit ${LIMITS.dedupe_ids_max}`,
      )
    ).getRowsJS();
    const latest = newId((clock.nowMs() + LIMITS.clock_ahead_ms_max) * 1_000);
    // older frames may hold ids above the oldest of these: only what is above every id outside the list is complete
    const [[outside]] = (
      await connection.runAndReadAll(
        // ids further ahead than any clock may be are not time-ordered ones
        `select max(id)::varchar from events where stream_seq <= (select coalesce(max(stream_seq), 0) from events) - 64 and id < '${latest}'::uuid`,
      )
    ).getRowsJS() as [[string | null]];
    const cut = ids.length === LIMITS.dedupe_ids_max ? ids.at(-1)! : "";
    return new SeenIds([...ids, ...aside.map(([id]) => String(id))], outside && outside > cut ? outside : cut);
  }

  /** Marks which of the ids, in order, were seen before: in the tables, in `batch`, or earlier in the list. New ones join `batch`. */
  async repeats(ids: readonly string[], batch: Set<string>, db: Db): Promise<Uint8Array> {
    const out = new Uint8Array(ids.length);
    const late: number[] = [];
    let { top } = this;
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i]!;
      if (id > top && isOrdered(id) && !batch.has(id)) {
        top = id;
        batch.add(id);
        continue;
      }
      if (batch.has(id) || this.young.has(id) || this.old.has(id)) out[i] = 1;
      else {
        batch.add(id);
        if (id <= this.floor || !isOrdered(id)) late.push(i);
      }
    }
    if (late.length > 0) {
      const sorted = late.map((i) => ids[i]!).sort();
      const rows = await (await db()).runAndReadAll(
        `select id::varchar from events where id between $low::uuid and $high::uuid and id in (select unnest($ids)::uuid)`,
        { low: sorted[0]!, high: sorted.at(-1)!, ids: listValue(sorted) },
        { low: VARCHAR, high: VARCHAR, ids: LIST(VARCHAR) },
      );
      const held = new Set(rows.getRowsJS().map(([id]) => String(id)));
      for (const i of late) {
        if (!held.has(ids[i]!)) continue;
        out[i] = 1;
        batch.delete(ids[i]!);
      }
    }
    return out;
  }

  /** Remembers committed ids. */
  add(ids: Iterable<string>): void {
    for (const id of ids) {
      this.young.add(id);
      if (id > this.top && isOrdered(id)) this.top = id;
      if (this.young.size < LIMITS.dedupe_ids_max) continue;
      for (const gone of this.old) if (gone > this.floor && isOrdered(gone)) this.floor = gone;
      this.old = this.young;
      this.young = new Set();
    }
  }
}
