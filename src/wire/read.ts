import { WeirError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import type { Connection } from "./connect.ts";
import { openPull, type Pull, type Stored } from "./pull.ts";
import { checkSame, streamIdentity } from "./streams.ts";

export type { Headers, Stored } from "./pull.ts";

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
  /** Ends a gathering at once. */
  hurry(): void;
  /** Messages waiting, and their bytes. */
  readonly waiting: number;
  readonly bytes: number;
  close(): Promise<void>;
}

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
  let current: Pull | undefined;
  let wake: (() => void) | undefined;
  let gathered: { readonly bytes: number; readonly done: () => void } | undefined;
  const signal = (): void => {
    wake?.();
    wake = undefined;
    if (gathered && (closed || bytes >= gathered.bytes)) gathered.done();
  };

  let making = created;
  const open = async (): Promise<Pull> => {
    if (reopened) await checkSame(bus.jsm, stream, { created: making, last: { seq: last, stored_us: last_us } });
    else making ??= (await streamIdentity(bus.jsm, stream)).created;
    reopened = true;
    return openPull(bus, stream, {
      after: last,
      subjects,
      hasRoom: () => bytes <= LIMITS.reader_bytes_max,
      take(message) {
        if (message.seq <= last) return; // the same again after a connection came back
        last = message.seq;
        last_us = message.stored_us;
        bytes += message.data.length;
        queue.push(message);
        signal();
      },
    });
  };

  const pump = async (): Promise<void> => {
    while (!closed) {
      try {
        current = await open();
        if (closed) return current.stop();
        await current.ended;
      } catch (error) {
        if (closed) return;
        if (bus.nc.isClosed() || (error instanceof WeirError && error.code === "stream_changed")) {
          failure = error;
          closed = true;
          signal();
          return;
        }
      }
      if (!closed) await new Promise((resolve) => setTimeout(resolve, LIMITS.broker_reconnect_ms).unref());
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
    hurry: () => gathered?.done(),
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
      current?.more();
      return message;
    },
    get waiting() {
      return queue.length - head;
    },
    get bytes() {
      return bytes;
    },
    async close() {
      closed = true;
      signal();
      current?.stop();
    },
  };
}
