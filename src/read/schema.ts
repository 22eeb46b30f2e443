import { LIMITS } from "../base/limits.ts";
import { type FieldInfo, type Fields, fieldList } from "../define/field.ts";

/** A JSON Schema as a plain value. */
export type JsonSchema = Readonly<Record<string, unknown>>;

function kindSchema(info: FieldInfo): JsonSchema {
  switch (info.kind) {
    case "int":
      return {
        type: "integer",
        ...(info.min !== undefined && info.min > Number.MIN_SAFE_INTEGER && { minimum: info.min }),
      };
    case "float":
      return { type: "number", ...(info.min !== undefined && { minimum: info.min }) };
    case "bool":
      return { type: "boolean" };
    case "choice":
      return { type: "string", enum: info.values };
    case "list":
      return { type: "array", items: { type: "string" }, ...(info.max !== undefined && { maxItems: info.max }) };
    case "id":
      return { type: "string", format: "uuid" };
    default:
      return {
        type: "string",
        ...(info.max !== undefined &&
          info.max < LIMITS.text_bytes_max &&
          info.kind !== "time" && { maxLength: info.max }),
      };
  }
}

const withUnit = (info: FieldInfo): string => (info.unit === undefined ? info.about : `${info.about} (${info.unit})`);

/** The JSON Schema of one argument: what a person or an assistant may write. Times are texts: ISO 8601 or how long ago. */
export const argumentSchema = (info: FieldInfo): JsonSchema => ({ ...kindSchema(info), description: withUnit(info) });

/** The JSON Schema of a query's or command's arguments. */
export function inputSchema(fields: Fields): JsonSchema {
  const list = fieldList(fields);
  const required = list.filter(([, info]) => !info.optional).map(([name]) => name);
  return {
    type: "object",
    properties: Object.fromEntries(list.map(([name, info]) => [name, argumentSchema(info)])),
    ...(required.length > 0 && { required }),
    additionalProperties: false,
  };
}

/** One line a column of an answer: name, what it is, unit. */
export const columnsText = (fields: Fields): string =>
  fieldList(fields)
    .map(([name, info]) => `${name}: ${withUnit(info)}`)
    .join("; ");

/** Names of an answer's columns, with units: what an assistant needs to choose. */
export const columnNames = (fields: Fields): string =>
  fieldList(fields)
    .map(([name, info]) =>
      info.unit === undefined || name.endsWith("_tokens") || name.endsWith(`_${info.unit}`)
        ? name
        : `${name} (${info.unit})`,
    )
    .join(", ");

/** The JSON Schema of an answer, as HTTP gives it. */
export const ANSWER_SCHEMA: JsonSchema = {
  type: "object",
  required: ["columns", "rows", "as_of", "truncated"],
  properties: {
    columns: {
      type: "array",
      description: "names and DuckDB types of the columns, in the order of each row's values",
      items: {
        type: "object",
        required: ["name", "type"],
        properties: { name: { type: "string" }, type: { type: "string" } },
      },
    },
    rows: {
      type: "array",
      description: "rows as lists of values; times are ISO 8601 in UTC, bytes base64",
      items: { type: "array", items: {} },
    },
    as_of: {
      type: "object",
      description: "where in the log the tables stood: its sequence, and the time of the newest event",
      required: ["seq", "time"],
      properties: { seq: { type: "integer" }, time: { type: ["string", "null"] } },
    },
    truncated: { type: "boolean", description: "there were more rows than the limit" },
    note: { type: "string", description: "one sentence on the rows, for example how far back was looked" },
  },
};
