import type { Command } from "../define/command.ts";
import type { Query } from "../define/query.ts";
import type { Answer } from "../store/select.ts";
import type { Ask } from "./ask.ts";
import type { Status } from "./status.ts";

/** What became of an order: ids of its events, and the sequence at which the tables show them. */
export interface Ordered {
  readonly ids: readonly string[];
  readonly seq: number;
}

/** What became of one published event. */
export interface Published {
  /** The event's id, where it has or got one. */
  readonly id: string | null;
  /** accepted: it is durable. rejected: it was not taken, `error` says why. */
  readonly status: "accepted" | "rejected";
  readonly error?: string | undefined;
}

/** How SQL from outside is run. */
export interface SqlOptions {
  readonly signal?: AbortSignal | undefined;
  readonly rowsMax?: number | undefined;
}

/**
 * All that a surface (HTTP, MCP, command line, page) may ask of weir. In the running process it stands on tables and broker; in its clients
 * on HTTP (`client.ts`). Inputs come as the surface was given them; parsing them is the business of this side. Failures are WeirErrors.
 */
export interface Asked {
  /** Answers a query. */
  readonly ask: Ask;
  /** Gives an order; resolves when its effect is visible in the tables. */
  order(name: string, input: unknown, actor: string): Promise<Ordered>;
  /** Answers one SELECT over the documented tables. */
  sql(text: string, options?: SqlOptions): Promise<Answer>;
  /** How weir is doing. */
  status(): Promise<Status>;
}

/** Takes events from outside. */
export interface Publishing {
  /** Takes CloudEvents as JSON values; resolves when the accepted ones are durable. One result an event, in order. */
  publish(events: readonly unknown[]): Promise<readonly Published[]>;
}

/** What guards in front of HTTP routes must know. */
export interface Guarded {
  /** The secret of `Authorization: Bearer`. */
  readonly token: string;
  /** A second token, for assistants that send what they do: it opens the paths of capture only. */
  readonly capture?: { readonly token: string; opens(path: string): boolean };
  /** Hosts that requests may name, for example 127.0.0.1, localhost and [::1]; one with a port allows this port only. */
  readonly hosts: readonly string[];
  /** Told of bugs, whose messages no client sees; `where` is the path or surface. */
  readonly report?: ((error: unknown, where: string) => void) | undefined;
}

/** What the ways in over HTTP are handed. */
export interface IntakeContext extends Publishing, Guarded {
  /** As `publish`, for MessagePack: a frame, one CloudEvent as a map, or a list of them. */
  publishPacked(bytes: Uint8Array): Promise<readonly Published[]>;
}

/** What the surfaces are handed that answer. */
export interface ReadContext extends Asked, Guarded {
  readonly queries: ReadonlyMap<string, Query>;
  readonly commands: ReadonlyMap<string, Command>;
  /** Prometheus text. */
  metricsText(): Promise<string>;
  readonly version: string;
}
