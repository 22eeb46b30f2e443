import { type DuckDBConnection, LIST, listValue, VARCHAR } from "@duckdb/node-api";
import type { Event } from "../../define/event.ts";
import { definitionOf } from "../../events/catalog.ts";
import { outlined } from "../../events/outline.ts";
import { plain } from "../../events/plain.ts";
import { sessionForgotten } from "../../events/session.ts";
import { type Column, columnsOf, type Projections } from "../../store/tables.ts";

/** Rows whose JSON is changed with one statement. */
const ROWS_MAX = 1_000;

interface Table {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly key: string;
}

/**
 * Sessions that were forgotten. The order is an event: what came before it is emptied in the transaction that takes it in, what comes after it enters the
 * tables empty. So the rows depend on the log alone, and a rebuild makes the same.
 */
export class Forgotten {
  private readonly tables: readonly Table[];
  private readonly sessions = new Set<string>();
  /** Those of the open transaction. */
  private fresh = new Set<string>();

  private readonly kept: boolean;

  constructor(projections: Projections) {
    this.kept = projections.has("forgotten_sessions");
    this.tables = [...projections].flatMap(([name, p]) => {
      if (p.kind !== "map" && p.kind !== "fold") return [];
      const columns = columnsOf(p);
      const key = p.kind === "fold" ? p.key : columns.some((c) => c.name === "event_id") ? "event_id" : "id";
      return columns.some((c) => c.info?.private) ? [{ name, columns, key }] : [];
    });
  }

  async load(connection: DuckDBConnection): Promise<void> {
    if (!this.kept) return;
    const rows = await connection.runAndReadAll("select distinct session from forgotten_sessions");
    for (const [session] of rows.getRows()) this.sessions.add(String(session));
  }

  get all(): readonly string[] {
    return [...this.sessions];
  }
  /** Sessions that the open transaction forgets. */
  get pending(): readonly string[] {
    return [...this.fresh];
  }

  /** Looks at an event in the order of the log: notes what is to be forgotten, and gives the event as the tables may show it. */
  take(event: Event): Event {
    if (event.type === sessionForgotten.type) {
      const { forgotten } = event.data as { forgotten: string };
      if (!this.sessions.has(forgotten)) this.fresh.add(forgotten);
      return event;
    }
    if (this.sessions.size + this.fresh.size === 0 || event.session === undefined) return event;
    if (!this.sessions.has(event.session) && !this.fresh.has(event.session)) return event;
    const gone = outlined(event);
    if (!gone) return event;
    const copy = plain(event);
    return { ...copy, data: without({ ...copy.data, ...gone }) };
  }

  committed(): void {
    for (const session of this.fresh) this.sessions.add(session);
    this.fresh = new Set();
  }
  rolledBack(): void {
    this.fresh = new Set();
  }

  /** Empties the private columns of the sessions that the open transaction forgets, after all its rows are written. */
  async empty(writer: DuckDBConnection): Promise<void> {
    for (const session of this.fresh) {
      // rows that do not name their session are found by its events
      const own = `(select id from events where session = $session)`;
      for (const table of this.tables) {
        const { name, columns } = table;
        const where = columns.some((c) => c.name === "session") ? "session = $session" : `"${table.key}" in ${own}`;
        if (name === "events") await changeJson(writer, table, "data", where, session, withoutData);
        else {
          if (columns.some((c) => c.name === "parts"))
            await changeJson(writer, table, "parts", where, session, withoutParts(columns));
          await blank(writer, table, where, session);
        }
      }
      await writer.run(`update set_aside set event = '{}' where event_id::uuid in ${own}`, { session });
    }
  }
}

const without = (data: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(data).filter(([, value]) => value !== undefined));

async function blank(
  writer: DuckDBConnection,
  { name, columns }: Table,
  where: string,
  session: string,
): Promise<void> {
  const gone = columns.filter((c) => c.info?.private && c.name !== "parts");
  const set = gone.map((c) => `"${c.name}" = null`).join(", ");
  const any = gone.map((c) => `"${c.name}" is not null`).join(" or ");
  await writer.run(`update "${name}" set ${set} where ${where} and (${any})`, { session });
}

type Change = (value: Record<string, unknown>, row: readonly unknown[]) => Record<string, unknown> | undefined;

/** Data of an event without its private fields; undefined where it has none. */
const withoutData: Change = (data, [, , type]) => {
  const list = definitionOf(String(type))?.list ?? [];
  let found = false;
  const kept = Object.entries(data).flatMap(([name, value]) => {
    const info = list.find(([known]) => known === name)?.[1];
    if (info && !info.private) return [[name, value] as const];
    found = true;
    return [];
  });
  return found ? Object.fromEntries(kept) : undefined;
};

/** What each source said, without the private columns. */
const withoutParts =
  (columns: readonly Column[]): Change =>
  (parts) =>
    Object.fromEntries(
      Object.entries(parts).map(([via, said]) => [
        via,
        Object.fromEntries(
          Object.entries(said as Record<string, unknown>).filter(
            ([name]) => !columns.find((c) => c.name === name)?.info?.private,
          ),
        ),
      ]),
    );

/** Changes a column of JSON in the rows of a session. */
async function changeJson(
  writer: DuckDBConnection,
  { name, columns, key }: Table,
  column: string,
  where: string,
  session: string,
  change: Change,
): Promise<void> {
  const typed = columns.some((c) => c.name === "type") ? "type" : "null";
  const found = await writer.runAndReadAll(
    `select "${key}"::varchar, "${column}", ${typed} from "${name}" where ${where} and "${column}" is not null`,
    { session },
  );
  const changed = found.getRows().flatMap((row) => {
    const next = change(JSON.parse(String(row[1])) as Record<string, unknown>, row);
    return next ? [[String(row[0]), JSON.stringify(next)] as const] : [];
  });
  const cast = columns.find((c) => c.name === key)!.type === "UUID" ? "::uuid" : "";
  for (let at = 0; at < changed.length; at += ROWS_MAX) {
    const part = changed.slice(at, at + ROWS_MAX);
    await writer.run(
      `update "${name}" as t set "${column}" = n.value from (select unnest($keys)${cast} as key, unnest($values) as value) n where t."${key}" = n.key`,
      { keys: listValue(part.map(([k]) => k)), values: listValue(part.map(([, v]) => v)) },
      { keys: LIST(VARCHAR), values: LIST(VARCHAR) },
    );
  }
}
