import { LIMITS } from "../../base/limits.ts";
import { type Budget, isTree, refuseCall, type Tree } from "./functions.ts";

/** The decision on a statement: what to run, or why not. */
export type Decision =
  | { readonly allowed: true }
  /** `mistake`: it is no valid SQL, which is not the gate's decision. */
  | { readonly allowed: false; readonly reason: string; readonly mistake?: true };

const refuse = (reason: string): Decision => ({ allowed: false, reason });

/** Thrown inside the walk only; caught by {@link judgeTree}. */
class Refusal extends Error {}

/** Names that stand for a result of this statement at one place. */
type Scope = ReadonlySet<string>;

const name = (value: unknown): string => (typeof value === "string" ? value.toLowerCase() : "");

/**
 * What can be said before parsing: length, NUL (which ends the text for one reader and not for the other), and the inner
 * statement of an EXPLAIN. EXPLAIN ANALYZE runs the statement and may write a profile, so only the plain word is taken.
 */
export function judgeText(
  sql: string,
): (Decision & { allowed: false }) | { allowed: true; inner: string; explain: boolean } {
  if (sql.length > LIMITS.sql_chars_max) {
    return { allowed: false, reason: `the statement is longer than ${LIMITS.sql_chars_max} characters` };
  }
  if (sql.includes("\0")) return { allowed: false, reason: "the statement holds a NUL character" };
  const explain = /^\s*explain\s+(?=[a-z])/i.exec(sql);
  if (!explain) return { allowed: true, inner: sql, explain: false };
  const inner = sql.slice(explain[0].length);
  if (/^analy[sz]e\b/i.test(inner)) return { allowed: false, reason: "EXPLAIN ANALYZE is not allowed" };
  return { allowed: true, inner, explain: true };
}

/** Where a table may stand: the known kinds; an unknown one of a newer DuckDB is refused. */
const TABLE_KINDS = new Set([
  "BASE_TABLE",
  "TABLE_FUNCTION",
  "SUBQUERY",
  "JOIN",
  "EXPRESSION_LIST",
  "EMPTY",
  "PIVOT",
  "SHOW_REF",
]);
const NODE_KINDS = new Set(["SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"]);
const SHOWN = new Set(["DESCRIBE", "SUMMARY"]);

function walk(tables: ReadonlySet<string>) {
  const budget: Budget = { repeats: 1, elements: 1 };

  function baseTable(tree: Tree, scope: Scope): void {
    const table = name(tree.table_name);
    const schema = name(tree.schema_name);
    const catalog = name(tree.catalog_name);
    if (schema === "" && catalog === "" && scope.has(table)) return;
    if (catalog === "" && (schema === "" || schema === "main") && tables.has(table)) return;
    if (catalog === "" && tables.has(`${schema}.${table}`)) return;
    const full = [tree.catalog_name, tree.schema_name, tree.table_name].filter(Boolean).join(".");
    throw new Refusal(`there is no table ${full} to query`);
  }

  function tableRef(tree: unknown, scope: Scope): void {
    if (!isTree(tree)) return;
    if (typeof tree.type !== "string" || !TABLE_KINDS.has(tree.type))
      throw new Refusal(`${tree.type} is not allowed as a table`);
    if (tree.at_clause) throw new Refusal("AT is not allowed");
    if (tree.type === "BASE_TABLE") {
      baseTable(tree, scope);
    } else if (tree.type === "SHOW_REF") {
      if (!tree.query || !SHOWN.has(String(tree.show_type)))
        throw new Refusal("SHOW is not allowed; use DESCRIBE with a table");
      node(tree.query, scope);
    } else if (tree.type === "TABLE_FUNCTION") {
      if (!isTree(tree.function) || tree.function.class !== "FUNCTION")
        throw new Refusal("this table function is not allowed");
      call(tree.function, scope, true);
    } else {
      for (const [key, value] of Object.entries(tree)) {
        if (key === "left" || key === "right" || key === "source") tableRef(value, scope);
        else visit(value, scope);
      }
    }
  }

  function call(tree: Tree, scope: Scope, asTable: boolean): void {
    const reason = refuseCall(tree, asTable, budget);
    if (reason) throw new Refusal(reason);
    for (const value of Object.values(tree)) visit(value, scope);
  }

  /**
   * A query with its CTEs. Each CTE sees the ones before it and not itself: in `WITH t AS (SELECT * FROM t) …` the inner t
   * is a table of the catalog. Only the second half of a recursive one sees its own name.
   */
  function node(tree: unknown, outer: Scope): void {
    if (!isTree(tree)) throw new Refusal("the statement cannot be read");
    if (!NODE_KINDS.has(String(tree.type))) throw new Refusal(`${tree.type} is not allowed`);
    const scope = new Set(outer);
    const ctes = isTree(tree.cte_map) && Array.isArray(tree.cte_map.map) ? tree.cte_map.map : [];
    for (const cte of ctes) {
      if (!isTree(cte) || !isTree(cte.value)) throw new Refusal("the statement cannot be read");
      visit(cte.value, new Set(scope));
      scope.add(name(cte.key));
    }
    for (const [key, value] of Object.entries(tree)) {
      if (key === "cte_map") continue;
      if (key === "from_table") tableRef(value, scope);
      else if (key === "left") node(value, scope);
      else if (key === "right" || key === "child") {
        node(value, "cte_name" in tree ? new Set([...scope, name(tree.cte_name)]) : scope);
      } else visit(value, scope);
    }
  }

  /** Anything else: looks for the queries and calls inside it. */
  function visit(value: unknown, scope: Scope): void {
    if (Array.isArray(value)) for (const item of value) visit(item, scope);
    if (!isTree(value)) return;
    if (value.class === "PARAMETER") throw new Refusal("parameters are not allowed; write the values");
    if ("cte_map" in value || String(value.type).endsWith("_NODE")) node(value, scope);
    else if (/^(?:BASE_TABLE|TABLE_FUNCTION|SHOW_REF)$/.test(String(value.type))) tableRef(value, scope);
    else if ("function_name" in value) call(value, scope, false);
    else for (const item of Object.values(value)) visit(item, scope);
  }

  return node;
}

/**
 * Decides on the tree that `json_serialize_sql` made of a statement: one SELECT over the given tables (small letters, or
 * `schema.table`) and its own CTEs, with the functions that functions.ts allows. Pure. The tree also tells how many
 * statements there are, and that they are SELECTs: others cannot be serialized.
 */
export function judgeTree(json: string, tables: readonly string[]): Decision {
  try {
    const tree: unknown = JSON.parse(json);
    if (!isTree(tree)) return refuse("the statement cannot be read");
    if (tree.error === true) {
      if (tree.error_type === "not implemented") return refuse("only one SELECT (or EXPLAIN of one) is allowed");
      return { allowed: false, reason: String(tree.error_message ?? "it cannot be read"), mistake: true };
    }
    const statements = Array.isArray(tree.statements) ? tree.statements : [];
    if (statements.length !== 1) return refuse(`one statement at a time, not ${statements.length}`);
    const [statement] = statements;
    if (!isTree(statement)) return refuse("the statement cannot be read");
    walk(new Set(tables.map((t) => t.toLowerCase())))(statement.node, new Set());
    return { allowed: true };
  } catch (error) {
    if (error instanceof Refusal) return refuse(error.message);
    if (error instanceof RangeError) return refuse("the statement is nested too deeply");
    if (error instanceof SyntaxError) return refuse("the statement cannot be read");
    throw error;
  }
}
