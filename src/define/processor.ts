import type { Draft, Event, EventDefinition } from "./event.ts";

/** What a step makes of one event. */
export interface Outcome {
  /** New events, in order. Their ids derive from processor, cause and index. */
  readonly emit?: readonly Draft[];
  /** Attributes of the envelope to set on the event passed on (processors with `passes` only). */
  readonly set?: Readonly<Record<string, unknown>>;
  /** Fields of the data to set on the event passed on (processors with `passes` only). */
  readonly data?: Readonly<Record<string, unknown>>;
  /** Do not pass the event on, and count it under this word (processors with `passes` only). */
  readonly drop?: "rejected" | "repeated";
}

/** Where an event stands in the stream it was read from. */
export interface Arrival {
  /** When the broker stored it, in microseconds: the only clock a step may use, because a replay reads the same. */
  readonly arrived_us: number;
}

/**
 * A pure step over events in log order. The state is handed over: a step may change it in place. It is plain data (maps, lists,
 * texts, numbers), bounded, and survives MessagePack. A step may not await, throw for data reasons, or read the clock.
 */
export interface Processor<S = unknown> {
  readonly about: string;
  /** Types it reads; "all" for those every event passes through. */
  readonly on: readonly EventDefinition[] | "all";
  /** Types it may write. */
  readonly emits: readonly EventDefinition[];
  /** Which stream feeds it; its output goes to the next one: in → valid → events; events → events. */
  readonly reads: "in" | "valid" | "events";
  /** It hands every event on, changed or not; otherwise it only emits. */
  readonly passes: boolean;
  start(): S;
  step(state: S, event: Event, arrival: Arrival): Outcome | undefined;
}

/** Identity that helps inference. */
export function defineProcessor<S>(processor: Processor<S>): Processor<S> {
  return processor;
}
