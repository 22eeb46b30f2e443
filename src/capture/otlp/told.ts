import type { Draft } from "../../define/event.ts";
import type { LogRecord, Point, Span } from "./batch.ts";

/** What an item's typed events share: their envelope, and how their ids follow from the item's. */
export interface Told {
  readonly envelope: Omit<Draft, "type" | "data">;
  readonly time: number;
  /** Id of an event of this type, the same whenever the item comes again. */
  id(type: string): string;
}

/** The words of one producer: what of its telemetry is a typed event. */
export interface Vocabulary {
  readonly assistant?: string;
  /** Attributes of which the first present names the session. */
  readonly session: readonly string[];
  /** Attributes that may hold long texts; the generic span or record leaves out those a typed event has. */
  readonly contents: ReadonlySet<string>;
  readonly span?: (span: Span, told: Told) => Draft[];
  readonly log?: (log: LogRecord, told: Told) => Draft[];
  readonly point?: (point: Point, told: Told) => Draft[];
}
