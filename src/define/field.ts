import { z } from "zod";
import { isId } from "../base/id.ts";
import { LIMITS } from "../base/limits.ts";
import { isSealed } from "../base/seal.ts";

/** The closed vocabulary of fields: what a value is, on the wire, in a table and in JSON. */
export type FieldKind =
  | "text"
  | "int"
  | "float"
  | "bool"
  | "time"
  | "choice"
  | "list"
  | "json"
  | "ref"
  | "id"
  | "bytes";

/** What is known of a field beyond its zod schema; everything derived (columns, docs, checks) is made from it. */
export interface FieldInfo {
  readonly kind: FieldKind;
  /** One sentence for whoever reads the field. */
  readonly about: string;
  /** May hold what a person wrote or a tool printed: not kept at the level `metadata`, encrypted on request. */
  readonly private: boolean;
  /** It is the size of this other field, in its unit; filled in where that field is removed or encrypted. */
  readonly sizeOf?: string;
  readonly unit?: string;
  readonly values?: readonly string[];
  readonly open?: boolean;
  /** Longest text in UTF-16 units, or largest number. */
  readonly max?: number;
  readonly min?: number;
  readonly optional: boolean;
}

/** Fields by name, as written in a definition. */
export type Fields = Readonly<Record<string, z.ZodType>>;
/** The plain object a set of fields describes. */
export type ShapeOf<F extends Fields> = {
  [K in keyof F as undefined extends z.output<F[K]> ? never : K]: z.output<F[K]>;
} & { [K in keyof F as undefined extends z.output<F[K]> ? K : never]?: z.output<F[K]> };

interface Flags {
  readonly private?: boolean;
  readonly sizeOf?: string;
  readonly unit?: string;
}

const registry = new WeakMap<z.ZodType, FieldInfo>();

function note<T extends z.ZodType>(schema: T, info: Omit<FieldInfo, "optional" | "private"> & Flags): T {
  const described = schema.describe(info.about) as T;
  registry.set(described, { ...info, private: info.private ?? false, optional: false });
  return described;
}

/** Text of at most `max` UTF-16 units. */
export const text = (about: string, { max = LIMITS.text_bytes_max, ...flags }: Flags & { max?: number } = {}) =>
  note(z.string().max(max), { kind: "text", about, max, ...flags });
/** A whole number within what JavaScript holds exactly. */
export const int = (about: string, { min = Number.MIN_SAFE_INTEGER, ...flags }: Flags & { min?: number } = {}) =>
  note(z.int().min(min), { kind: "int", about, min, max: Number.MAX_SAFE_INTEGER, ...flags });
/** A finite number. */
export const float = (about: string, { min, ...flags }: Flags & { min?: number } = {}) =>
  note(min === undefined ? z.number() : z.number().min(min), { kind: "float", about, min, ...flags });
/** True or false. */
export const bool = (about: string, flags: Flags = {}) => note(z.boolean(), { kind: "bool", about, ...flags });
/** A moment: integer microseconds since the Unix epoch, UTC. */
export const time = (about: string, flags: Flags = {}) =>
  note(z.int().min(0), { kind: "time", about, min: 0, max: Number.MAX_SAFE_INTEGER, ...flags });
/** One of the named values. */
export const choice = <const V extends readonly [string, ...string[]]>(about: string, values: V, flags: Flags = {}) =>
  note(z.enum(values), { kind: "choice", about, values, ...flags });
/** A list of short texts. */
export const list = (about: string, { max = 1_000, ...flags }: Flags & { max?: number } = {}) =>
  note(z.array(z.string().max(LIMITS.text_bytes_max)).max(max), { kind: "list", about, max, ...flags });
/** Any JSON value, kept as JSON text on the wire so that every language and DuckDB read it alike. */
export const json = (about: string, { max = LIMITS.text_bytes_max, ...flags }: Flags & { max?: number } = {}) =>
  note(z.string().max(max), { kind: "json", about, max, ...flags });
/** The id or key of something else. */
export const ref = (about: string, { max = 512, ...flags }: Flags & { max?: number } = {}) =>
  note(z.string().min(1).max(max), { kind: "ref", about, max, ...flags });
/** The UUID of an event, in lower case. */
export const id = (about: string, flags: Flags = {}) =>
  note(z.string().refine(isId, "is not a UUID"), { kind: "id", about, ...flags });
/** Raw bytes; base64 text in JSON. */
export const bytes = (
  about: string,
  { max = LIMITS.rejected_part_bytes_max, ...flags }: Flags & { max?: number } = {},
) =>
  note(
    z.custom<Uint8Array>((value) => value instanceof Uint8Array, "is not bytes"),
    { kind: "bytes", about, max, ...flags },
  );

/** The same field, allowed to be absent. */
export function optional<T extends z.ZodType>(field: T): z.ZodOptional<T> {
  const info = registry.get(field);
  if (!info) throw new Error("optional() takes a field made by define/field.ts");
  const wrapped = field.optional();
  registry.set(wrapped, { ...info, optional: true });
  return wrapped;
}

/** What a field is; throws for a schema that was not made here, so that no field lacks its documentation. */
export function fieldInfo(schema: z.ZodType): FieldInfo {
  const info = registry.get(schema);
  if (!info) throw new Error("every field is made by define/field.ts");
  return info;
}

/** Name and info of each field, in the order written. */
export function fieldList(fields: Fields): readonly (readonly [string, FieldInfo])[] {
  return Object.entries(fields).map(([name, schema]) => [name, fieldInfo(schema)] as const);
}

/** The DuckDB type of a field's column. Tokens and counts are BIGINT, times TIMESTAMP (UTC), money and durations DOUBLE. */
export function columnType(info: FieldInfo): string {
  switch (info.kind) {
    case "int":
      return "BIGINT";
    case "float":
      return "DOUBLE";
    case "bool":
      return "BOOLEAN";
    case "time":
      return "TIMESTAMP";
    case "bytes":
      return "BLOB";
    case "id":
      return "UUID";
    default:
      return "VARCHAR";
  }
}

/** Whether a text has no half characters (lone surrogates): they have no UTF-8 form, and JSON with them is refused by the database. */
const isWellFormed = (text: string): boolean => (text as unknown as { isWellFormed(): boolean }).isWellFormed();

/** Says what is wrong with a value, or nothing. The same rule as the zod schema, without its cost per event. */
export function faultOf(info: FieldInfo, value: unknown): string | undefined {
  if (value === null || value === undefined) return info.optional ? undefined : "is missing";
  switch (info.kind) {
    case "text":
    case "json":
      if (typeof value !== "string" || !isWellFormed(value)) return "is not text";
      return value.length > info.max! && !(info.private && isSealed(value)) ? `is longer than ${info.max}` : undefined;
    case "ref":
      if (typeof value !== "string" || !isWellFormed(value)) return "is not text";
      return value.length === 0 ? "is empty" : value.length > info.max! ? `is longer than ${info.max}` : undefined;
    case "id":
      return typeof value === "string" && isId(value) ? undefined : "is not a UUID in lower case";
    case "choice":
      return typeof value === "string" && info.values!.includes(value)
        ? undefined
        : `is not one of ${info.values!.join(", ")}`;
    case "bool":
      return typeof value === "boolean" ? undefined : "is not true or false";
    case "int":
    case "time":
      if (typeof value !== "number" || !Number.isSafeInteger(value)) return "is not a whole number";
      return value < info.min! ? `is less than ${info.min}` : undefined;
    case "float":
      if (typeof value !== "number" || !Number.isFinite(value)) return "is not a finite number";
      return info.min !== undefined && value < info.min ? `is less than ${info.min}` : undefined;
    case "list":
      if (!Array.isArray(value)) return "is not a list";
      if (value.length > info.max!) return `has more than ${info.max} entries`;
      return value.every((v) => typeof v === "string" && isWellFormed(v) && v.length <= LIMITS.text_bytes_max)
        ? undefined
        : "is not a list of texts";
    case "bytes":
      return value instanceof Uint8Array
        ? value.length > info.max! && !(info.private && isSealed(value))
          ? `is longer than ${info.max} bytes`
          : undefined
        : "is not bytes";
  }
}
