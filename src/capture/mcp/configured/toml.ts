import { type Configured, counterpart, type Editor } from "./editor.ts";

/** A text in the file: what it says, and where it stands. */
interface Span {
  readonly value: string;
  readonly from: number;
  readonly to: number;
}

interface Found extends Configured {
  readonly command?: Span;
  /** Where the list of arguments stands, brackets included, and what is in it. */
  readonly args?: { readonly from: number; readonly to: number; readonly items: readonly Span[] };
  readonly address?: Span;
}

const HEADER = /^[ \t]*\[[ \t]*([^[\]#\n]+?)[ \t]*\][ \t]*(?:#[^\n]*)?$/gm;
const TABLE = /^mcp_servers[ \t]*\.[ \t]*(?:"([^"\\\n]+)"|'([^'\n]+)'|([A-Za-z0-9_-]+))$/;
const ODD = "it is not written as one table with plain texts";

/** A basic or literal text of one line at a place; undefined where none stands there. */
function textAt(text: string, from: number): Span | undefined {
  const [whole] = /^(?:"(?:[^"\\\n]|\\.)*"|'[^'\n]*')/.exec(text.slice(from)) ?? [];
  if (whole === undefined || text.startsWith('"""', from) || text.startsWith("'''", from)) return undefined;
  if (whole[0] === "'") return { value: whole.slice(1, -1), from, to: from + whole.length };
  try {
    // what TOML escapes and JSON does not is not read
    return { value: JSON.parse(whole) as string, from, to: from + whole.length };
  } catch {
    return undefined;
  }
}

const skip = (text: string, from: number): number => from + /^(?:\s|#[^\n]*)*/.exec(text.slice(from))![0].length;

/** A list of texts; undefined where anything else is in it. */
function listAt(text: string, from: number): Found["args"] {
  if (text[from] !== "[") return undefined;
  const items: Span[] = [];
  for (let at = skip(text, from + 1); ; ) {
    if (text[at] === "]") return { from, to: at + 1, items };
    const item = textAt(text, at);
    if (!item) return undefined;
    items.push(item);
    at = skip(text, item.to);
    if (text[at] === ",") at = skip(text, at + 1);
    else if (text[at] !== "]") return undefined;
  }
}

/** Where the value of a name begins in a table's lines; undefined where it is not there. */
function valueAt(text: string, from: number, to: number, name: string): number | undefined {
  const match = new RegExp(`^[ \\t]*${name}[ \\t]*=[ \\t]*`, "m").exec(text.slice(from, to));
  return match ? from + match.index + match[0].length : undefined;
}

function found(name: string, text: string, from: number, to: number): Found {
  const at = (key: string): number | undefined => valueAt(text, from, to, key);
  const [commandAt, argsAt, urlAt, enabledAt] = [at("command"), at("args"), at("url"), at("enabled")];
  const base = { name, disabled: enabledAt !== undefined && text.startsWith("false", enabledAt) };
  const command = commandAt === undefined ? undefined : textAt(text, commandAt);
  const args = argsAt === undefined ? undefined : listAt(text, argsAt);
  const address = urlAt === undefined ? undefined : textAt(text, urlAt);
  if (command && (argsAt === undefined || args) && (args?.to ?? 0) <= to)
    return {
      ...base,
      words: [command.value, ...(args?.items.map((item) => item.value) ?? [])],
      command,
      ...(args ? { args } : {}),
    };
  if (!command && address && /^https?:\/\//i.test(address.value)) return { ...base, url: address.value, address };
  return { ...base, odd: ODD };
}

/** The servers of Codex's settings that stand as `[mcp_servers.NAME]`; others are told as odd. */
function read(text: string): Found[] {
  // in a text of several lines a header could stand that is none
  if (text.includes('"""') || text.includes("'''")) {
    const names = [...text.matchAll(HEADER)].map(([, key]) => TABLE.exec(key!)).filter((match) => match !== null);
    return names.map(([, a, b, c]) => ({
      name: (a ?? b ?? c)!,
      disabled: false,
      odd: "the file has texts of several lines",
    }));
  }
  const all: Found[] = [];
  for (const header of text.matchAll(HEADER)) {
    const match = TABLE.exec(header[1]!);
    if (!match) continue;
    const from = header.index + header[0].length;
    const next = text.slice(from).search(/^[ \t]*\[/m);
    all.push(found((match[1] ?? match[2] ?? match[3])!, text, from, next < 0 ? text.length : from + next));
  }
  for (const [, name] of text.matchAll(/^[ \t]*mcp_servers[ \t]*(?:\.[ \t]*([A-Za-z0-9_-]+)[^=\n]*)?=/gm))
    all.push({ name: name ?? "mcp_servers", disabled: false, odd: ODD });
  return all;
}

/** Reads and changes the servers of a TOML file, in the one form in which Codex writes them; what has another form is left alone. */
export function openTomlServers(given: string): Editor {
  let text = given;
  let servers = read(text);
  const own = (server: Configured): Found => counterpart(editor, server) as Found;
  const put = (from: number, to: number, value: string): void => {
    text = text.slice(0, from) + value + text.slice(to);
  };
  const eol = given.includes("\r\n") ? "\r\n" : "\n";
  const quoted = (words: readonly string[]): string => words.map((word) => JSON.stringify(word)).join(", ");
  const editor: Editor = {
    get text() {
      return text;
    },
    get servers() {
      return servers;
    },
    prepend(server, words) {
      const { command, args } = own(server);
      const more = quoted([...words.slice(1), command!.value]);
      const edits: [number, number, string][] = [[command!.from, command!.to, quoted([words[0]!])]];
      if (!args) edits.push([command!.to, command!.to, `${eol}args = [${more}]`]);
      else if (args.items.length === 0) edits.push([args.from + 1, args.from + 1, more]);
      else edits.push([args.items[0]!.from, args.items[0]!.from, `${more}, `]);
      for (const edit of edits.sort((a, b) => b[0] - a[0] || b[1] - a[1])) put(...edit);
      servers = read(text);
    },
    strip(server, count, was) {
      const { command, args } = own(server);
      const { items } = args!;
      const before = counterpart(was, server) as Found | undefined;
      const last = items[count - 1]!;
      // with the quotes it was written in
      const same = before?.command?.value === last.value ? before.command : undefined;
      const old = same ? was!.text.slice(same.from, same.to) : quoted([last.value]);
      const edits: [number, number, string][] = [[command!.from, command!.to, old]];
      if (items.length > count) edits.push([items[0]!.from, items[count]!.from, ""]);
      else if (before && !before.args) edits.push([command!.to, args!.to, ""]);
      else edits.push([items[0]!.from, last.to, ""]);
      for (const edit of edits.sort((a, b) => b[0] - a[0] || b[1] - a[1])) put(...edit);
      servers = read(text);
    },
    setUrl(server, url) {
      const { address } = own(server);
      put(address!.from, address!.to, JSON.stringify(url));
      servers = read(text);
    },
  };
  return editor;
}
