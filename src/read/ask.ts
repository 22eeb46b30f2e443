import { clock } from "../base/clock.ts";
import { WeirError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import { columnType, fieldList } from "../define/field.ts";
import { parseInput, suggestion } from "../define/input.ts";
import type { AnsweredRow, Query } from "../define/query.ts";
import type { Answer, Select } from "../store/select.ts";

/** How a question is asked. */
export interface AskOptions {
  readonly signal?: AbortSignal | undefined;
  readonly rowsMax?: number | undefined;
}

/** Asks a query by name; the input is whatever the surface was given. */
export type Ask = (name: string, input: unknown, options?: AskOptions) => Promise<Answer>;

/** The definition of a name, or `not_found` with the nearest one. */
export function named<T>(definitions: ReadonlyMap<string, T>, name: string, kind: string): T {
  const found = definitions.get(name);
  if (found) return found;
  throw new WeirError(
    "not_found",
    `no ${kind} is called ${name.slice(0, 64)}${suggestion(name, [...definitions.keys()])}`,
  );
}

/** Answers queries from the tables: parses the input, selects, and puts the columns in the order of the query's row. */
export function createAsk(queries: ReadonlyMap<string, Query>, select: Select): Ask {
  return async (name, input, { signal, rowsMax = LIMITS.query_rows_max } = {}) => {
    const query = named(queries, name, "query");
    const parsed = parseInput(query.input, input, clock.nowUs());
    const { sql, values } = query.sql(parsed);
    // one row more than asked for is looked for, so that the answer can say whether there are more
    const asked = typeof values.rows === "number" ? values.rows : LIMITS.query_rows_max;
    const bounds = { rowsMax: Math.min(rowsMax, asked, LIMITS.query_rows_max), timeMs: LIMITS.query_ms_max, signal };
    const answer = await select({ sql, values: "rows" in values ? { ...values, rows: asked + 1 } : values }, bounds);
    const lately = "since" in query.input && sql.includes("$as_of") && answer.as_of.time !== null;
    const empty = lately && answer.rows.length === 0 ? NOTHING_LATELY : undefined;
    if (!query.after) return empty === undefined ? answer : { ...answer, note: empty };
    const { rows, note = empty } = query.after(
      answer.rows.map((row) => rowOf(answer, row)),
      parsed,
    );
    return { ...answer, ...shaped(query, rows), ...(note !== undefined && { note }) };
  };
}

/** Said where the period that a query takes by itself holds nothing: what was imported is often older. */
const NOTHING_LATELY =
  "Nothing in the period that is looked at by default: pass since, for example 365d, to look further back.";

const rowOf = ({ columns }: Answer, row: readonly unknown[]): AnsweredRow =>
  Object.fromEntries(columns.map(({ name }, k) => [name, row[k]]));

function shaped(query: Query, rows: readonly AnsweredRow[]): Pick<Answer, "columns" | "rows"> {
  const columns = fieldList(query.row).map(([name, info]) => ({ name, type: columnType(info) }));
  return { columns, rows: rows.map((row) => columns.map(({ name }) => row[name] ?? null)) };
}
