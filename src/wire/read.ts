import type { ConsumerMessages, JsMsg } from "@nats-io/jetstream";
import { DeliverPolicy } from "@nats-io/jetstream";
import { LIMITS } from "../base/limits.ts";
import type { Connection } from "./connect.ts";

/** A stored message as readers see it. */
export interface Stored {
  readonly seq: number;
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers: { get(name: string): string } | undefined;
  /** When the broker stored it, in microseconds. */
  readonly stored_us: number;
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

/** Opens a reader of `stream` behind sequence `after`, of `subjects` only where given. */
export function openReader(
  bus: Connection,
  stream: string,
  { after, subjects }: { after: number; subjects?: readonly string[] },
): Reader {
  const queue: Stored[] = [];
  let head = 0;
  let bytes = 0;
  let last = after;
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

  const open = async (): Promise<ConsumerMessages> => {
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
        for await (const message of current) {
          if (closed) return;
          const stored = storedOf(message);
          if (stored.seq <= last) continue; // the same again after a connection came back
          last = stored.seq;
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
        if (bus.nc.isClosed()) {
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

const storedOf = (message: JsMsg): Stored => ({
  seq: message.seq,
  subject: message.subject,
  data: message.data,
  headers: message.headers,
  stored_us: Math.floor(message.info.timestampNanos / 1_000),
});
