/**
 * Which functions SQL from outside may call, and how large their results may be asked to be. These bounds keep honest
 * mistakes from becoming crashes; they are no wall: text can still be doubled in a recursive query. The wall is the child
 * process with its limits (run.ts).
 */

/** A part of the tree of `json_serialize_sql`. */
export type Tree = { readonly [key: string]: unknown };

/** Functions that may stand where a table stands. */
export const TABLE_FUNCTIONS: ReadonlySet<string> = new Set([
  "range",
  "generate_series",
  "unnest",
  "json_each",
  "json_tree",
  "repeat",
]);

const FORBIDDEN = new Set([
  "query",
  "query_table",
  "json_execute_serialized_sql",
  "json_deserialize_sql",
  "json_serialize_plan",
  "checkpoint",
  "force_checkpoint",
  "write_log",
  "glob",
  "getenv",
  "which_secret",
  "sniff_csv",
  "sql_auto_complete",
  "nextval",
  "currval",
  "setseed",
  "sleep_ms",
  "pg_sleep",
  "error",
  "finalize",
  "combine",
]);
const FORBIDDEN_START =
  /^(?:enable_|disable_|read_|duckdb_|pragma_|parquet_|truncate_|test_|arrow_|__internal_|icu_calendar)/;

const TEXT_CHARS_MAX = 10_000; // lpad, rpad, bar, to_base …: length of one text asked for
const REPEATS_MAX = 10_000; // copies of one repeat; several multiply
const PRODUCT_MAX = 1_000_000; // of all repeats, and of all lists made by range, of a statement
const SERIES_MAX = 100_000_000; // rows of a range that stands as a table: they are streamed
const COMPARED_CHARS_MAX = 1_000; // each side of levenshtein, whose work is their product and which cannot be interrupted

/** What a statement has asked for so far; repeats inside each other multiply. */
export interface Budget {
  repeats: number;
  elements: number;
}

/** Whether a value is a node of a parsed statement. */
export const isTree = (value: unknown): value is Tree =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The value of a constant, also behind casts and signs; undefined for everything computed. */
function constantOf(tree: unknown): string | number | undefined {
  if (!isTree(tree)) return undefined;
  if (tree.class === "CAST") return constantOf(tree.child);
  if (
    tree.class === "FUNCTION" &&
    tree.function_name === "-" &&
    Array.isArray(tree.children) &&
    tree.children.length === 1
  ) {
    const value = constantOf(tree.children[0]);
    return typeof value === "number" ? -value : undefined;
  }
  const value = tree.class === "CONSTANT" && isTree(tree.value) ? tree.value.value : undefined;
  return typeof value === "string" || typeof value === "number" ? value : undefined;
}

function numberOf(tree: unknown): number | undefined {
  const value = constantOf(tree);
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}

const tooLarge = (name: string, what: string): string => `${name}: ${what}`;

function boundText(name: string, argument: unknown): string | undefined {
  const length = numberOf(argument);
  if (length === undefined) return tooLarge(name, "its length must be a constant");
  return length > TEXT_CHARS_MAX ? tooLarge(name, `its length must be at most ${TEXT_CHARS_MAX}`) : undefined;
}

function boundRepeat(args: readonly unknown[], budget: Budget): string | undefined {
  const count = numberOf(args[1]);
  if (count === undefined) return tooLarge("repeat", "the count must be a constant");
  budget.repeats *= Math.max(1, count);
  if (count > REPEATS_MAX || budget.repeats > PRODUCT_MAX) {
    return tooLarge("repeat", `at most ${REPEATS_MAX} times, and ${PRODUCT_MAX} for all of a statement together`);
  }
  return undefined;
}

const INTERVAL = /^to_(?:minutes|hours|days|weeks|months|quarters|years|decades|centuries|millennia)$/;

/** Whether a step is an interval of at least a minute: then the series is as long as its times are apart. */
function isCoarseStep(tree: unknown): boolean {
  return isTree(tree) && typeof tree.function_name === "string" && INTERVAL.test(tree.function_name);
}

function boundSeries(name: string, args: readonly unknown[], asTable: boolean, budget: Budget): string | undefined {
  if (isCoarseStep(args[2])) return undefined;
  const [first, second, third] = args.map(numberOf);
  const from = args.length > 1 ? first : 0;
  const to = args.length > 1 ? second : first;
  const step = args.length > 2 ? third : 1;
  if (from === undefined || to === undefined || step === undefined || step === 0) {
    return tooLarge(name, "its bounds must be constant numbers, or times with a step of at least a minute");
  }
  const count = Math.max(1, Math.ceil(Math.abs((to - from) / step)) + 1);
  if (asTable) return count > SERIES_MAX ? tooLarge(name, `at most ${SERIES_MAX} rows`) : undefined;
  budget.elements *= count;
  return budget.elements > PRODUCT_MAX
    ? tooLarge(name, `lists of at most ${PRODUCT_MAX} elements, all of a statement together; or use it as a table`)
    : undefined;
}

/** Widths inside format texts: `%1000000d`, `{:>1000000}`; widths taken from an argument cannot be bounded. */
function boundFormat(name: string, argument: unknown): string | undefined {
  const format = constantOf(argument);
  if (typeof format !== "string") return tooLarge(name, "the format must be a constant text");
  if (/%[^a-zA-Z%]*\*|\{[^{}]*\{/.test(format)) return tooLarge(name, "a width must be written in the format");
  return /\d{5}/.test(format) ? tooLarge(name, "widths of at most four digits") : undefined;
}

const SHORTENED = new Set(["left", "right", "substring", "substr", "md5", "sha1", "sha256", "typeof", "hash"]);

function isShort(tree: unknown): boolean {
  if (!isTree(tree)) return false;
  const constant = constantOf(tree);
  if (constant !== undefined) return String(constant).length <= COMPARED_CHARS_MAX;
  if (tree.class === "CAST") return isShort(tree.child);
  if (tree.class !== "FUNCTION" || !Array.isArray(tree.children)) return false;
  const name = String(tree.function_name).toLowerCase();
  if (/^(?:lower|upper|lcase|ucase|trim)$/.test(name)) return tree.children.every(isShort);
  if (!SHORTENED.has(name)) return false;
  if (!/^(?:left|right|substr)/.test(name)) return true;
  const length = numberOf(tree.children.at(-1));
  const wanted = name.startsWith("sub") ? 3 : 2;
  return (
    tree.children.length === wanted && length !== undefined && Math.abs(length) <= COMPARED_CHARS_MAX && length >= 0
  );
}

/**
 * Why a call is refused, or undefined. `asTable`: it stands where a table stands. Adds to `budget` what the call asks for.
 */
export function refuseCall(call: Tree, asTable: boolean, budget: Budget): string | undefined {
  const name = String(call.function_name).toLowerCase();
  const args = Array.isArray(call.children) ? call.children : [];
  if (FORBIDDEN.has(name) || FORBIDDEN_START.test(name)) return `the function ${name} is not allowed`;
  if (asTable && !TABLE_FUNCTIONS.has(name)) return `the table function ${name} is not allowed`;
  const place = `${call.catalog ?? ""}.${call.schema ?? ""}`.toLowerCase();
  if (!/^(?:system)?\.(?:main|pg_catalog)?$/.test(place)) return `the function ${place}.${name} is not allowed`;
  switch (name) {
    case "repeat":
      return boundRepeat(args, budget);
    case "range":
    case "generate_series":
      return boundSeries(name, args, asTable, budget);
    case "lpad":
    case "rpad":
    case "list_resize":
    case "array_resize":
    case "bitstring":
      return boundText(name, args[1]);
    case "bar":
      return args.length > 3 ? boundText(name, args[3]) : undefined;
    case "to_base":
      return args.length > 2 ? boundText(name, args[2]) : undefined;
    case "printf":
    case "format":
      return boundFormat(name, args[0]);
    case "levenshtein":
    case "editdist3":
    case "damerau_levenshtein":
      return args.every(isShort)
        ? undefined
        : tooLarge(name, `compare texts of at most ${COMPARED_CHARS_MAX} characters, for example left(a, 200)`);
    default:
      return undefined;
  }
}
