/** The values of one column of events, in one of the forms they have on the wire; `undefined` in place of a column is nil throughout. */
export type Column =
  | { readonly form: "list"; readonly values: readonly unknown[] }
  | { readonly form: "same"; readonly value: unknown }
  | { readonly form: "few"; readonly values: readonly unknown[]; readonly picks: Uint8Array }
  | Texts;

/** Texts one after the other in UTF-8, a zero byte between them, and the length of each in bytes; {@link NIL} is a row without one. */
export interface Texts {
  readonly form: "texts";
  readonly bytes: Uint8Array;
  readonly sizes: Uint16Array;
}

/** In place of a text's length: the row has none. */
export const NIL = 0xffff;
