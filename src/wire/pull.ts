import { AckPolicy, DeliverPolicy } from "@nats-io/jetstream";
import { createInbox, type Msg, nanos } from "@nats-io/transport-node";
import { LIMITS } from "../base/limits.ts";
import type { Connection } from "./connect.ts";

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

/** A consumer of a stream and the requests that keep its messages coming. */
export interface Pull {
  /** There is room for more messages. */
  more(): void;
  /** Resolves when nothing comes any more: it was stopped, the consumer is gone, a message is missing, the broker is silent. */
  readonly ended: Promise<void>;
  stop(): void;
}

/** Largest answer to one request: a message of any size fits. */
const REQUEST_BYTES = LIMITS.broker_payload_bytes_max + 65_536;

/**
 * Makes a consumer of `stream` behind sequence `after`, of `subjects` only where given, and hands its messages to `take` in their order as long as
 * `hasRoom`. One request is out at a time and asks for many messages: the client's own loop asks anew after every few, which costs
 * broker and client more than small messages themselves (docs/decisions/0067). The protocol is that of JetStream's pull consumers (NATS ADR-13, ADR-37).
 */
export async function openPull(
  bus: Connection,
  stream: string,
  options: {
    readonly after: number;
    readonly subjects?: readonly string[] | undefined;
    readonly hasRoom: () => boolean;
    readonly take: (message: Stored) => void;
  },
): Promise<Pull> {
  const { after, subjects, hasRoom, take } = options;
  const { name } = await bus.jsm.consumers.add(stream, {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: after + 1,
    ...(subjects ? { filter_subjects: [...subjects] } : {}),
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: nanos(LIMITS.reader_gone_ms),
  });
  const inbox = createInbox(bus.inboxPrefix);
  const next = `${bus.js.apiPrefix}.CONSUMER.MSG.NEXT.${stream}.${name}`;
  let end!: () => void;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  let over = false;
  /** Messages that the open request still brings; 0 while none is open. */
  let asked = 0;
  let brought = 0;
  let delivered = 0;
  let heard = performance.now();

  const stop = (): void => {
    if (over) return;
    over = true;
    clearInterval(listening);
    subscription.unsubscribe();
    end();
  };
  const ask = (bounds: { batch: number; max_bytes?: number }): void => {
    asked = bounds.batch;
    brought = 0;
    heard = performance.now();
    const times = {
      expires: nanos(LIMITS.reader_request_ms),
      idle_heartbeat: nanos(LIMITS.reader_beat_ms),
    };
    bus.nc.publish(next, JSON.stringify({ ...bounds, ...times }), { reply: inbox });
  };
  const more = (): void => {
    if (!over && asked === 0 && hasRoom()) ask({ batch: LIMITS.reader_messages_max, max_bytes: REQUEST_BYTES });
  };
  const told = (code: number, description: string): void => {
    // that it lives, and that a request is done, whose messages were counted
    if (code === 100 || /batch completed/i.test(description)) return;
    const full = code === 409 && /max ?bytes/i.test(description);
    if (!full && code !== 404 && code !== 408) stop();
    else if (full && brought === 0)
      ask({ batch: 1 }); // one message that is larger than any of weir's is taken alone
    else {
      asked = 0;
      more();
    }
  };
  const subscription = bus.nc.subscribe(inbox, {
    callback(error, message) {
      if (over) return;
      if (error) return stop();
      heard = performance.now();
      if (message.subject === inbox) return told(message.headers?.code ?? 0, message.headers?.description ?? "");
      const { delivery, stored } = storedOf(message);
      if (delivery !== ++delivered) return stop(); // one was lost on the way
      brought++;
      asked--;
      take(stored);
      if (asked === 0) more();
    },
  });
  const listening = setInterval(() => {
    if (asked > 0 && performance.now() - heard > 2 * LIMITS.reader_beat_ms) stop();
  }, LIMITS.reader_beat_ms).unref();
  more();
  return { more, ended, stop };
}

/** What the subject of a reply tells of the message: `$JS.ACK.<stream>.<consumer>.<tries>.<sequence>.<delivery>.<time in ns>.<pending>`. */
function storedOf(message: Msg): { readonly delivery: number; readonly stored: Stored } {
  const tokens = message.reply!.split(".");
  const at = tokens.length === 9 ? 5 : 7; // with a domain and an account, two more stand in front
  const [seq, delivery, nanoseconds, pending] = tokens.slice(at, at + 4).map(Number);
  const stored = {
    seq: seq!,
    subject: message.subject,
    data: message.data,
    get headers() {
      return message.headers; // read when somebody asks
    },
    stored_us: Math.floor(nanoseconds! / 1_000),
    pending: pending!,
  };
  return { delivery: delivery!, stored };
}
