import { LIMITS } from "../../base/limits.ts";
import type { Answer } from "../../store/select.ts";

/** Characters of one value; what is longer is cut and says so. */
const CELL_CHARS_MAX = 2_000;
/** Characters of one answer's data: it is sent twice, as text and structured. */
const DATA_CHARS_MAX = Math.floor(LIMITS.mcp_answer_chars_max / 2) - 1_000;

/** Control characters but tab and line feed, marks of direction, invisible and tag characters, halves of pairs: text may hide behind them. */
const HIDDEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ufe00-\ufe0f]|[\u{e0000}-\u{e0fff}]|\p{Cs}/gu;

/** Text of a stranger as an assistant may be shown it. */
export function cleanText(text: string, charsMax: number = CELL_CHARS_MAX): string {
  const clean = text.replace(HIDDEN, "");
  return clean.length <= charsMax ? clean : `${clean.slice(0, charsMax)}… [${clean.length - charsMax} more characters]`;
}

/** A value in few tokens: times to the millisecond, numbers to ten digits. */
function compactValue(value: unknown): unknown {
  if (typeof value === "number") return Number.isInteger(value) ? value : Number(value.toPrecision(10));
  if (typeof value === "string") {
    const time = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,3})?\d*Z$/.exec(value);
    return time ? `${time[1]}${time[2] === undefined || time[2] === ".000" ? "" : time[2]}Z` : cleanText(value);
  }
  if (Array.isArray(value)) return value.map(compactValue);
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [cleanText(k, 200), compactValue(v)]));
  return value;
}

/** An answer as a tool gives it. */
export interface Compact {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
  readonly as_of: Answer["as_of"];
  readonly note?: string;
  readonly [key: string]: unknown;
}

/** An answer in few tokens and within the limit; what was left out is told in `note`, with how to narrow. */
export function compact(answer: Answer): Compact {
  const columns = answer.columns.map(({ name }) => cleanText(name, 200));
  const rows: unknown[][] = [];
  let chars = JSON.stringify(columns).length;
  for (const row of answer.rows) {
    const short = row.map(compactValue);
    chars += JSON.stringify(short).length + 1;
    if (chars > DATA_CHARS_MAX) break;
    rows.push(short);
  }
  const left = answer.rows.length - rows.length;
  const notes = [
    left > 0
      ? `${left} of ${answer.rows.length} rows left out to keep the answer short: narrow the period or the filters, or ask for fewer rows with limit.`
      : "",
    left === 0 && answer.truncated ? "There are more rows: narrow the period or the filters." : "",
    answer.note ?? "",
  ].filter((note) => note !== "");
  return { columns, rows, as_of: answer.as_of, ...(notes.length > 0 && { note: notes.join(" ") }) };
}
