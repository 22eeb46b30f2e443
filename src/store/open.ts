import { existsSync, renameSync, rmSync, statSync } from "node:fs";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { type ErrorCode, WeirError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";

/** Version of the tables' layout; a file of a newer one is refused, of an older one rebuilt. */
export const STORE_FORMAT = 2;

/** Where the tables stand in the log. One row, written in the same transaction as the rows it speaks of. */
export interface Position {
  /** Stream the tables are made from, and when it was made: a replaced stream is noticed. */
  readonly stream: string;
  readonly created: string;
  /** Last sequence whose effect is in the tables. */
  readonly seq: number;
  /** Events applied, repeats dropped and events set aside since the beginning. */
  readonly applied: number;
  readonly repeated: number;
  readonly set_aside: number;
  /** Time of the newest event applied, in microseconds. */
  readonly time_us: number;
  /** Rows of `_ahead`: where there are any, tables whose rows change do not show all of it yet. */
  readonly ahead: number;
}

/** The DuckDB file, owned by this process: one instance, one writing connection, a few for reading. */
export interface Store {
  readonly file: string;
  readonly writer: DuckDBConnection;
  readonly instance: DuckDBInstance;
  /**
   * Gives freed memory of the whole process back to the system. DuckDB does so when its limit is set, also to what it was (its `BufferPool::SetLimit` flushes
   * the allocators and calls malloc_trim), and nothing else in the process can ask for it.
   */
  giveBack(): Promise<void>;
  close(): Promise<void>;
}

/** Settings of the one instance; external access is off because nothing weir itself runs needs it. */
const settings = (memoryMb: number, threads: number, file: string): Record<string, string> => ({
  memory_limit: `${memoryMb}MB`,
  threads: String(threads),
  temp_directory: `${file}.tmp`,
  max_temp_directory_size: "4GB",
  // weir checkpoints by itself (see checkpointWhenLarge): often enough for a quick start, seldom enough that a row is not packed twice
  checkpoint_threshold: "1TB",
  preserve_insertion_order: "false",
  autoinstall_known_extensions: "false",
  autoload_known_extensions: "false",
  allow_community_extensions: "false",
  enable_external_access: "false",
  allocator_flush_threshold: "16MB",
  allocator_background_threads: "true",
});

/** What DuckDB says of the file and of the machine; what it says of a statement is the caller's to explain. */
const FAULTS: readonly {
  readonly says: RegExp;
  readonly code: ErrorCode;
  readonly what: string;
  readonly hint?: string;
}[] = [
  { says: /lock on file|used by another process/i, code: "already_running", what: "is held by another process" },
  {
    says: /no space left|disk quota|could not write|out of disk|max_temp_directory_size/i,
    code: "store_failed",
    what: "finds no room on the disk",
    hint: "free disk space; what was acknowledged is in the log, and the tables go on from there",
  },
  {
    says: /permission denied|read-only file system|is a directory|not a regular file/i,
    code: "data_dir_unusable",
    what: "cannot be opened",
  },
  {
    says: /checksum|not a valid DuckDB|corrupt|read enough bytes|serializ|replaying WAL|newer version of DuckDB/i,
    code: "store_corrupt",
    what: "is damaged",
  },
];

const faultOf = (text: string): (typeof FAULTS)[number] | undefined => FAULTS.find(({ says }) => says.test(text));

/** Whether the file or the machine is at fault, and not the statement or its values. */
export const isStoreFault = (error: unknown): boolean =>
  error instanceof WeirError || /FATAL|invalidated/.test(String(error)) || faultOf(String(error)) !== undefined;

/** Whether DuckDB answers nothing more until the file is opened again. */
export const isFatal = (error: unknown): boolean => /FATAL Error/.test(String(error));

/** A failure of the store as the error it is: a lock, a full disk and a damaged file ask for different things. */
export function storeError(file: string, error: unknown, otherwise: ErrorCode = "store_failed"): WeirError {
  if (error instanceof WeirError) return error;
  const text = (error instanceof Error ? error.message : String(error)).split("\n")[0]!;
  const known = faultOf(text);
  return new WeirError(known?.code ?? otherwise, `${file} ${known?.what ?? "cannot be used"}: ${text}`, {
    cause: error,
    ...(known?.hint === undefined ? {} : { hint: known.hint }),
  });
}

/** Opens or makes the store. Throws `already_running`, `store_corrupt` `data_dir_newer`, and what {@link storeError} tells apart. */
export async function openStore(
  file: string,
  { memoryMb, threads }: { memoryMb: number; threads: number },
): Promise<Store> {
  let instance: DuckDBInstance;
  // an empty file is what a full disk left of an earlier attempt to make one
  const fresh = !(statSync(file, { throwIfNoEntry: false })?.size ?? 0);
  if (fresh) rmSync(file, { force: true });
  try {
    instance = await DuckDBInstance.create(file, settings(memoryMb, threads, file));
  } catch (error) {
    const fault = storeError(file, error, "store_corrupt");
    if (fresh && fault.code === "store_failed") rmSync(file, { force: true });
    throw fault;
  }
  try {
    const writer = await instance.connect();
    await writer.run(
      `create table if not exists _weir(format integer, stream varchar, created varchar, seq bigint, applied bigint, repeated bigint, set_aside bigint, time_us bigint, ahead bigint)`,
    );
    await writer.run("create table if not exists _ahead(seq bigint, changes blob)");
    await writer.run(`create table if not exists _tables(name varchar, version bigint, definition varchar)`);
    await writer.run(
      `create table if not exists set_aside(event_id varchar, type varchar, stream_seq bigint, error varchar, event varchar, session varchar)`,
    );
    await writer.run(
      `create table if not exists _repeats(stream_seq bigint, producer varchar, epoch bigint, n bigint)`,
    );
    const rows = (await writer.runAndReadAll("select format from _weir")).getRowsJS();
    if (rows.length === 0) await writer.run(`insert into _weir values (${STORE_FORMAT}, '', '', 0, 0, 0, 0, 0, 0)`);
    else if (Number(rows[0]![0]) === 1) {
      await writer.run("alter table _weir add column if not exists ahead bigint default 0");
      await writer.run("alter table set_aside add column if not exists session varchar");
      await writer.run(`update _weir set format = ${STORE_FORMAT}, ahead = 0`);
    } else if (Number(rows[0]![0]) > STORE_FORMAT) {
      throw new WeirError(
        "data_dir_newer",
        `${file} was written by a newer weir (format ${rows[0]![0]}, this one knows ${STORE_FORMAT})`,
      );
    }
    return {
      file,
      writer,
      instance,
      async giveBack() {
        await writer.run(`set memory_limit = '${memoryMb}MB'`);
      },
      async close() {
        await writer.run("checkpoint").catch(() => {}); // a failed one is repeated from the write-ahead log at the next start
        writer.closeSync();
        instance.closeSync();
      },
    };
  } catch (error) {
    instance.closeSync();
    throw storeError(file, error, "store_corrupt");
  }
}

/** The tables' position. */
export async function readPosition(connection: DuckDBConnection): Promise<Position> {
  const [row] = (
    await connection.runAndReadAll(
      "select stream, created, seq, applied, repeated, set_aside, time_us, ahead from _weir",
    )
  ).getRowsJS();
  const [stream, created, ...counts] = row!;
  const [seq, applied, repeated, set_aside, time_us, ahead] = counts.map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return { stream: String(stream), created: String(created), seq, applied, repeated, set_aside, time_us, ahead };
}

const COUNTS = ["seq", "applied", "repeated", "set_aside", "time_us", "ahead"] as const;

/** Moves the position inside the open transaction. False: somebody else moved it; the transaction must be rolled back. */
export async function movePosition(connection: DuckDBConnection, from: Position, to: Position): Promise<boolean> {
  // each column that is set costs as much as the statement: those that stay are left out
  const set = COUNTS.filter((name) => name === "seq" || to[name] !== from[name]).map((name) => `${name} = ${to[name]}`);
  const where = `where seq = ${from.seq} and applied = ${from.applied}`;
  const named = to.stream !== from.stream || to.created !== from.created;
  const result = named
    ? await connection.run(
        `update _weir set stream = $stream, created = $created, ${set.join(", ")} ${where}`,
        { stream: to.stream, created: to.created }, // nothing of the broker's words is part of a statement
      )
    : await connection.run(`update _weir set ${set.join(", ")} ${where}`);
  return result.rowsChanged === 1;
}

const OTHERS_WRITE = /^TransactionContext Error: Cannot CHECKPOINT: there are other write transactions active/;

/** Folds the write-ahead log in. DuckDB refuses while it is still ending another transaction: then it is tried again, for a while. */
export async function checkpointStore({ writer }: Pick<Store, "writer">): Promise<void> {
  const until = performance.now() + LIMITS.checkpoint_tries_ms_max;
  for (;;) {
    try {
      await writer.run("checkpoint");
      return;
    } catch (error) {
      if (!(error instanceof Error && OTHERS_WRITE.test(error.message)) || performance.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

/** Checkpoints when the write-ahead log has grown past its limit; returns whether it did. */
export async function checkpointWhenLarge(store: Store, bytesMax: number = LIMITS.wal_bytes_max): Promise<boolean> {
  if (!walIsLarge(store, bytesMax)) return false;
  await checkpointStore(store);
  return true;
}

/** Whether the write-ahead log has grown past its limit. */
export function walIsLarge(store: Store, bytesMax: number = LIMITS.wal_bytes_max): boolean {
  const wal = `${store.file}.wal`;
  return existsSync(wal) && statSync(wal).size >= bytesMax;
}

/** Puts a broken store out of the way, with its write-ahead log; returns the new name. Nothing is deleted. */
export function setAsideStore(file: string, stamp: string): string {
  const aside = `${file}.broken-${stamp}`;
  if (existsSync(file)) renameSync(file, aside);
  if (existsSync(`${file}.wal`)) renameSync(`${file}.wal`, `${aside}.wal`);
  return aside;
}
