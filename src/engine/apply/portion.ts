import type { Frame } from "../../wire/frame.ts";
import type { Item } from "./column-source.ts";

/** A frame with its place in the log. */
export interface Placed {
  readonly seq: number;
  readonly frame: Frame;
}

/** What cannot be written into some table: set aside, and the others go on. `*` stands for all tables. */
export interface Fault {
  readonly item: Item;
  readonly table: string;
  readonly error: string;
}

/** A frame's events that are to be applied. */
export interface Portion {
  readonly frame: Frame;
  readonly seq: number;
  /** In the order of the log. */
  readonly items: readonly Item[];
  /** All events of the frame, as they stand in it: then its columns can be taken over as they are. */
  readonly whole: boolean;
  readonly faults: readonly Fault[];
}
