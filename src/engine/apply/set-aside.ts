import type { DuckDBConnection } from "@duckdb/node-api";
import { columnsBehind } from "../../define/event.ts";
import { dataJson } from "./data-json.ts";
import type { Fault } from "./portion.ts";

/** Keeps events that a table could not take, with the table and the reason. */
export async function setAside(writer: DuckDBConnection, faults: readonly Fault[]): Promise<void> {
  for (const { item, table, error } of faults) {
    await writer.run("insert into set_aside values ($id, $type, $seq, $error, $event, $session)", {
      id: item.event.id,
      type: item.event.type,
      seq: item.seq,
      error: `${table}: ${error}`,
      session: item.event.session ?? null,
      event: columnsBehind(item.event) ? dataJson(item.group, item.row) : JSON.stringify(item.event.data),
    });
  }
}
