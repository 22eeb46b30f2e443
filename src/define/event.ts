import type { z } from "zod";
import type { Column } from "./column.ts";
import { type FieldInfo, type Fields, fieldList, id, int, optional, ref, type ShapeOf, text, time } from "./field.ts";

/**
 * The attributes of every event: CloudEvents 1.0 names, then weir's extension attributes. One definition for the wire, the
 * table `events`, JSON and docs.
 */
export const ENVELOPE = {
  id: id("UUIDv7 of the event; the same id is the same event, however often it arrives"),
  source: ref("where it happened, as a URI reference, for example claude-code://host", { max: 256 }),
  time: time("when it happened"),
  subject: optional(text("what it is about within the source, for example a tool's name", { max: 512 })),
  session: optional(ref("session of the assistant it belongs to", { max: 128 })),
  cause: optional(id("id of the event that led to it")),
  traceparent: optional(text("W3C trace context in which it happened", { max: 64 })),
  via: optional(text("how weir learned of it: hook, transcript, otlp, proxy, sdk, api, watch, weir", { max: 32 })),
  producer: optional(ref("id of the producer that numbered it", { max: 64 })),
  epoch: optional(int("start of the producer's numbering, milliseconds since 1970", { min: 0 })),
  n: optional(int("number within producer and epoch, from 1 without gaps", { min: 1 })),
  fact: optional(ref("stable key of the fact it reports; several sources of one fact share it", { max: 2_048 })),
  project: optional(text("folder of the project the session works in", { max: 1024 })),
  branch: optional(text("git branch at that moment", { max: 512 })),
  assistant: optional(text("assistant that ran the session, for example claude-code", { max: 64 })),
  actor: optional(text("who ordered it, for commands", { max: 256 })),
} as const;

/** The envelope's values. */
export type Envelope = ShapeOf<typeof ENVELOPE>;
/** Names and infos of the envelope's attributes, in wire order. */
export const ENVELOPE_FIELDS = fieldList(ENVELOPE);

/** Under this name an event that was read from a frame shows the columns it stands in, for checks that look at whole columns. */
export const COLUMNS: unique symbol = Symbol("weir.columns");

/** Columns of one type's rows; values are nil (null or undefined) where a row has none. */
export interface Columns {
  readonly count: number;
  /** Names of the data's columns: those of the type's definition first, in its order, then unknown ones. */
  readonly fieldNames: readonly string[];
  /** Values of the k-th attribute of {@link ENVELOPE_FIELDS}. */
  attribute(k: number): readonly unknown[];
  /** Values of the k-th field. */
  field(k: number): readonly unknown[];
  /** The same as they stand on the wire, for checks that need not look at each value; undefined where it is nil throughout. */
  attributeColumn(k: number): Column | undefined;
  fieldColumn(k: number): Column | undefined;
  /** Packed bytes of the k-th attribute's column; undefined where it is nil throughout. */
  attributeRaw(k: number): Uint8Array | undefined;
  /** Packed bytes of the k-th field's column; undefined where it is nil throughout. */
  fieldRaw(k: number): Uint8Array | undefined;
}

/** The columns and row behind an event; undefined for a plain object. */
export const columnsBehind = (event: Event): { readonly columns: Columns; readonly row: number } | undefined =>
  (event as unknown as Record<symbol, { columns: Columns; row: number } | undefined>)[COLUMNS];

/** An event: the envelope, its type and version, and the type's own data. */
export interface Event<T extends string = string, D = Readonly<Record<string, unknown>>> extends Envelope {
  readonly type: T;
  /** Version of the type the data is written in. */
  readonly v: number;
  readonly data: D;
}

/** What a producer or processor writes; the publisher adds id, numbering and version. */
export interface Draft<T extends string = string, D = Readonly<Record<string, unknown>>>
  extends Partial<Omit<Envelope, "n" | "producer" | "epoch">> {
  readonly type: T;
  readonly data: D;
}

/** A type of event. */
export interface EventDefinition<T extends string = string, F extends Fields = Fields> {
  readonly type: T;
  readonly v: number;
  readonly about: string;
  readonly fields: F;
  readonly list: readonly (readonly [string, FieldInfo])[];
  /** For each older version k, what makes data of version k + 1 of it; applied one after the other. */
  readonly from: Readonly<Record<number, (older: Record<string, unknown>) => Record<string, unknown>>>;
  /** The orders of persons and assistants are audited. */
  readonly audited: boolean;
  /** Builds a draft of this type. */
  of(envelope: Omit<Draft, "type" | "data">, data: ShapeOf<F>): Draft<T, ShapeOf<F>>;
}

/** The event a definition describes. */
export type EventOf<E> = E extends EventDefinition<infer T, infer F> ? Event<T, ShapeOf<F>> : never;

/** Defines a type of event: `noun.verb_past`, its version, one sentence, its fields. */
export function defineEvent<const T extends `${string}.${string}`, const F extends Record<string, z.ZodType>>(
  type: T,
  v: number,
  about: string,
  fields: F,
  options: { from?: EventDefinition["from"]; audited?: boolean } = {},
): EventDefinition<T, F> {
  return {
    type,
    v,
    about,
    fields,
    list: fieldList(fields),
    from: options.from ?? {},
    audited: options.audited ?? false,
    of: (envelope, data) => ({ ...envelope, type, data }),
  };
}
