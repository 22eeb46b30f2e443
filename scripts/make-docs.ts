// Writes docs/reference/ from the definitions: `npm run docs`. With `-- --check` it writes nothing and fails where a page is stale.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command as Program } from "commander";
import { OPTIONS } from "../src/base/config.ts";
import { ERRORS, type ErrorCode, WeirError } from "../src/base/errors.ts";
import { LIMITS } from "../src/base/limits.ts";
import { documented } from "../src/cli/context.ts";
import { exitCodeOf } from "../src/cli/print.ts";
import { ENVELOPE, type EventDefinition } from "../src/define/event.ts";
import { columnType, type FieldInfo, type Fields, fieldList } from "../src/define/field.ts";
import type { Processor } from "../src/define/processor.ts";
import type { Projection } from "../src/define/projection.ts";
import { type Definitions, loadDefinitions } from "../src/engine/load.ts";
import { CATALOG } from "../src/events/catalog.ts";
import { statusOf } from "../src/read/http/errors.ts";
import { openStore } from "../src/store/open.ts";
import { makeTables } from "../src/store/tables.ts";

const ROOT = join(import.meta.dirname, "..");
const FOLDER = join(ROOT, "docs/reference");
const MADE = "<!-- Made by `npm run docs` from the definitions. Do not edit. -->";

const cell = (value: unknown): string =>
  String(value ?? "")
    .replaceAll("|", "\\|")
    .replaceAll("\n", " ");
const code = (value: unknown): string => (value === "" || value === undefined ? "" : `\`${cell(value)}\``);

function table(head: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const line = (cells: readonly unknown[]): string => `| ${cells.map(cell).join(" | ")} |`;
  return [line(head), `|${head.map(() => "---").join("|")}|`, ...rows.map(line)].join("\n");
}
const page = (title: string, ...parts: readonly string[]): string => `${[MADE, `# ${title}`, ...parts].join("\n\n")}\n`;

/** A sentence as it stands in a text: definitions leave out the capital and the stop. */
const sentence = (text: string): string =>
  text === "" ? "" : `${text[0]!.toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;

/** What a field is, in a few words: its values, its bounds, its unit, what it may hold. */
function told({ about, kind, values, max, unit, private: secret }: FieldInfo): string {
  const bounded = ["text", "ref", "json"].includes(kind) && max !== undefined && max < LIMITS.text_bytes_max;
  const notes = [
    bounded ? `at most ${max.toLocaleString("en")} characters` : "",
    values ? `one of ${values.map((v) => `\`${v}\``).join(", ")}` : "",
    unit ? `unit: ${unit}` : "",
    secret ? "private" : "",
  ].filter((text) => text !== "");
  return `${about}${notes.length > 0 ? ` (${notes.join("; ")})` : ""}`;
}
const fieldTable = (fields: Fields): string =>
  table(
    ["field", "kind", "required", "meaning"],
    fieldList(fields).map(([name, info]) => [code(name), info.kind, info.optional ? "" : "yes", told(info)]),
  );

const definitions = CATALOG as unknown as readonly EventDefinition[];
const typesOf = (on: readonly EventDefinition[] | "all"): readonly string[] =>
  on === "all" ? ["every type"] : on.map(({ type }) => type);

function events({ processors, projections }: Definitions): string {
  const parts = definitions.map((definition) => {
    const { type, v, about, fields, audited } = definition;
    const has = (on: Processor["on"]): boolean => on === "all" || on.some((d) => d.type === type);
    const writers = [...processors].filter(([, p]) => p.emits.some((d) => d.type === type)).map(([name]) => name);
    const tables = [...projections].filter(([, p]) => "on" in p && has(p.on)).map(([name]) => name);
    const lines = [
      `Version ${v}.${audited ? " Audited: with an actor it also stands in the table `audit`." : ""}`,
      `Tables: ${tables.map(code).join(", ")}.${writers.length > 0 ? ` Written by ${writers.map(code).join(", ")}.` : ""}`,
    ];
    return `## ${type}\n\n${about}\n\n${lines.join(" ")}\n\n${fieldTable(fields)}`;
  });
  return page(
    "Events",
    "Every type of event with its fields. Kinds: `text`, `ref` (the id or key of something else), `id` (a UUID in lower case), `json` (JSON as text), `int`, `float`, `bool`, `time` (microseconds since 1970, UTC), `choice` (one of the named values), `list` (of texts), `bytes`. *Private* marks what a person wrote or a tool printed.",
    `## The envelope\n\nAttributes of every event. \`type\`, \`v\` and \`data\` stand beside them.\n\n${fieldTable(ENVELOPE)}`,
    ...parts,
  );
}

/** Columns of the tables as DuckDB has them, so that this page shows what a person finds there. */
async function columnsHeld({ projections }: Definitions): Promise<Map<string, [name: string, type: string][]>> {
  const folder = mkdtempSync(join(tmpdir(), "weir-docs-"));
  const store = await openStore(join(folder, "docs.duckdb"), { memoryMb: 128, threads: 1 });
  try {
    await makeTables(store.writer, projections);
    const rows = await store.writer.runAndReadAll(
      "select table_name, column_name, data_type from duckdb_columns() where not internal order by table_name, column_index",
    );
    const held = new Map<string, [string, string][]>();
    for (const [of, name, type] of rows.getRowsJS().map((row) => row.map(String)) as [string, string, string][])
      held.set(of, [...(held.get(of) ?? []), [name, type]]);
    return held;
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Columns that no definition names. */
const COMMON: Readonly<Record<string, string>> = {
  first_seq: "sequence of the log that made the row; weir finds it again by this",
  time: "start of the time bucket",
  count: "how many values",
  sum: "their sum",
  min: "smallest value ever counted",
  max: "largest value ever counted",
  p50: "median, within 1 percent",
  p95: "95th percentile, within 1 percent",
  p99: "99th percentile, within 1 percent",
  sketch: "mergeable sketch behind the percentiles",
};
/** The one table that is no projection. */
const SET_ASIDE: Readonly<Record<string, string>> = {
  event_id: "event",
  type: "its type",
  stream_seq: "sequence of its frame in the log",
  error: "table and error; `*:` means that it stands in no table",
  event: "its data as JSON",
  session: "session of the event",
};

function aboutColumns(projection: Projection): Readonly<Record<string, string>> {
  const fields = projection.kind === "rollup" ? projection.key : projection.row;
  const sums = projection.kind === "rollup" ? Object.entries(projection.sums) : [];
  return {
    ...COMMON,
    ...Object.fromEntries(fieldList(fields).map(([name, info]) => [name, told(info)])),
    ...Object.fromEntries(sums.map(([name, { about, unit }]) => [name, `${about}${unit ? ` (unit: ${unit})` : ""}`])),
  };
}

async function tables(all: Definitions): Promise<string> {
  const held = await columnsHeld(all);
  const readable = documented(all);
  const columns = (name: string, about: Readonly<Record<string, string>>): string =>
    table(
      ["column", "type", "meaning"],
      (held.get(name) ?? []).map(([column, type]) => {
        if (about[column] === undefined) throw new Error(`${name}.${column} has no sentence`);
        return [code(column), type, about[column]];
      }),
    );
  const parts = [...all.projections].map(([name, projection]) => {
    const names = [name, ...(projection.kind === "rollup" ? Object.keys(projection.coarser ?? {}) : [])];
    for (const each of names)
      if (!readable.includes(each) || !held.has(each)) throw new Error(`${each} is no table that SQL may read`);
    const from = "on" in projection ? ` From: ${typesOf(projection.on).join(", ")}.` : "";
    const kinds = { map: "one event, one row", fold: "one row a key", rollup: "roll-up", view: "view" };
    return `## ${names.join(", ")}\n\n${projection.about}\n\nVersion ${projection.version}, ${kinds[projection.kind]}.${from}\n\n${columns(name, aboutColumns(projection))}`;
  });
  return page(
    "Tables",
    "What `weir sql \"…\"`, `POST /api/sql` and the MCP tool `sql` may read. One SELECT at a time; it runs in a process of its own on a copy of the tables. TIMESTAMP is UTC. JSON stands in VARCHAR columns: `data->>'$.tool'` takes a value out of it.",
    ...parts,
    `## set_aside\n\nEvents, or rows of them, that could not be written. It is empty unless weir has a bug.\n\n${columns("set_aside", SET_ASIDE)}`,
  );
}

const argumentTable = (input: Fields): string =>
  fieldList(input).length === 0
    ? "It takes no arguments."
    : table(
        ["argument", "kind", "required", "meaning"],
        fieldList(input).map(([name, info]) => [code(name), info.kind, info.optional ? "" : "yes", told(info)]),
      );

function queries({ queries: all }: Definitions): string {
  const parts = [...all].map(([name, query]) => {
    const columns = table(
      ["column", "type", "meaning"],
      fieldList(query.row).map(([column, info]) => [code(column), columnType(info), told(info)]),
    );
    return `## ${name}\n\n**${query.title}.** ${query.about}\n\n${argumentTable(query.input)}\n\n${columns}`;
  });
  return page(
    "Queries",
    "Each question is a command (`weir query NAME --argument value`), a route (`GET /api/query/NAME?argument=value`) and an MCP tool of the same name. Times in arguments are ISO 8601, how long ago (`24h`, `7d`), or microseconds since 1970.",
    ...parts,
  );
}

/** The command line as commander knows it: `src/cli.ts` builds it when it is imported, and is stopped before it parses. */
async function program(): Promise<Program> {
  const parse = Program.prototype.parseAsync;
  const words = process.argv;
  let caught: Program | undefined;
  Program.prototype.parseAsync = async function (this: Program) {
    caught = this;
    return this;
  };
  process.argv = [...words.slice(0, 2), "--help"];
  await import("../src/cli.ts");
  process.argv = words;
  Program.prototype.parseAsync = parse;
  return caught!;
}

async function commands({ commands: orders }: Definitions): Promise<string> {
  const isOrder = (command: Program): boolean => orders.has(command.name().replaceAll("-", "_"));
  const section = (command: Program, before: string): string => {
    const options = command.options.filter((o) => !o.hidden && !o.description.startsWith("internal"));
    const rows = options.map((o) => [code(o.flags), o.mandatory ? "yes" : "", o.description]);
    const words = command.registeredArguments.map((a) => (a.required ? `<${a.name()}>` : `[${a.name()}]`));
    const usage = [before, command.name(), ...words].filter((word) => word !== "").join(" ");
    const order = orders.get(command.name().replaceAll("-", "_"));
    const about = order ? `${order.about}` : command.description();
    const inner = command.commands.map((c) => section(c, `${before} ${command.name()}`));
    const list = rows.length > 0 ? [table(["option", "required", "meaning"], rows)] : [];
    return [`## \`${usage}\``, sentence(about), ...list, ...inner].filter((part) => part !== "").join("\n\n");
  };
  const all = (await program()).commands.filter((c) => c.name() !== "help");
  return page(
    "Commands",
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 weir is not running. An error is one line on stderr: `error: code: what happened (what to do)`.",
    ...all.filter((c) => !isOrder(c)).map((c) => section(c, "weir")),
    "# Orders\n\nAn order is also a route (`POST /api/command/NAME` with a JSON object) and an MCP tool; there the name has underscores. It becomes events, and answers when their effect stands in the tables.",
    ...all.filter(isOrder).map((c) => section(c, "weir")),
  );
}

const settings = (): string =>
  page(
    "Settings",
    "Environment variables, read when a command starts. `weir config` lists them with their values.",
    table(
      ["variable", "default", "takes", "meaning"],
      Object.values(OPTIONS).map(({ env, fallback, takes, about }) => [code(env), code(fallback), takes, about]),
    ),
  );

function limits(): string {
  const parts: string[] = [];
  let rows: string[][] = [];
  const close = (): void => {
    if (rows.length > 0) parts.push(table(["limit", "value", "why"], rows));
    rows = [];
  };
  for (const line of readFileSync(join(ROOT, "src/base/limits.ts"), "utf8").split("\n")) {
    const section = /^ {2}\/\/ (.+)$/.exec(line);
    const limit = /^ {2}([a-z0-9_]+): ([\d_]+),(?: \/\/ (.+))?$/.exec(line);
    if (section) {
      close();
      parts.push(`## ${section[1]![0]!.toUpperCase()}${section[1]!.slice(1)}`);
    } else if (limit) rows.push([code(limit[1]), limit[2]!.replaceAll("_", ","), limit[3] ?? ""]);
  }
  close();
  return page("Limits", "Every bound of weir. They stand in `src/base/limits.ts`; the unit is in the name.", ...parts);
}

const errors = (): string =>
  page(
    "Errors",
    'The closed list of codes. A person sees `error: code: what happened (what to do)`; HTTP answers `{"error": {"code", "message", "hint"}}`. Some errors bring a hint of their own.',
    table(
      ["code", "what to do", "exit code", "HTTP status"],
      (Object.keys(ERRORS) as ErrorCode[]).map((name) => [
        code(name),
        ERRORS[name],
        exitCodeOf(new WeirError(name, "")),
        statusOf(name),
      ]),
    ),
  );

function processorsPage({ processors }: Definitions): string {
  const STREAMS = { in: "WEIR_IN", valid: "WEIR_VALID", events: "WEIR_EVENTS" };
  const NEXT = { in: "WEIR_VALID", valid: "WEIR_EVENTS", events: "WEIR_EVENTS" };
  const list = (types: readonly string[]): string => types.map(code).join(", ") || "nothing";
  const order = Object.keys(STREAMS);
  const sorted = [...processors].sort(([, a], [, b]) => order.indexOf(a.reads) - order.indexOf(b.reads));
  const parts = sorted.map(([name, { about, reads, passes, on, emits }]) =>
    [
      `## ${name}\n\n${about}\n`,
      `- Reads \`${STREAMS[reads]}\`: ${on === "all" ? "every type" : list(typesOf(on))}.`,
      `- Passes on ${passes ? `what it read, changed or not, to \`${NEXT[reads]}\`` : "nothing"}.`,
      `- Emits ${list(typesOf(emits))}${emits.length > 0 ? ` to \`${NEXT[reads]}\`` : ""}.`,
    ].join("\n"),
  );
  const arrows = sorted.map(([name, { reads }]) => `  ${STREAMS[reads]} --> ${name} --> ${NEXT[reads]}`);
  return page(
    "Processors",
    "What each processor reads and writes. A name is the file's name; it is also the durable identity, so a renamed file is a new processor.",
    ["```mermaid", "flowchart LR", ...arrows, "  WEIR_EVENTS --> tables", "```"].join("\n"),
    ...parts,
  );
}

const all = await loadDefinitions(ROOT);
const pages: Readonly<Record<string, string>> = {
  "events.md": events(all),
  "tables.md": await tables(all),
  "queries.md": queries(all),
  "commands.md": await commands(all),
  "settings.md": settings(),
  "limits.md": limits(),
  "errors.md": errors(),
  "processors.md": processorsPage(all),
};

mkdirSync(FOLDER, { recursive: true });
const before = (name: string): string | undefined =>
  existsSync(join(FOLDER, name)) ? readFileSync(join(FOLDER, name), "utf8") : undefined;
const stale = Object.keys(pages).filter((name) => before(name) !== pages[name]);
const foreign = readdirSync(FOLDER).filter((name) => !(name in pages));
if (process.argv.includes("--check")) {
  for (const name of stale) process.stderr.write(`docs/reference/${name} is stale: run npm run docs\n`);
  for (const name of foreign) process.stderr.write(`docs/reference/${name} is made by nothing: remove it\n`);
  process.exitCode = stale.length + foreign.length > 0 ? 1 : 0;
} else {
  for (const name of stale) writeFileSync(join(FOLDER, name), pages[name]!);
  for (const name of foreign) rmSync(join(FOLDER, name), { recursive: true });
  process.stdout.write(`${stale.length} of ${Object.keys(pages).length} pages written\n`);
}
