import { clock } from "../base/clock.ts";
import { WeirError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import { columnType, fieldList } from "../define/field.ts";
import { parseInput, suggestion } from "../define/input.ts";
import type { Query, Shown } from "../define/query.ts";
import { type Answer, objectsOf, type Select } from "../store/select.ts";

/** How a question is asked. */
export interface AskOptions {
  readonly signal?: AbortSignal | undefined;
  readonly rowsMax?: number | undefined;
  /** The question comes from weir itself, and again and again: it is no reason to write sooner. */
  readonly unhurried?: boolean;
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
  const timeMs = LIMITS.query_ms_max;
  return async (name, input, { signal, rowsMax = LIMITS.query_rows_max } = {}) => {
    const query = named(queries, name, "query");
    const parsed = parseInput(query.input, input, clock.nowUs());
    const asked = query.sql(parsed);
    const max = Math.min(rowsMax, LIMITS.query_rows_max);
    if (!("sql" in asked)) {
      const { as_of, ...shown } = await select.steps(asked, { rowsMax: LIMITS.query_rows_max + 1, timeMs, signal });
      return { as_of, ...shaped(query, shown, max) };
    }
    const { sql, values } = asked;
    // one row more than asked for is looked for, so that the answer can say whether there are more
    const limit = typeof values.rows === "number" ? values.rows : LIMITS.query_rows_max;
    const bounds = { rowsMax: Math.min(max, limit), timeMs, signal };
    const answer = await select({ sql, values: "rows" in values ? { ...values, rows: limit + 1 } : values }, bounds);
    const lately = "since" in query.input && sql.includes("$as_of") && answer.as_of.time !== null;
    const empty = lately && answer.rows.length === 0 ? { note: NOTHING_LATELY } : undefined;
    if (!query.after) return { ...answer, ...empty };
    const { as_of, truncated } = answer;
    return { as_of, ...shaped(query, { ...empty, truncated, ...query.after(objectsOf(answer), parsed) }, max) };
  };
}

/** Said where the period that a query takes by itself holds nothing: what was imported is often older. */
const NOTHING_LATELY =
  "Nothing in the period that is looked at by default: pass since, for example 365d, to look further back.";

/** What is shown, with the columns in the order of the query's row. */
function shaped(query: Query, shown: Shown, max: number): Omit<Answer, "as_of"> {
  const columns = fieldList(query.row).map(([name, info]) => ({ name, type: columnType(info) }));
  return {
    columns,
    rows: shown.rows.slice(0, max).map((row) => columns.map(({ name }) => row[name] ?? null)),
    truncated: shown.truncated === true || shown.rows.length > max,
    ...(shown.note !== undefined && { note: shown.note }),
  };
}
