import type { Draft } from "../../../define/event.ts";
import { eventsDropped } from "../../../events/flow.ts";
import { type CallOrigin, calledOf } from "../called.ts";
import { createGatherer } from "../lines.ts";
import { type Message, messagesOf } from "../message.ts";
import type { Call, Pending, Side } from "../pairing.ts";
import type { Reader } from "../reader.ts";
import type { Sampler } from "../usage.ts";
import { createDecoder, type Decoder } from "./decode.ts";
import { createEventSplitter, type EventSplitter, type ServerEvent } from "./events.ts";
import { createScopes, type Scope } from "./scopes.ts";

/** A request as its head tells of it. */
export interface Opened {
  readonly kind: "opened";
  readonly n: number;
  readonly method: string;
  readonly path: string;
  readonly session?: string | undefined;
  readonly protocol?: string | undefined;
  readonly traceparent?: string | undefined;
  readonly encoding?: string | undefined;
}

/** What the proxy tells of exchange number `n` besides the bytes of its bodies. */
export type Mark =
  | Opened
  /** The request's last byte passed. */
  | { readonly kind: "asked"; readonly n: number }
  | {
      readonly kind: "answered";
      readonly n: number;
      readonly status: number;
      readonly media?: string | undefined;
      readonly encoding?: string | undefined;
      readonly session?: string | undefined;
    }
  /** It is over: the answer ended, the client went away, or the server did. */
  | {
      readonly kind: "closed";
      readonly n: number;
      readonly how: "ended" | "aborted" | "failed";
      readonly error?: string | undefined;
    };

/** Bytes of the request of exchange `n` are told as `n`, those of its answer as `-n`; 0 stands for exchanges that were left out. */
export type Tag = number | Mark;

interface Exchange {
  readonly opened: Opened;
  scope: Scope;
  readonly request: ReturnType<typeof createGatherer>;
  /** Requests of the client that came with it. */
  readonly asks: Pending[];
  /** Bytes of it are missing. */
  torn: boolean;
  status?: number;
  decoder?: Decoder | undefined;
  events?: EventSplitter;
  readonly body: ReturnType<typeof createGatherer>;
  /** An error that names no request. */
  refusal?: Message;
  /** The session whose stream this is, of servers older than streamable HTTP. */
  endpoint?: string;
  /** When its newest byte passed. */
  at: number;
}

const TEXT_CHARS = 500; // beginning of an answer that is no JSON-RPC

const pathOf = (reference: string, base: string): string | undefined => {
  try {
    const { pathname, search } = new URL(reference, new URL(base, "http://proxy"));
    return pathname + search;
  } catch {
    return undefined;
  }
};

/** Makes the record of what passes a proxy over HTTP; events go to `emit`. `sampler` looks at the server where it is a process of this machine. */
export function createExchanges(
  origin: CallOrigin,
  emit: (draft: Draft) => void,
  sampler: () => Sampler | undefined = () => undefined,
): Reader<Tag> {
  const open = new Map<number, Exchange>();
  /** Answers that are still being decoded. */
  const ending = new Set<Promise<void>>();

  const record = (calls: readonly Call[]): void => {
    for (const call of calls) emit(calledOf(call, origin, sampler()?.since(call.look)));
  };
  const dropped = (where: string, count: number): void => {
    if (count > 0) emit(eventsDropped.of({ subject: origin.server, project: origin.project }, { where, count }));
  };
  let now = 0;
  const scopes = createScopes(({ pairing }) => {
    record(pairing.end(pairing.pending("client"), "unanswered", now));
    record(pairing.end(pairing.pending("server"), "unanswered", now));
  });

  const takeMessage = (exchange: Exchange, from: Side, message: Message, at: number): void => {
    const { scope, opened } = exchange;
    const { protocol, traceparent } = opened;
    const look = message.method === undefined ? undefined : sampler()?.look();
    const told = { protocol, mcp_session: opened.session, look, ...(from === "client" ? { traceparent } : {}) };
    record(scope.pairing.take(from, message, at, told));
    dropped("mcp_pending", scope.pairing.forgotten() - scope.forgotten);
    scope.forgotten = scope.pairing.forgotten();
  };
  const asked = (exchange: Exchange, at: number): void => {
    const line = exchange.request.done();
    const { method, encoding } = exchange.opened;
    if (exchange.torn || method !== "POST" || line.bytes === 0) return;
    if (encoding !== undefined) dropped("mcp_unread", 1);
    else
      for (const message of messagesOf(line)) {
        takeMessage(exchange, "client", message, at);
        const ask = message.id === undefined ? undefined : exchange.scope.pairing.waiting("client", message.id);
        if (message.method !== undefined && ask) exchange.asks.push(ask);
      }
  };
  const takeEvent = (exchange: Exchange, { event, data }: ServerEvent): void => {
    if (event === "endpoint" && exchange.opened.method === "GET") {
      // servers older than streamable HTTP name the address that takes the requests whose answers this stream brings
      const path = pathOf(data.whole?.toString() ?? "", exchange.opened.path);
      if (path === undefined) return;
      exchange.endpoint = `endpoint ${path}`;
      scopes.bind(exchange.endpoint, exchange.scope);
      return;
    }
    for (const message of messagesOf(data)) takeAnswer(exchange, message);
  };
  const takeAnswer = (exchange: Exchange, message: Message): void => {
    if (message.method === undefined && message.id === undefined && message.error) exchange.refusal = message;
    takeMessage(exchange, "server", message, exchange.at);
  };
  const give = (exchange: Exchange, chunk: Uint8Array): void => {
    if (exchange.events) exchange.events.push(chunk, (event) => takeEvent(exchange, event));
    else exchange.body.add(chunk);
  };

  /** What ends the requests of an exchange that its own answer left open; undefined: they may be answered by another one. */
  const endOf = (
    { status, scope, refusal, events, opened }: Exchange,
    { how, error }: Mark & { kind: "closed" },
    text: string,
    bytes: number,
  ): Message | "cancelled" | "unanswered" | undefined => {
    if (how === "aborted" && !(events?.resumable && scope.shared)) return "cancelled";
    if (status === undefined)
      return how === "failed" ? { bytes, error: { code: "unreachable", message: error } } : "unanswered";
    if (status >= 300) return refusal ?? { bytes, error: { code: `http_${status}`, message: text } };
    const elsewhere =
      (events?.resumable && scope.shared) || (status === 202 && scopes.known(`endpoint ${opened.path}`) !== undefined);
    return elsewhere ? undefined : "unanswered";
  };
  const finish = (exchange: Exchange, mark: Mark & { kind: "closed" }, at: number, readable: boolean): void => {
    const { scope, opened, status = 0 } = exchange;
    const line = exchange.body.done();
    if (!exchange.torn) for (const message of messagesOf(line)) takeAnswer(exchange, message);
    const waiting = exchange.asks.filter((ask) => scope.pairing.waiting("client", ask.id) === ask);
    if (waiting.length > 0) {
      if (exchange.torn || !readable) {
        scope.pairing.forget(waiting);
        dropped(exchange.torn ? "mcp_backlog" : "mcp_unread", waiting.length);
      } else {
        const text = (line.whole ?? line.head)
          .subarray(0, TEXT_CHARS * 4)
          .toString()
          .slice(0, TEXT_CHARS);
        const end = endOf(exchange, mark, text, line.bytes);
        if (end !== undefined) record(scope.pairing.end(waiting, end, at));
      }
    }
    now = at;
    if (exchange.endpoint !== undefined) scopes.end(exchange.endpoint);
    const gone = status === 404 || (opened.method === "DELETE" && status >= 200 && status < 300);
    if (gone && opened.session !== undefined) scopes.end(opened.session);
  };
  const answered = (exchange: Exchange, { status, media, encoding, session }: Mark & { kind: "answered" }): void => {
    exchange.status = status;
    if (/^text\/event-stream\b/i.test(media ?? "")) exchange.events = createEventSplitter();
    exchange.decoder = createDecoder(encoding, (chunk) => give(exchange, chunk));
    if (session !== undefined && exchange.opened.session === undefined) scopes.bind(session, exchange.scope);
  };
  const closed = (exchange: Exchange, mark: Mark & { kind: "closed" }, at: number): void => {
    open.delete(mark.n);
    const { decoder, status } = exchange;
    if (status === undefined || exchange.torn || !decoder) {
      finish(exchange, mark, at, status === undefined || exchange.torn);
      return;
    }
    const over = new Promise<void>((resolve) => {
      decoder.end((readable) => {
        finish(exchange, mark, at, readable);
        resolve();
      });
    });
    ending.add(over);
    void over.then(() => ending.delete(over));
  };
  const takeMark = (mark: Mark, at: number): void => {
    if (mark.kind === "opened") {
      const key = mark.session ?? `endpoint ${mark.path}`;
      const scope = mark.session === undefined ? (scopes.known(key) ?? scopes.of(undefined)) : scopes.of(key);
      const [request, body] = [createGatherer(), createGatherer()];
      open.set(mark.n, { opened: mark, scope, request, body, asks: [], torn: false, at });
      return;
    }
    const exchange = open.get(mark.n);
    if (!exchange) return;
    if (mark.kind !== "closed") exchange.at = at;
    if (mark.kind === "asked") asked(exchange, at);
    else if (mark.kind === "answered") answered(exchange, mark);
    else closed(exchange, mark, at);
  };
  return {
    take(tag, chunk, at) {
      if (typeof tag === "object") return takeMark(tag, at);
      const exchange = open.get(Math.abs(tag));
      if (!exchange || exchange.torn) return;
      exchange.at = at;
      if (tag > 0) exchange.request.add(chunk);
      else exchange.decoder?.push(chunk);
    },
    missed(tag, count) {
      if (tag === 0) return dropped("mcp_backlog", count);
      const exchange = open.get(Math.abs(tag as number));
      if (!exchange || exchange.torn) return;
      exchange.torn = true;
      exchange.request.done();
      exchange.body.done();
      if (exchange.asks.length === 0) dropped("mcp_backlog", 1);
    },
    async end(at) {
      now = at;
      for (const exchange of [...open.values()])
        closed(exchange, { kind: "closed", n: exchange.opened.n, how: "ended" }, at);
      await Promise.all(ending);
      scopes.endAll();
    },
  };
}
