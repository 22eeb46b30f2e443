import { LIMITS } from "../../base/limits.ts";
import { isLoose } from "../loose.ts";
import type { Message, RequestId } from "./message.ts";
import { createRounds, type Rounds } from "./rounds.ts";
import type { Usage } from "./usage.ts";

/** Who sent a message. */
export type Side = "client" | "server";

/** Why a request has no answer. */
export type Missing = "cancelled" | "server_died" | "unanswered";

/** What is known of a request that the message itself does not tell. */
export interface Told {
  readonly protocol?: string | undefined;
  readonly traceparent?: string | undefined;
  /** The session that the server gave the client, of MCP over HTTP. */
  readonly mcp_session?: string | undefined;
  /** What the server's processes had used when it was asked. */
  readonly look?: Usage | undefined;
}

/** A request that waits for its answer. */
export interface Pending extends Told {
  readonly asker: Side;
  readonly id: RequestId;
  readonly method: string;
  readonly request: Message;
  /** When its last byte passed, in microseconds. */
  readonly begun: number;
  readonly client?: string | undefined;
  /** Which round of a call it is, see {@link Rounds}. */
  readonly round?: number | undefined;
}

/** A request that is over, with its answer or the reason why there is none. */
export interface Call extends Pending {
  readonly ended: number;
  /** An answer may also be what stands for one: why a request did not arrive. */
  readonly answer: Message | Missing;
}

/** Pairs the requests and answers of one connection. */
export interface Pairing {
  /** Takes a message that passed, and gives the calls it ended. */
  take(from: Side, message: Message, at: number, told?: Told): Call[];
  /** Requests of one side that wait, the oldest first. */
  pending(asker: Side): readonly Pending[];
  /** The request that waits under an id. */
  waiting(asker: Side, id: RequestId): Pending | undefined;
  /** Ends requests that will not be answered any more, or in another way. */
  end(which: readonly Pending[], answer: Message | Missing, at: number): Call[];
  /** Takes requests away of which nothing more is known. */
  forget(which: readonly Pending[]): void;
  /** Requests that were forgotten because too many waited. */
  forgotten(): number;
}

const META = "io.modelcontextprotocol/";
const other = (side: Side): Side => (side === "client" ? "server" : "client");
/** Ids count per direction; 1 and "1" are different ones. */
const keyOf = (asker: Side, id: RequestId): string => `${asker}:${JSON.stringify(id)}`;

/** `name version` of an implementation. */
function nameOf(info: unknown): string | undefined {
  if (!isLoose(info) || typeof info.name !== "string") return undefined;
  return typeof info.version === "string" ? `${info.name} ${info.version}` : info.name;
}
const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

/** Makes the pairing of one connection: pure, told every message in the order in which it passed. */
export function createPairing(
  pendingMax: number = LIMITS.mcp_pending_max,
  rounds: Rounds = createRounds(pendingMax),
): Pairing {
  const waiting = new Map<string, Pending>();
  let protocol: string | undefined;
  let client: string | undefined;
  let forgotten = 0;

  const ended = (call: Pending, answer: Message | Missing, at: number): Call => {
    waiting.delete(keyOf(call.asker, call.id));
    return { ...call, protocol: call.protocol ?? protocol, client: call.client ?? client, answer, ended: at };
  };
  const ask = (asker: Side, request: Message, at: number, told: Told | undefined): void => {
    const { id, method, params } = request as Message & { id: RequestId; method: string };
    const meta = isLoose(params?._meta) ? params._meta : {};
    if (method === "initialize") client = nameOf(params?.clientInfo);
    const key = keyOf(asker, id);
    waiting.delete(key); // an id that is used again belongs to the newer request
    waiting.set(key, {
      asker,
      id,
      method,
      request,
      begun: at,
      ...told,
      protocol: textOf(meta[`${META}protocolVersion`]) ?? told?.protocol,
      client: nameOf(meta[`${META}clientInfo`]),
      round: rounds.of(request),
    });
    if (waiting.size <= pendingMax) return;
    waiting.delete(waiting.keys().next().value!);
    forgotten++;
  };
  return {
    take(from, message, at, told) {
      const { id, method, params } = message;
      if (method !== undefined) {
        if (id !== undefined) ask(from, message, at, told);
        const gone = params?.requestId;
        if (method !== "notifications/cancelled" || (typeof gone !== "string" && typeof gone !== "number")) return [];
        const call = waiting.get(keyOf(from, gone));
        return call ? [ended(call, "cancelled", at)] : [];
      }
      const call = id === undefined ? undefined : waiting.get(keyOf(other(from), id));
      if (!call) return [];
      if (call.method === "initialize" && isLoose(message.result)) protocol = textOf(message.result.protocolVersion);
      rounds.answered(call.round, message);
      return [ended(call, message, at)];
    },
    pending: (asker) => [...waiting.values()].filter((call) => call.asker === asker),
    waiting: (asker, id) => waiting.get(keyOf(asker, id)),
    end: (which, answer, at) => which.map((call) => ended(call, answer, at)),
    forget: (which) => {
      for (const { asker, id } of which) waiting.delete(keyOf(asker, id));
    },
    forgotten: () => forgotten,
  };
}
