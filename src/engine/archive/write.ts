import { chmod, mkdir, open, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { WeirError } from "../../base/errors.ts";
import { Rows } from "../../store/rows.ts";
import { columnsOf, ddlOf, type Projections } from "../../store/tables.ts";
import { readFrame } from "../../wire/frame.ts";
import type { Reader, Stored } from "../../wire/read.ts";
import { EventRows } from "../apply/event-rows.ts";
import { Cut, type SegmentBounds } from "./cut.ts";
import type { FileNote, Segment } from "./manifest.ts";
import { filesOf } from "./manifest.ts";
import { Digest, FRAME_COLUMNS, fileDigest, quoted, readMessages } from "./parquet.ts";
import { headerList } from "./records.ts";

/** Bytes of messages that wait in memory before they are given to DuckDB. */
const WAITING_BYTES_MAX = 8_388_608;

/** Writes segments: the messages of a reader as two Parquet files each, on disk and read back when they are told. */
export class SegmentWriter {
  private readonly connection: DuckDBConnection;
  private readonly scratch: string;
  private readonly frames = new Rows("frames", FRAME_COLUMNS);
  private readonly events: EventRows;
  private readonly ddl: readonly string[];

  /** `scratch`: folder of the archive that is this writer's own. */
  constructor(connection: DuckDBConnection, projections: Projections, scratch: string) {
    const events = projections.get("events");
    if (events?.kind !== "map") throw new Error("the table events is missing");
    this.connection = connection;
    this.scratch = scratch;
    this.events = new EventRows(columnsOf(events));
    this.ddl = [
      `create or replace table frames(${FRAME_COLUMNS.map((c) => `${c.name} ${c.type}`).join(", ")})`,
      "drop table if exists events",
      ...ddlOf("events", events),
    ];
  }

  /**
   * Takes messages up to `until` into a segment that begins behind `after`, as far as its bounds allow, and writes its files into the scratch
   * folder. Undefined where no message is left. Throws where what was written is not what is read.
   */
  async write(
    reader: Reader,
    { after, until, bounds }: { after: number; until: number; bounds: SegmentBounds },
  ): Promise<Segment | undefined> {
    for (const statement of this.ddl) await this.connection.run(statement);
    const cut = new Cut(bounds);
    const digest = new Digest();
    while (digest.last < until && (await reader.ready())) {
      const message = reader.peek()!;
      const { events, take } = weigh(message);
      const weighed = { stored_us: message.stored_us, bytes: message.data.length, events };
      if (message.seq > until || !cut.fits(weighed)) break;
      reader.shift();
      cut.add(weighed);
      const headers = headerList(message.headers);
      digest.add({ ...message, headers });
      this.row(message, headers && JSON.stringify(headers), events);
      await take?.(this.events, () => this.flushEvents());
      if (this.frames.bytes > WAITING_BYTES_MAX) await this.frames.append(this.connection);
    }
    if (cut.messages === 0) return undefined;
    await this.frames.append(this.connection);
    await this.flushEvents();
    const { day, messages, events, bytes } = cut;
    const names = filesOf(day, after + 1, digest.last);
    const paths = { frames: join(this.scratch, "frames.parquet"), rows: join(this.scratch, "events.parquet") };
    await mkdir(this.scratch, { recursive: true, mode: 0o700 });
    await this.copy("frames", paths.frames);
    await this.copy("events", paths.rows);
    const segment: Segment = {
      first: after + 1,
      last: digest.last,
      day,
      messages,
      events,
      frame_bytes: bytes,
      digest: digest.hex(),
      frames: await noteOf(names.frames, paths.frames),
      rows: await noteOf(names.rows, paths.rows),
    };
    await this.readBack(segment, paths);
    for (const statement of this.ddl) await this.connection.run(statement);
    return segment;
  }

  private row({ seq, subject, stored_us, data }: Stored, headers: string | null, events: number): void {
    [seq, subject, stored_us, headers, events, data].forEach((value, k) => {
      this.frames.lanes[k]!.push(value);
    });
  }

  private flushEvents(): Promise<void> {
    return this.events.rows.append(this.connection);
  }

  private async copy(table: string, path: string): Promise<void> {
    await rm(path, { force: true });
    await this.connection.run(`copy ${table} to ${quoted(path)} (format parquet, compression zstd)`);
    await chmod(path, 0o600);
    const handle = await open(path, "r+");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  /** Reads the files again, the way a replay does. */
  private async readBack(segment: Segment, paths: { frames: string; rows: string }): Promise<void> {
    const found = new Digest();
    for await (const message of readMessages(this.connection, paths.frames)) found.add(message);
    const read = await this.connection.runAndReadAll(
      `select count(*), count(*) filter (stream_seq between ${segment.first} and ${segment.last}) from read_parquet(${quoted(paths.rows)})`,
    );
    const [all, inside] = read.getRowsJS()[0]!.map(Number);
    if (found.messages !== segment.messages || found.hex() !== segment.digest)
      throw differs(segment, "the messages read back are not those that were written");
    if (all !== segment.events || inside !== segment.events)
      throw differs(segment, `${segment.events} events were written, ${all} are read back`);
  }
}

const differs = ({ first, last }: Segment, why: string): WeirError =>
  new WeirError("archive_broken", `sequences ${first} to ${last}: ${why}`, {
    hint: "the log keeps them, and it is tried again; look at the disk",
  });

/** Events of a message, and what takes them as rows; a frame that cannot be read is kept as it is, and makes no rows. */
function weigh(message: Stored): {
  events: number;
  take?: (rows: EventRows, full: () => Promise<void>) => Promise<void>;
} {
  try {
    const frame = readFrame(message.data);
    return { events: frame.count, take: (rows, full) => rows.takeFrame(frame, message.seq, full) };
  } catch (error) {
    if (error instanceof WeirError && error.code === "frame_invalid") return { events: 0 };
    throw error;
  }
}

const noteOf = async (file: string, path: string): Promise<FileNote> => ({
  file,
  bytes: (await stat(path)).size,
  sha256: await fileDigest(path),
});
