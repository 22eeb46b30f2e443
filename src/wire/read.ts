import type { ConsumerMessages, JsMsg } from "@nats-io/jetstream";
import { DeliverPolicy } from "@nats-io/jetstream";
import { WeirError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import type { Connection } from "./connect.ts";
import { checkSame, streamIdentity } from "./streams.ts";

/** Headers of a message: one by its name, "" where it is missing, or all with their values. */
export interface Headers extends Iterable<[string, string[]]> {
  get(name: string): string;
}

/** A stored message as readers see it. */
export interface Stored {
  readonly seq: number;
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers: Headers | undefined;
  /** When the broker stored it, in microseconds. */
  readonly stored_us: number;
  /** Messages behind it that the reader is to read, when the broker handed it out. */
  readonly pending: number;
}

/** Reads a stream in order from a sequence on, for ever, across broken connections. What waits in memory is bounded. */
export interface Reader {
  /** Resolves when a message waits; false when the reader was closed. */
  ready(): Promise<boolean>;
  /** The next message without taking it. */
  peek(): Stored | undefined;
  /** Takes the next message. */
  shift(): Stored | undefined;
  /** Resolves when that many bytes wait, when the time is over, or when the reader was closed. */
  gather(ms: number, bytes: number): Promise<void>;
  /** Messages waiting. */
  readonly waiting: number;
  close(): Promise<void>;
}

/** What the client tells when a consumer is gone; whether the stream is still the same is looked at before another one is made. */
const TROUBLE: ReadonlySet<string> = new Set([
  "heartbeats_missed",
  "consumer_not_found",
  "consumer_deleted",
  "stream_not_found",
  "ordered_consumer_recreated",
]);

/**
 * Opens a reader of `stream` behind sequence `after`, of `subjects` only where given. With `created`, the making of the stream, `ready` throws
 * `stream_changed` when the stream was replaced, removed or cut behind the reader's back.
 */
export function openReader(
  bus: Connection,
  stream: string,
  { after, subjects, created }: { after: number; subjects?: readonly string[]; created?: string },
): Reader {
  const queue: Stored[] = [];
  let head = 0;
  let bytes = 0;
  let last = after;
  let last_us: number | undefined;
  let reopened = false;
  let closed = false;
  let failure: unknown;
  let current: ConsumerMessages | undefined;
  let wake: (() => void) | undefined;
  let gathered: { readonly bytes: number; readonly done: () => void } | undefined;
  let room: (() => void) | undefined;
  const signal = (): void => {
    wake?.();
    wake = undefined;
    if (gathered && (closed || bytes >= gathered.bytes)) gathered.done();
  };

  let making = created;
  const open = async (): Promise<ConsumerMessages> => {
    if (reopened) await checkSame(bus.jsm, stream, { created: making, last: { seq: last, stored_us: last_us } });
    else making ??= (await streamIdentity(bus.jsm, stream)).created;
    reopened = true;
    const consumer = await bus.js.consumers.get(stream, {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: last + 1,
      ...(subjects ? { filter_subjects: [...subjects] } : {}),
    });
    // Counted in messages: where a request counts bytes, one that ends at a message too large for its rest, or at its count, may make the client
    // ask for no more until it has missed heartbeats, up to a minute later.
    return consumer.consume({ max_messages: LIMITS.reader_messages_max, idle_heartbeat: 5_000 });
  };

  const pump = async (): Promise<void> => {
    while (!closed) {
      try {
        current = await open();
        if (closed) return current.stop();
        void stopInTrouble(current);
        for await (const message of current) {
          if (closed) return;
          const stored = storedOf(message);
          if (stored.seq <= last) continue; // the same again after a connection came back
          last = stored.seq;
          last_us = stored.stored_us;
          bytes += stored.data.length;
          queue.push(stored);
          signal();
          while (bytes > LIMITS.reader_bytes_max && !closed) {
            await new Promise<void>((resolve) => {
              room = resolve;
            });
          }
        }
      } catch (error) {
        if (closed) return;
        if (bus.nc.isClosed() || (error instanceof WeirError && error.code === "stream_changed")) {
          failure = error;
          closed = true;
          signal();
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, LIMITS.broker_reconnect_ms).unref());
      }
    }
  };
  // a broker that was restarted knows nothing of the consumer: do not wait for missed heartbeats
  const watch = async (): Promise<void> => {
    for await (const status of bus.nc.status()) {
      if (closed) return;
      if (status.type === "reconnect") current?.stop();
    }
  };
  void pump();
  void watch();

  return {
    async ready() {
      while (head >= queue.length && !closed) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (failure !== undefined) throw failure;
      return head < queue.length;
    },
    async gather(ms, enough) {
      if (ms <= 0 || closed || bytes >= enough) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        gathered = {
          bytes: enough,
          done: () => {
            clearTimeout(timer);
            resolve();
          },
        };
      });
      gathered = undefined;
    },
    peek: () => queue[head],
    shift() {
      const message = queue[head];
      if (!message) return undefined;
      head++;
      bytes -= message.data.length;
      if (head > 256 || head === queue.length) {
        queue.splice(0, head);
        head = 0;
      }
      if (bytes <= LIMITS.reader_bytes_max) {
        room?.();
        room = undefined;
      }
      return message;
    },
    get waiting() {
      return queue.length - head;
    },
    async close() {
      closed = true;
      signal();
      room?.();
      current?.stop();
    },
  };
}

async function stopInTrouble(messages: ConsumerMessages): Promise<void> {
  for await (const { type } of messages.status()) if (TROUBLE.has(type)) messages.stop();
}

const storedOf = (message: JsMsg): Stored => ({
  seq: message.seq,
  subject: message.subject,
  data: message.data,
  headers: message.headers,
  stored_us: Math.floor(message.info.timestampNanos / 1_000),
  pending: message.info.pending,
});
