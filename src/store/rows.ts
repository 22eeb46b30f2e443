import type { DuckDBConnection } from "@duckdb/node-api";
import duckdb from "@duckdb/node-bindings";
import { type Lane, VECTOR_ROWS } from "./lane.ts";
import type { Column } from "./tables.ts";
import { laneOf } from "./vectors.ts";

/** Rows of one table on their way into it. Made once and used again, so that a batch leaves nothing behind to collect. */
export class Rows {
  readonly lanes: readonly Lane[];
  private readonly table: string;
  private readonly types: readonly duckdb.LogicalType[];

  constructor(table: string, columns: readonly Column[]) {
    this.table = table;
    this.lanes = columns.map((column) => laneOf(column.type));
    this.types = columns.map((column) => duckdb.create_logical_type(TYPES[column.type]!));
  }

  get count(): number {
    return this.lanes[0]!.rows;
  }

  /** Bytes of texts that wait. */
  get bytes(): number {
    let bytes = 0;
    for (const lane of this.lanes) bytes += lane.bytes;
    return bytes;
  }

  /** Appends the rows to the table inside the open transaction, and lets go of them. */
  async append(connection: DuckDBConnection): Promise<void> {
    const rows = this.count;
    if (rows === 0) return;
    const appender = await connection.createAppender(this.table);
    try {
      const { appender: handle } = appender as unknown as { appender: duckdb.Appender };
      for (const lane of this.lanes) {
        if (lane.rows !== rows) throw new Error(`the columns of ${this.table} have parted`);
        lane.ready();
      }
      for (let from = 0; from < rows; from += VECTOR_ROWS) {
        const count = Math.min(VECTOR_ROWS, rows - from);
        const chunk = duckdb.create_data_chunk(this.types);
        duckdb.data_chunk_set_size(chunk, count);
        this.lanes.forEach((lane, k) => {
          lane.fill(duckdb.data_chunk_get_vector(chunk, k), from, count);
        });
        duckdb.append_data_chunk(handle, chunk);
      }
    } finally {
      appender.closeSync();
      this.clear();
    }
  }

  clear(): void {
    for (const lane of this.lanes) lane.clear();
  }
}

const { Type } = duckdb;
const TYPES: Readonly<Record<string, number>> = {
  DOUBLE: Type.DOUBLE,
  BIGINT: Type.BIGINT,
  TIMESTAMP: Type.TIMESTAMP,
  INTEGER: Type.INTEGER,
  BOOLEAN: Type.BOOLEAN,
  UUID: Type.UUID,
  VARCHAR: Type.VARCHAR,
  BLOB: Type.BLOB,
};
