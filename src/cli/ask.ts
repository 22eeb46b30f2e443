import { clock } from "../base/clock.ts";
import { readConfig } from "../base/config.ts";
import { WeirError } from "../base/errors.ts";
import { type Fields, fieldList } from "../define/field.ts";
import { parseInput } from "../define/input.ts";
import { loadDefinitions } from "../engine/load.ts";
import { named } from "../read/ask.ts";
import { createClient } from "../read/client.ts";
import type { Asked, Publishing } from "../read/context.ts";
import { toCsv } from "../read/csv.ts";
import type { Answer } from "../store/select.ts";
import { note, say, sayJson, sayTable } from "./print.ts";
import { definitionsRoot } from "./root.ts";
import { needRuntime } from "./runtime.ts";

/** The running weir of the configured folder, to be asked; a request takes at most that time. Throws `not_running`. */
export function client(msMax?: number): Asked & Publishing {
  const { http_url, token } = needRuntime(readConfig().dataDir);
  return createClient({ http_url, token, actor: "cli", ...(msMax !== undefined && { msMax }) });
}

/** How an answer is printed. */
export interface Format {
  readonly json?: boolean;
  readonly csv?: boolean;
}

/** Rows as objects. Of columns with the same name each keeps its value: the second is called name_1, as DuckDB does in a subquery. */
export function asObjects({ columns, rows }: Pick<Answer, "columns" | "rows">): Record<string, unknown>[] {
  const names = new Set(columns.map(({ name }) => name));
  const used = new Set<string>();
  const keys = columns.map(({ name }) => {
    let key = name;
    for (let k = 1; used.has(key) || (key !== name && names.has(key)); k++) key = `${name}_${k}`;
    used.add(key);
    return key;
  });
  return rows.map((row) => Object.fromEntries(keys.map((key, k) => [key, row[k]])));
}

/** Prints an answer: rows as objects in JSON, CSV, or a table for people, which is `sparse` where nobody chose the columns. */
export function sayAnswer(answer: Answer, { json, csv, sparse = false }: Format & { readonly sparse?: boolean }): void {
  const { columns, rows, as_of, truncated } = answer;
  if (json)
    sayJson({
      rows: asObjects(answer),
      as_of,
      truncated,
      ...(answer.note ? { note: answer.note } : {}),
    });
  else if (csv) process.stdout.write(toCsv(answer, "\n"));
  else {
    sayTable(columns, rows, { sparse });
    if (answer.note) note(answer.note);
    if (truncated) note("There are more rows; narrow the question or raise its limit.");
  }
}

/**
 * Arguments after a query's name: `--name value`, `--name=value`; the same name again makes a list. Only a field that is true or false
 * may stand without a value.
 */
export function parseArguments(words: readonly string[], fields: Fields = {}): Record<string, string | string[]> {
  const kinds = new Map(fieldList(fields).map(([name, { kind }]) => [name, kind]));
  const out: Record<string, string | string[]> = {};
  for (let k = 0; k < words.length; k++) {
    const word = words[k]!;
    if (!word.startsWith("--")) throw new WeirError("usage", `${word} is not of the form --name value`);
    const equals = word.indexOf("=");
    const name = word.slice(2, equals < 0 ? undefined : equals).replaceAll("-", "_");
    const next = words[k + 1];
    const follows = equals < 0 && next !== undefined && !next.startsWith("--");
    if (equals < 0 && !follows && kinds.has(name) && kinds.get(name) !== "bool")
      throw new WeirError("usage", `${word} takes a value`);
    const value = equals >= 0 ? word.slice(equals + 1) : follows ? words[++k]! : "true";
    const before = out[name];
    out[name] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value];
  }
  return out;
}

/** Does what only looks at the arguments; what is wrong with them is wrong usage, told before anything is asked. */
function checkUsage(work: () => void, hint: string): void {
  try {
    work();
  } catch (error) {
    if (error instanceof WeirError && (error.code === "bad_input" || error.code === "not_found"))
      throw new WeirError("usage", error.message, { cause: error, hint });
    throw error;
  }
}

/** `weir query <name> [--argument value …]`. */
export async function query(name: string, words: readonly string[], format: Format): Promise<void> {
  const { queries } = await loadDefinitions(definitionsRoot());
  await ask(name, () => parseArguments(words, queries.get(name)?.input), format);
}

/** `weir coverage [session]`: the query of that name. */
export async function coverage(input: Readonly<Record<string, unknown>>, format: Format): Promise<void> {
  await ask("coverage", () => input, format);
}

async function ask(name: string, read: () => Readonly<Record<string, unknown>>, format: Format): Promise<void> {
  const { queries } = await loadDefinitions(definitionsRoot());
  let given: Readonly<Record<string, unknown>> = {};
  checkUsage(
    () => {
      const definition = named(queries, name, "query");
      given = read();
      const asked = definition.sql(parseInput(definition.input, given, clock.nowUs())); // it has checks of its own
      if (!("sql" in asked)) asked.next();
    },
    `weir query ${queries.has(name) ? `${name} --help` : "--help"} lists what there is`,
  );
  sayAnswer(await client().ask(name, given), { ...format, sparse: true });
}

/** `weir sql "<query>"`; as JSON a list of objects, as other SQL shells print it. */
export async function sql(text: string, format: Format): Promise<void> {
  if (text.trim() === "")
    throw new WeirError("usage", "the statement is empty", { hint: 'weir sql "select * from sessions"' });
  const answer = await client().sql(text, { rowsMax: 10_000 });
  if (!format.json) return sayAnswer(answer, format);
  sayJson(asObjects(answer));
}

/** A command of the catalogue, with its arguments as given on the command line. */
export async function order(name: string, input: Readonly<Record<string, unknown>>, format: Format): Promise<void> {
  const { commands } = await loadDefinitions(definitionsRoot());
  checkUsage(
    () => void parseInput(named(commands, name, "command").input, input, clock.nowUs()),
    `weir ${name.replaceAll("_", "-")} --help tells what it takes`,
  );
  const { ids, seq } = await client().order(name, input, "cli");
  if (format.json) sayJson({ ids, seq });
  else say(`done (${ids.length === 1 ? ids[0] : `${ids.length} events`}, visible at ${seq})`);
}
