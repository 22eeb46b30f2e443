import type { DuckDBConnection } from "@duckdb/node-api";

/** Gives the writing connection once the transaction before is durable, with the one of the batch begun: who does not need it does not wait. */
export type Db = () => Promise<DuckDBConnection>;
