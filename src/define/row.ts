import type { Envelope, Event } from "./event.ts";

/** Where a column's value comes from: an attribute of the event, a field of its data, a value, another source where one has none, or what a function makes. */
export type ColumnSource =
  | { readonly attribute: keyof Envelope }
  | { readonly field: string }
  | { readonly value: string | number | boolean | undefined }
  | { readonly either: ColumnSource; readonly or: ColumnSource }
  | ((event: Event) => unknown);
export type ColumnSources = Readonly<Record<string, ColumnSource>>;

/** An attribute of the event. */
export const attribute = (name: keyof Envelope): ColumnSource => ({ attribute: name });
/** A field of the event's data. */
export const field = (name: string): ColumnSource => ({ field: name });
/** The same for every row. */
export const value = (of: string | number | boolean | undefined): ColumnSource => ({ value: of });
/** One source, and for rows where it has none, the other. */
export const either = (source: ColumnSource, or: ColumnSource): ColumnSource => ({ either: source, or });

/** A source in code, where `event` and its `data` are at hand and `path` leads to it; names come from definitions and are identifiers. */
function expression(path: string, source: ColumnSource): string {
  if (typeof source === "function") return `${path}(event)`;
  if ("value" in source) return JSON.stringify(source.value) ?? "undefined";
  if ("either" in source)
    return `(${expression(`${path}.either`, source.either)} ?? ${expression(`${path}.or`, source.or)})`;
  return "attribute" in source ? `event.${identifier(source.attribute)}` : `data.${identifier(source.field)}`;
}

function identifier(name: string): string {
  if (!/^[a-z][a-z0-9_]*$/.test(name)) throw new Error(`${name} is no name of a column`);
  return name;
}

/**
 * Makes the row of one event. It is made as code with every name written out: reading and setting properties by names that vary is ten times as
 * slow, and this runs for each column of each row.
 */
export function rowMaker(from: ColumnSources): (event: Event) => Readonly<Record<string, unknown>> {
  const values = Object.entries(from).map(
    ([name, source]) => `${identifier(name)}: ${expression(`from.${name}`, source)}`,
  );
  return new Function("from", `return (event) => { const data = event.data; return { ${values.join(", ")} }; };`)(from);
}

/** The same row, whose values are only looked up when they are asked for: most readers want a few of many. */
export function rowViewer(from: ColumnSources): (event: Event) => Readonly<Record<string, unknown>> {
  const getters = Object.entries(from).map(
    ([name, source]) =>
      `get ${identifier(name)}() { const { event, data } = this; return ${expression(`from.${name}`, source)}; }`,
  );
  return new Function(
    "from",
    `class Row { constructor(event) { this.event = event; this.data = event.data; } ${getters.join(" ")} } return (event) => new Row(event);`,
  )(from);
}
