import type { Answer } from "../store/select.ts";

/**
 * An answer as CSV after RFC 4180, with a line of names; nested values as JSON. Spreadsheets take no cell for a formula. A terminal and the programs
 * behind it want lines that end with `\n` alone.
 */
export function toCsv({ columns, rows }: Pick<Answer, "columns" | "rows">, end = "\r\n"): string {
  const lines = [columns.map(({ name }) => cell(name)), ...rows.map((row) => row.map(cell))];
  return `${lines.map((line) => line.join(",")).join(end)}${end}`;
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const safe = /^[=+\-@\t\r]/.test(text) && !/^[+-]?\d+(\.\d+)?$/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
