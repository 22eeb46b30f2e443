import { WeirError } from "../base/errors.ts";

/** Text of a TOML file, changed table by table. All that is not named stays as it is, byte for byte. */
export interface TomlText {
  readonly text: string;
  /** The lines of the table `[a.b]`, without its head; undefined where no such head stands there. */
  table(name: readonly string[]): string[] | undefined;
  /** Whether the name is taken in any way: as a table, by tables below it, or as a key of a table above it. */
  holds(name: readonly string[]): boolean;
  /** Writes the lines of the table `[a.b]`: in its place where it stands, else at the end. */
  set(name: readonly string[], lines: readonly string[]): void;
  /** Takes the table away, and the empty line before it. */
  remove(name: readonly string[]): void;
}

interface Line {
  readonly text: string;
  /** Names in the head that this line is. */
  readonly head?: readonly string[];
  /** Names of the key that this line gives a value. */
  readonly key?: readonly string[];
}

const NAME = /\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*/y;

/** The names of a dotted key at the start of a text, and where they end. */
function namesIn(text: string): { names: string[]; end: number } | undefined {
  const names: string[] = [];
  let at = 0;
  for (;;) {
    NAME.lastIndex = at;
    const found = NAME.exec(text);
    if (!found) return undefined;
    names.push(found[1] ?? found[2] ?? found[3]!);
    at = NAME.lastIndex;
    if (text[at] !== ".") return { names, end: at };
    at += 1;
  }
}

/** Whether a value goes on after this line: brackets or a text of several lines that are open still. */
interface Open {
  depth: number;
  quote: string;
}

function follow(open: Open, text: string): void {
  let at = 0;
  while (at < text.length) {
    if (open.quote !== "") {
      const end = text.indexOf(open.quote, at);
      const escaped = open.quote[0] === '"' ? text.indexOf("\\", at) : -1;
      if (escaped >= 0 && (end < 0 || escaped < end)) at = escaped + 2;
      else if (end < 0) break;
      else {
        at = end + open.quote.length;
        open.quote = "";
      }
      continue;
    }
    const char = text[at]!;
    if (char === "#") break;
    if (char === '"' || char === "'") open.quote = text.startsWith(char.repeat(3), at) ? char.repeat(3) : char;
    else if (char === "[" || char === "{") open.depth += 1;
    else if (char === "]" || char === "}") open.depth -= 1;
    at += open.quote.length || 1;
  }
  // a text of one line ends with it
  if (open.quote.length === 1) open.quote = "";
}

function linesOf(text: string, file: string): Line[] {
  const open: Open = { depth: 0, quote: "" };
  const lines: Line[] = [];
  for (const [k, line] of text.split("\n").entries()) {
    const trimmed = line.trim();
    if (open.depth > 0 || open.quote !== "") {
      follow(open, line);
      lines.push({ text: line });
    } else if (trimmed.startsWith("[")) {
      const inner = trimmed.startsWith("[[") ? trimmed.slice(2) : trimmed.slice(1);
      const found = namesIn(inner);
      if (!found || inner[found.end] !== "]") throw broken(file, k);
      lines.push({ text: line, head: found.names });
    } else if (trimmed === "" || trimmed.startsWith("#")) lines.push({ text: line });
    else {
      const found = namesIn(line);
      if (!found || line[found.end] !== "=") throw broken(file, k);
      follow(open, line.slice(found.end + 1));
      lines.push({ text: line, key: found.names });
    }
    if (open.depth < 0) throw broken(file, k);
  }
  if (open.depth > 0 || open.quote !== "") throw broken(file, lines.length - 1);
  return lines;
}

const broken = (file: string, line: number): WeirError =>
  new WeirError("bad_input", `${file} is no TOML that weir understands (line ${line + 1})`, {
    hint: "correct the file; nothing was changed",
  });

const equal = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((name, k) => name === b[k]);
const begins = (a: readonly string[], b: readonly string[]): boolean => b.every((name, k) => name === a[k]);

/** Opens a file's text. Throws `bad_input` where its lines cannot be told apart. */
export function openToml(given: string, file: string): TomlText {
  let text = given;
  const eol = given.includes("\r\n") ? "\r\n" : "\n";
  /** The first line of a table and the one after its last; comments and space at its end belong to what follows. */
  const find = (name: readonly string[]): { lines: Line[]; from: number; to: number } | undefined => {
    const lines = linesOf(text, file);
    const from = lines.findIndex(({ head, text }) => head && equal(head, name) && !text.trim().startsWith("[["));
    if (from < 0) return undefined;
    let to = from + 1;
    for (let k = to; k < lines.length && !lines[k]!.head; k++) {
      const line = lines[k]!.text.trim();
      if (line !== "" && !line.startsWith("#")) to = k + 1;
    }
    return { lines, from, to };
  };
  const write = (lines: readonly string[]): void => {
    text = lines.join("\n");
  };
  const ended = (line: string): string => (eol === "\r\n" ? `${line}\r` : line);
  linesOf(text, file);
  return {
    get text() {
      return text;
    },
    table(name) {
      const found = find(name);
      return found?.lines.slice(found.from + 1, found.to).map((line) => line.text.trim());
    },
    holds(name) {
      let above: readonly string[] = [];
      for (const { head, key } of linesOf(text, file)) {
        if (head) above = head;
        const whole = head ?? (key && [...above, ...key]);
        // a value for a name above it may hold it as well
        if (whole && (begins(whole, name) || (key && begins(name, whole)))) return true;
      }
      return false;
    },
    set(name, lines) {
      const head = `[${name.map((part) => (/^[\w-]+$/.test(part) ? part : JSON.stringify(part))).join(".")}]`;
      const found = find(name);
      if (!found) {
        const start = text === "" || text.endsWith("\n") ? text : text + eol;
        text = [start === "" ? "" : `${start}${eol}`, ...[head, ...lines].map((line) => `${line}${eol}`)].join("");
        return;
      }
      if (
        equal(
          found.lines.slice(found.from + 1, found.to).map((line) => line.text.trim()),
          lines,
        )
      )
        return;
      const all = found.lines.map((line) => line.text);
      write([...all.slice(0, found.from + 1), ...lines.map(ended), ...all.slice(found.to)]);
    },
    remove(name) {
      const found = find(name);
      if (!found) return;
      const all = found.lines.map((line) => line.text);
      const before = found.from > 0 && all[found.from - 1]!.trim() === "" ? found.from - 1 : found.from;
      write([...all.slice(0, before), ...all.slice(found.to)]);
    },
  };
}
