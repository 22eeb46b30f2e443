import { createScanner, getNodeValue, type Node, type ParseError, parseTree } from "jsonc-parser";
import { WeirError } from "../base/errors.ts";

export type Path = (string | number)[];

/**
 * Text of a JSON file, comments and trailing commas allowed, changed value by value. All that is not named stays as it is, byte for byte; what was
 * put in and is taken out again leaves no trace but the space inside a container that was empty.
 */
export interface JsonText {
  readonly text: string;
  /** Whether it is an object without anything in it. */
  readonly isEmpty: boolean;
  /** The value at a path; undefined where there is none. */
  get(path: Path): unknown;
  /** Puts a value at a path, the objects on the way to it included. Throws `bad_input` where something else than an object stands on it. */
  set(path: Path, value: unknown): void;
  /** Appends to the list at a path. */
  append(path: Path, value: unknown): void;
  /** Puts texts before those of the list at a path, on the line of the first; where there is no list, a new one. */
  prepend(path: Path, values: readonly string[]): void;
  /** Takes the first texts of the list at a path away: undoes {@link prepend}. */
  removeFirst(path: Path, count: number): void;
  /** Takes the value at a path away, with its name. */
  remove(path: Path): void;
}

const PARSE = { allowTrailingComma: true };

/** Opens a file's text; an empty one counts as `{}`. Throws `bad_input` where it is no JSON object. */
export function openJson(given: string, file: string): JsonText {
  const mark = given.startsWith("\uFEFF") ? "\uFEFF" : "";
  let text = given.slice(mark.length).trim() === "" ? "{}\n" : given.slice(mark.length);
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, PARSE);
  if (errors.length > 0 || root?.type !== "object") {
    const line = text.slice(0, errors[0]?.offset ?? 0).split("\n").length;
    throw new WeirError("bad_input", `${file} is no JSON object (line ${line})`, {
      hint: "correct the file; nothing was changed",
    });
  }
  const form = formOf(text);
  let parsed = { text, root };
  const at = (path: Path): Node | undefined => {
    if (parsed.text !== text) parsed = { text, root: parseTree(text, [], PARSE)! };
    return nodeAt(parsed.root, path);
  };
  const json: JsonText = {
    get text() {
      return mark + text;
    },
    get isEmpty() {
      return /^\s*\{\s*\}\s*$/.test(text);
    },
    get: (path) => {
      const node = at(path);
      return node && getNodeValue(node);
    },
    set(path, value) {
      const node = at(path);
      if (node) {
        text = splice(text, node.offset, node.length, written(value, indentAt(text, node.offset), form));
        return;
      }
      const parent = at(path.slice(0, -1));
      const name = path.at(-1)!;
      if (!parent) json.set(path.slice(0, -1), { [name]: value });
      else if (parent.type !== "object") throw unexpected(file, path.slice(0, -1).join("."), "an object");
      else text = insert(text, parent, `${JSON.stringify(name)}: `, value, form);
    },
    append(path, value) {
      text = insert(text, at(path)!, "", value, form);
    },
    prepend(path, values) {
      const list = at(path);
      const first = list?.children?.[0];
      const put = values.map((one) => JSON.stringify(one)).join(", ");
      if (first) text = splice(text, first.offset, 0, `${put}, `);
      else if (list) text = splice(text, list.offset + 1, 0, put);
      else {
        json.set(path, []);
        json.prepend(path, values);
      }
    },
    removeFirst(path, count) {
      const items = at(path)?.children ?? [];
      const [first, next] = [items[0], items[count]];
      const last = items[count - 1];
      if (!first || !last) return;
      const end = next ? next.offset : last.offset + last.length;
      text = splice(text, first.offset, end - first.offset, "");
    },
    remove(path) {
      const node = at(path);
      if (node) text = cut(text, node.parent?.type === "property" ? node.parent : node);
    },
  };
  return json;
}

/** A value in a file is none that weir can put something into. */
export const unexpected = (file: string, what: string, form: string): WeirError =>
  new WeirError("bad_input", `${what} in ${file} is not ${form}`, { hint: "correct the file; nothing was changed" });

/** The node at a path. Of a name that stands twice in an object the last one counts, as for whoever reads the file. */
function nodeAt(root: Node, path: Path): Node | undefined {
  let node: Node | undefined = root;
  for (const step of path)
    node =
      typeof step === "number"
        ? node?.children?.[step]
        : node?.children?.findLast(({ children }) => children?.[0]?.value === step)?.children?.[1];
  return node;
}

/** How a file is written: one step of its indentation, and the ends of its lines. */
interface Form {
  readonly unit: string;
  readonly eol: string;
}

function formOf(text: string): Form {
  return { unit: /\n([ \t]+)\S/.exec(text)?.[1] ?? "  ", eol: text.includes("\r\n") ? "\r\n" : "\n" };
}

const splice = (text: string, at: number, length: number, put: string): string =>
  text.slice(0, at) + put + text.slice(at + length);

/** The space at the start of the line that a place stands in. */
const indentAt = (text: string, at: number): string =>
  /^[ \t]*/.exec(text.slice(text.lastIndexOf("\n", at - 1) + 1, at))?.[0] ?? "";

/** JSON of a value, its later lines indented. */
const written = (value: unknown, indent: string, { unit, eol }: Form): string =>
  JSON.stringify(value, null, unit).replaceAll("\n", `${eol}${indent}`);

/** Puts a value behind the last one of a container, on a line of its own. */
function insert(text: string, container: Node, name: string, value: unknown, form: Form): string {
  const outer = indentAt(text, container.offset);
  const last = container.children?.at(-1);
  if (!last) {
    const put = `${form.eol}${outer}${form.unit}${name}${written(value, outer + form.unit, form)}`;
    const end = container.offset + container.length - 1;
    const inside = text.slice(container.offset + 1, end);
    // a comment inside stays before it
    const kept = inside.trimEnd();
    return splice(text, container.offset + 1 + kept.length, inside.length - kept.length, `${put}${form.eol}${outer}`);
  }
  const ownLine = /^[ \t]*$/.test(text.slice(text.lastIndexOf("\n", last.offset - 1) + 1, last.offset));
  const indent = ownLine ? indentAt(text, last.offset) : outer + form.unit;
  const put = `${form.eol}${indent}${name}${written(value, indent, form)}`;
  const end = last.offset + last.length;
  const { comma, after } = followedBy(text, end);
  if (comma !== undefined) return splice(text, after, 0, `${put},`);
  return splice(splice(text, after, 0, put), end, 0, ",");
}

/** What stands behind a value: its comma, and where the comments that belong to its line end. */
function followedBy(text: string, end: number): { comma: number | undefined; after: number } {
  const comma = /^(?:[ \t\r\n]|\/\*[\s\S]*?\*\/|\/\/[^\n]*\n)*,/.exec(text.slice(end));
  const from = comma ? end + comma[0].length : end;
  const comments = /^(?:[ \t]*\/\*[^\n]*?\*\/)*(?:[ \t]*\/\/[^\r\n]*)?/.exec(text.slice(from))?.[0] ?? "";
  return { comma: comma ? from - 1 : undefined, after: from + comments.length };
}

/** Takes a value out of its container, with the line it stands alone on. */
function cut(text: string, node: Node): string {
  const siblings = node.parent!.children!;
  const k = siblings.indexOf(node);
  const { comma } = followedBy(text, node.offset + node.length);
  const end = comma === undefined ? node.offset + node.length : comma + 1;
  const start = text.slice(0, node.offset).trimEnd().length;
  if (siblings.length === 1) {
    const close = node.parent!.offset + node.parent!.length - 1;
    const rest = text.slice(end, close);
    // what is left of an empty container is its comments
    return splice(text, start, close - start, rest.trim() === "" && /[{[]/.test(text[start - 1]!) ? "" : rest);
  }
  const out = splice(text, start, end - start, "");
  if (comma !== undefined || k === 0) return out;
  // it was the last one, and nothing followed it: the comma before it goes too
  const before = siblings[k - 1]!;
  const left = followedBy(out, before.offset + before.length).comma;
  return left === undefined ? out : splice(out, left, 1, "");
}

/** Kinds of tokens of jsonc-parser, whose enumeration exists for compilers only: the end, line breaks, space. */
const END = 17;
const SPACE: readonly number[] = [14, 15];

/** Whether two texts differ in nothing but space between their tokens; comments count. */
export const sameButSpace = (a: string, b: string): boolean => tokensOf(a) === tokensOf(b);

function tokensOf(text: string): string {
  const scanner = createScanner(text, false);
  const tokens: string[] = [];
  for (let kind = scanner.scan(); kind !== END; kind = scanner.scan())
    if (!SPACE.includes(kind))
      tokens.push(text.slice(scanner.getTokenOffset(), scanner.getTokenOffset() + scanner.getTokenLength()));
  return tokens.join("\n");
}
