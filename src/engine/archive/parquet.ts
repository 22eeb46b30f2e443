import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { type DuckDBBlobValue, type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { LIMITS } from "../../base/limits.ts";
import type { Column } from "../../store/tables.ts";
import type { Head, HeaderList } from "./records.ts";

/** Columns of a file of messages. */
export const FRAME_COLUMNS: readonly Column[] = [
  { name: "seq", type: "BIGINT" },
  { name: "subject", type: "VARCHAR" },
  { name: "stored_us", type: "BIGINT" },
  { name: "headers", type: "VARCHAR" },
  { name: "events", type: "BIGINT" },
  { name: "frame", type: "BLOB" },
];

/** A message as a file of the archive holds it. */
export interface Kept extends Head {
  readonly data: Uint8Array;
}

/** A DuckDB of this process alone, in memory; what does not fit goes to files in `scratch`. */
export async function openScratch(scratch: string): Promise<DuckDBInstance> {
  return DuckDBInstance.create(":memory:", {
    memory_limit: `${LIMITS.archive_memory_bytes}B`,
    threads: "1", // one thread writes and reads rows in their order
    temp_directory: scratch,
    max_temp_directory_size: "8GB",
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    allow_community_extensions: "false",
  });
}

/** A text as SQL has it. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** The messages of a file, in their order, with at most one vector of them in memory. */
export async function* readMessages(connection: DuckDBConnection, path: string, where = ""): AsyncGenerator<Kept> {
  const result = await connection.stream(
    `select seq, subject, stored_us, headers, frame from read_parquet(${quoted(path)})${where}`,
  );
  for (let chunk = await result.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    for (let row = 0; row < chunk.rowCount; row++) {
      const [seq, subject, stored_us, headers, frame] = chunk.getRowValues(row);
      yield {
        seq: Number(seq),
        subject: String(subject),
        stored_us: Number(stored_us),
        headers: headers === null ? null : (JSON.parse(String(headers)) as HeaderList),
        data: (frame as DuckDBBlobValue).bytes,
      };
    }
  }
}

/** A running SHA-256 over what messages hold. */
export class Digest {
  private readonly hash = createHash("sha256");
  messages = 0;
  last = 0;
  add({ seq, subject, stored_us, headers, data }: Kept): void {
    this.hash.update(`${seq} ${stored_us} ${subject} ${data.length} ${JSON.stringify(headers)}\n`).update(data);
    this.messages++;
    this.last = seq;
  }
  hex(): string {
    return this.hash.digest("hex");
  }
}

/** SHA-256 of a file. */
export const fileDigest = async (path: string): Promise<string> =>
  createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
