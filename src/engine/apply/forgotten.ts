import { type DuckDBConnection, type DuckDBType, type DuckDBValue, LIST, listValue, VARCHAR } from "@duckdb/node-api";
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
  /** Whether its key may be that of a fact, and is no event's. */
  readonly folds: boolean;
}

/** Rows of a table, by a condition with what is bound to it. */
interface Where {
  readonly sql: string;
  readonly values: Record<string, DuckDBValue>;
  readonly types: Record<string, DuckDBType>;
}

const texts = (sql: string, list: Iterable<string>): Where => ({
  sql,
  values: { list: listValue([...list]) },
  types: { list: LIST(VARCHAR) },
});

/**
 * Sessions that were forgotten. The order is an event: what came before it is emptied in the transaction that takes it in, what comes after it enters the
 * tables empty. So the rows depend on the log alone, and a rebuild makes the same.
 *
 * What names no session, such as a request that passed the proxy, belongs to a session by the fact that it shares with an event of it.
 */
export class Forgotten {
  private readonly tables: readonly Table[];
  private readonly sessions = new Set<string>();
  /** Facts of these sessions. */
  private readonly facts = new Set<string>();
  /** Those of the open transaction. */
  private fresh = { sessions: new Set<string>(), facts: new Set<string>() };

  private readonly kept: boolean;

  constructor(projections: Projections) {
    this.kept = projections.has("forgotten_sessions");
    this.tables = [...projections].flatMap(([name, p]) => {
      if (p.kind !== "map" && p.kind !== "fold") return [];
      const columns = columnsOf(p);
      const key = p.kind === "fold" ? p.key : columns.some((c) => c.name === "event_id") ? "event_id" : "id";
      return columns.some((c) => c.info?.private)
        ? [{ name, columns, key, folds: columns.find((c) => c.name === key)!.type !== "UUID" }]
        : [];
    });
  }

  async load(connection: DuckDBConnection): Promise<void> {
    if (!this.kept) return;
    const rows = await connection.runAndReadAll("select distinct session from forgotten_sessions");
    for (const [session] of rows.getRows()) this.sessions.add(String(session));
    if (this.sessions.size > 0) await addFacts(connection, this.sessions, this.facts);
  }

  get all(): readonly string[] {
    return [...this.sessions];
  }
  /** How many there are. */
  get count(): number {
    return this.sessions.size;
  }
  /** Whether the open transaction empties rows. */
  get pending(): boolean {
    return this.fresh.sessions.size + this.fresh.facts.size > 0;
  }

  /** Looks at an event in the order of the log: notes what is to be forgotten, and gives the event as the tables may show it. */
  take(event: Event): Event {
    if (event.type === sessionForgotten.type) {
      const { forgotten } = event.data as { forgotten: string };
      if (!this.sessions.has(forgotten)) this.fresh.sessions.add(forgotten);
      return event;
    }
    if (this.sessions.size + this.fresh.sessions.size === 0 || !this.isForgotten(event)) return event;
    const gone = outlined(event);
    if (!gone) return event;
    const copy = plain(event);
    return { ...copy, data: without({ ...copy.data, ...gone }) };
  }

  private isForgotten({ session, fact }: Event): boolean {
    if (session === undefined) return fact !== undefined && (this.facts.has(fact) || this.fresh.facts.has(fact));
    if (!this.sessions.has(session) && !this.fresh.sessions.has(session)) return false;
    if (fact !== undefined && !this.facts.has(fact)) this.fresh.facts.add(fact);
    return true;
  }

  committed(): void {
    for (const session of this.fresh.sessions) this.sessions.add(session);
    for (const fact of this.fresh.facts) this.facts.add(fact);
    this.rolledBack();
  }
  rolledBack(): void {
    this.fresh = { sessions: new Set(), facts: new Set() };
  }

  /** Empties the private columns of what the open transaction forgets, after all its rows are written. */
  async empty(writer: DuckDBConnection): Promise<void> {
    const { sessions, facts } = this.fresh;
    if (sessions.size > 0) {
      await addFacts(writer, sessions, facts);
      const named = texts("session in (select unnest($list))", sessions);
      // rows that do not name their session are found by its events
      const own = texts(`"event" in (select id from events where ${named.sql})`, sessions);
      for (const table of this.tables)
        await clear(writer, table, table.columns.some((c) => c.name === "session") ? named : keyed(table, own));
      await writer.run(`update set_aside set event = '{}' where ${named.sql}`, named.values, named.types);
    }
    if (facts.size === 0) return;
    const shared = texts("session is null and fact in (select unnest($list))", facts);
    const found = await writer.runAndReadAll(
      `select id::varchar, fact from events where ${shared.sql}`,
      shared.values,
      shared.types,
    );
    if (found.currentRowCount === 0) return;
    const rows = found.getRows();
    const events = texts(
      '"event" in (select unnest($list)::uuid)',
      rows.map(([id]) => String(id)),
    );
    const folded = texts(
      '"event" in (select unnest($list))',
      rows.map(([, fact]) => String(fact)),
    );
    for (const table of this.tables) await clear(writer, table, keyed(table, table.folds ? folded : events));
  }
}

/** A condition on the key of a table. */
const keyed = ({ key }: Table, where: Where): Where => ({ ...where, sql: where.sql.replace('"event"', `"${key}"`) });

/** Adds the facts that events of these sessions tell of. */
async function addFacts(connection: DuckDBConnection, sessions: Iterable<string>, facts: Set<string>): Promise<void> {
  const { sql, values, types } = texts("session in (select unnest($list)) and fact is not null", sessions);
  const found = await connection.runAndReadAll(`select distinct fact from events where ${sql}`, values, types);
  for (const [fact] of found.getRows()) facts.add(String(fact));
}

/** Empties the private columns of these rows. */
async function clear(writer: DuckDBConnection, table: Table, where: Where): Promise<void> {
  if (table.name === "events") return changeJson(writer, table, "data", where, withoutData);
  if (table.columns.some((c) => c.name === "parts"))
    await changeJson(writer, table, "parts", where, withoutParts(table.columns));
  await blank(writer, table, where);
}

const without = (data: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(data).filter(([, value]) => value !== undefined));

async function blank(writer: DuckDBConnection, { name, columns }: Table, where: Where): Promise<void> {
  const gone = columns.filter((c) => c.info?.private && c.name !== "parts");
  const set = gone.map((c) => `"${c.name}" = null`).join(", ");
  const any = gone.map((c) => `"${c.name}" is not null`).join(" or ");
  await writer.run(`update "${name}" set ${set} where ${where.sql} and (${any})`, where.values, where.types);
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

/** Changes a column of JSON in these rows. */
async function changeJson(
  writer: DuckDBConnection,
  { name, columns, key }: Table,
  column: string,
  where: Where,
  change: Change,
): Promise<void> {
  const typed = columns.some((c) => c.name === "type") ? "type" : "null";
  const found = await writer.runAndReadAll(
    `select "${key}"::varchar, "${column}", ${typed} from "${name}" where ${where.sql} and "${column}" is not null`,
    where.values,
    where.types,
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
