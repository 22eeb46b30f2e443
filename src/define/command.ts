import type { Draft } from "./event.ts";
import type { Fields, ShapeOf } from "./field.ts";

/** An order: an MCP tool, an HTTP route, a command-line command and a dashboard action at once. The file's name is its name. */
export interface Command<I extends Fields = Fields> {
  readonly title: string;
  readonly about: string;
  /** Who may give it. */
  readonly role: "operator" | "producer";
  /** Whether it takes something away: hosts that ask before such a tool is used know it by this. */
  readonly destructive?: boolean;
  readonly input: I;
  /** What the order is about, where that must be there: a query that answers with a row where it is. */
  readonly needs?: (input: ShapeOf<I>) => {
    readonly query: string;
    readonly input: Readonly<Record<string, unknown>>;
    /** What is said where it is not. */
    readonly missing: string;
  };
  /** What the order adds to, where that is bounded: a query that lists all of it by `name`, and whether what it adds is there already. */
  readonly room?: (input: ShapeOf<I>) => {
    readonly query: string;
    readonly name: string;
    readonly max: number;
    /** What is said where there is none, and what to do. */
    readonly full: string;
    readonly hint: string;
  };
  /** The events the order leads to. Pure: the time of the order comes in, in microseconds. Throws WeirError `bad_input`. */
  decide(input: ShapeOf<I>, now_us: number): readonly Draft[];
}

/** Identity that helps inference. */
export const defineCommand = <const I extends Fields>(command: Command<I>): Command<I> => command;
