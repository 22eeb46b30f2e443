import Table from "cli-table3";

/** A column as answers name it; `type` is DuckDB's. */
export interface Head {
  readonly name: string;
  readonly type?: string;
}

type Row = readonly unknown[];

/** What a cell shows at most; the rest is in `--json`. */
const CELL_CHARS_MAX = 100;
/** Texts that are longer than this are cut so that a table fits, down to the second; ids and times are not, for they are of no use then. */
const [WHOLE_CHARS_MAX, CUT_CHARS_MIN] = [40, 16];
/** What borders and spaces take of a line, for each column and once. */
const [COLUMN_FRAME, TABLE_FRAME] = [3, 1];

/**
 * Rows as text for people. `room` is how many characters a line may have, where that is known: long columns are cut until the table fits, and where
 * that is not enough each row is a block of lines, one a column. `sparse`: columns without any value are left out.
 */
export function tableText(
  columns: readonly Head[],
  rows: readonly Row[],
  { room, sparse = false }: { readonly room?: number | undefined; readonly sparse?: boolean } = {},
): string {
  const told = columns.map((column, k) => ({ ...column, k }));
  const kept = sparse ? told.filter(({ k }) => rows.some((row) => row[k] !== null && row[k] !== undefined)) : told;
  const cells = kept.map((column) => cellsOf(column, rows));
  const sizes = kept.map(({ name }, c) => sizeOf(name, cells[c]!));
  const fitting = room === undefined ? sizes.map(({ most }) => most) : fit(sizes, room);
  if (!fitting) return blocks(kept, cells);
  const table = new Table({
    head: kept.map(({ name }, c) => broken(name, fitting[c]!)),
    colAligns: kept.map(({ k }) => (isNumeric(rows, k) ? "right" : "left")),
    style: { head: [], border: [], compact: true },
  });
  for (let r = 0; r < rows.length; r++) table.push(cells.map((column, c) => cut(column[r]!, fitting[c]!)));
  return table.toString();
}

const isNumeric = (rows: readonly Row[], k: number): boolean =>
  rows.some((row) => typeof row[k] === "number") &&
  rows.every((row) => typeof row[k] === "number" || row[k] === null || row[k] === undefined);

/** The texts of a column. Times are in UTC, and days where all of them are. */
function cellsOf({ type, k }: Head & { readonly k: number }, rows: readonly Row[]): string[] {
  const texts = rows.map((row) => shown(row[k]));
  if (!/^TIMESTAMP(_[A-Z]+)?( WITH TIME ZONE)?$/.test(type ?? "")) return texts;
  const days = texts.every((text) => text === "" || text.endsWith("T00:00:00.000Z"));
  return texts.map((text) => (days ? text.slice(0, 10) : text.replace("T", " ").replace(/Z$/, "")));
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number" && !Number.isInteger(value)) return String(Number(value.toPrecision(6)));
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  // what came from transcripts must not steer the terminal
  return cut(text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]+/g, " "), CELL_CHARS_MAX);
}

const cut = (text: string, max: number): string => (text.length > max ? `${text.slice(0, max - 1)}…` : text);

/** How wide a column would be, and how narrow it may become. */
interface Size {
  readonly most: number;
  readonly least: number;
}

function sizeOf(name: string, cells: readonly string[]): Size {
  const content = Math.max(...cells.map((text) => text.length));
  return {
    most: Math.max(name.length, content),
    least: Math.max(...parts(name).map((part) => part.length), content > WHOLE_CHARS_MAX ? CUT_CHARS_MIN : content),
  };
}

/** Where a name may be broken: behind its underlines. */
const parts = (name: string): string[] => name.split(/(?<=_)/);

/** A name in as few lines as fit into the width. */
function broken(name: string, width: number): string {
  const lines = [""];
  for (const part of parts(name))
    if (lines.at(-1)!.length + part.length <= width) lines[lines.length - 1] += part;
    else lines.push(part);
  return lines.filter((line) => line !== "").join("\n");
}

/** Widths that fit into the room, the widest cut first; undefined where no cutting makes them fit. */
function fit(sizes: readonly Size[], room: number): number[] | undefined {
  const out = sizes.map(({ least }) => least);
  const frame = TABLE_FRAME + COLUMN_FRAME * sizes.length;
  const free = room - frame - out.reduce((sum, width) => sum + width, 0);
  if (free < 0) return undefined;
  for (let left = free; left > 0; left--) {
    // one more character for the narrowest of those that lack some
    let next = -1;
    for (let c = 0; c < out.length; c++) if (out[c]! < sizes[c]!.most && (next < 0 || out[c]! < out[next]!)) next = c;
    if (next < 0) break;
    out[next]!++;
  }
  return out;
}

/** Each row as lines of name and value. */
function blocks(columns: readonly Head[], cells: readonly (readonly string[])[]): string {
  const width = Math.max(...columns.map(({ name }) => name.length));
  const rows = cells[0]?.length ?? 0;
  return Array.from({ length: rows }, (_, r) =>
    columns
      .flatMap(({ name }, c) => (cells[c]![r] === "" ? [] : [`${name.padEnd(width)}  ${cells[c]![r]}`]))
      .join("\n"),
  ).join("\n\n");
}
