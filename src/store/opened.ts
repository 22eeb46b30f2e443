import {
  BLOB,
  DuckDBBlobValue,
  type DuckDBConnection,
  DuckDBScalarFunction,
  type DuckDBVector,
  VARCHAR,
} from "@duckdb/node-api";
import { openSealed, openSealedBytes } from "../base/seal.ts";
import { columnType, fieldList } from "../define/field.ts";
import type { Projections } from "./tables.ts";

/** Looks a key up by its id; undefined where it is gone. */
export type KeyOf = (keyId: string) => Buffer | undefined;

/** One function of one argument. It must not throw: on DuckDB's threads there is nobody to catch it. */
function scalar(
  name: string,
  type: typeof VARCHAR | typeof BLOB,
  open: (value: unknown) => unknown,
): DuckDBScalarFunction {
  return DuckDBScalarFunction.create({
    name,
    returnType: type,
    parameterTypes: [type],
    mainFunction: (_, input, output) => {
      const values = input.getColumnVector(0);
      const out = output as DuckDBVector & { setItem(row: number, value: unknown): void };
      for (let row = 0; row < input.rowCount; row++) out.setItem(row, open(values.getItem(row)));
      out.flush();
    },
  });
}

/**
 * Lets statements on a connection read what is encrypted: every table and view with private columns is hidden by one of its name that shows them
 * opened, for this connection alone. Conditions on other columns still reach the table itself.
 */
export async function showOpened(connection: DuckDBConnection, projections: Projections, keyOf: KeyOf): Promise<void> {
  connection.registerScalarFunction(
    scalar("weir_open", VARCHAR, (value) => (typeof value === "string" ? openSealed(value, keyOf) : null)),
  );
  connection.registerScalarFunction(
    scalar("weir_open_bytes", BLOB, (value) =>
      value instanceof DuckDBBlobValue ? new DuckDBBlobValue(openSealedBytes(value.bytes, keyOf)) : null,
    ),
  );
  const [database] = (await connection.runAndReadAll("select current_database()")).getRows()[0]!;
  for (const [name, projection] of projections) {
    if (projection.kind === "rollup") continue;
    const opened = fieldList(projection.row).flatMap(([column, info]) => {
      if (!info.private) return [];
      if (columnType(info) === "BLOB")
        return [`case when "${column}" is null then null else weir_open_bytes("${column}") end as "${column}"`];
      const held = [
        `contains("${column}", 'enc:v1:')`,
        ...(info.kind === "json" ? [`contains("${column}", 'ZW5jOnYxO')`] : []),
      ];
      return [`case when ${held.join(" or ")} then weir_open("${column}") else "${column}" end as "${column}"`];
    });
    if (opened.length === 0) continue;
    const row = projection.kind === "view" ? "" : "rowid, ";
    await connection.run(
      `create or replace temp view "${name}" as select ${row}* replace (${opened.join(", ")}) from "${database}".main."${name}"`,
    );
  }
}
