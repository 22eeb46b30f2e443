import { clock } from "../base/clock.ts";
import { WeirError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import type { Draft } from "../define/event.ts";
import { eventsDropped } from "../events/flow.ts";
import type { Connection } from "../wire/connect.ts";
import { partitionOf } from "../wire/subjects.ts";
import type { Emitter, EmitterOptions } from "./emitter.ts";
import { eventOf, fitting, frameOf, sizeOf, type Unnumbered } from "./frames.ts";
import { createLosses } from "./losses.ts";
import { type Awaited, Receipt, receiptsOf, settle } from "./receipt.ts";
import { createSend } from "./send.ts";
import { soon } from "./soon.ts";
import { openSpool, type Spool } from "./spool.ts";

/** Events after which an emit gives other work of the process a turn. */
const TURN_EVENTS = 1_000;
/** Frames of the spool that are on their way at once. */
const DRAIN_FRAMES = 64;

const isTooLarge = (error: unknown): boolean => error instanceof WeirError && error.code === "limit_reached";

/** One frame on its way: taken from the buffer, not yet acknowledged or spooled. */
interface Lane {
  /** Number of the last event framed. */
  n: number;
  readonly producer: string;
}

/**
 * Makes a producer's sink. Events wait in a bounded buffer, are numbered without gaps in the order they came, and leave in frames: at once while
 * nothing is on its way, together with what came meanwhile otherwise. Where the broker is away or refuses, frames go to the spool, and
 * everything after them too until the spool is sent, so that order is kept.
 */
export function createEmitter(options: EmitterOptions): Emitter {
  const { log, partitions } = options;
  const epoch = clock.nowMs();
  const frameMax = Math.min(options.frameEventsMax ?? LIMITS.frame_events_max, LIMITS.frame_events_max);
  const lanes: Lane[] = Array.from({ length: partitions }, (_, p) => ({
    n: 0,
    producer: p === 0 ? options.producer : `${options.producer}.${p}`,
  }));
  let buffer: Unnumbered[] = [];
  let sizes: number[] = [];
  let bytes = 0;
  let flying = 0;
  let flyingEvents = 0;
  let emitted = 0;
  let published = 0;
  let dropped = 0;
  const losses = createLosses();
  /** Frames that found no room in the spool, where the producer chose to wait for it. */
  let held: Awaited[] = [];
  let spool: Spool | undefined;
  let spooledSince = 0;
  let draining: Promise<void> | undefined;
  const room: { readonly events: readonly Unnumbered[]; readonly resolve: () => void }[] = [];
  let settled: (() => void)[] = [];
  let closed = false;
  let closing = false;
  const spoolOf = (): Spool => {
    spool ??= openSpool(options.spoolFolder, options.spoolBytesMax);
    return spool;
  };

  const hasRoom = (): boolean => buffer.length < LIMITS.buffer_events_max && bytes < LIMITS.buffer_bytes_max;

  /** Counts events that are given up, by the numbering they belong to where they have numbers. */
  const giveUp = (where: string, count: number, item?: Awaited): void => {
    dropped += count;
    for (const receipt of item?.receipts?.keys() ?? []) receipt.fail(where);
    losses.add(where, count, item);
  };

  const notify = (): void => {
    if (losses.size > 0 && !closing && options.bus() && !(spool && spool.events > 0) && held.length === 0 && hasRoom())
      tellLosses();
    while (room.length > 0 && hasRoom()) {
      const { events, resolve } = room.shift()!;
      for (const event of events) put(event);
      resolve();
    }
    if (buffer.length === 0 && flying === 0 && held.length === 0 && settled.length > 0) {
      const waiting = settled;
      settled = [];
      for (const resolve of waiting) resolve();
    }
  };

  /** Takes the next frames' worth of events out of the buffer, one frame a partition. */
  const nextFrames = (): Awaited[] => {
    const take = Math.min(fitting(sizes, 0, sizes.length), frameMax);
    const events = buffer.slice(0, take);
    for (let i = 0; i < take; i++) bytes -= sizes[i]!;
    buffer = buffer.slice(take);
    sizes = sizes.slice(take);
    const parts = new Map<number, Unnumbered[]>();
    for (const event of events) {
      const p = partitions === 1 ? 0 : partitionOf(event.session ?? event.source, partitions);
      const list = parts.get(p);
      if (list) list.push(event);
      else parts.set(p, [event]);
    }
    return [...parts].flatMap(([partition, list]) => {
      const lane = lanes[partition]!;
      for (const event of list) {
        event.producer = lane.producer;
        event.epoch = epoch;
        event.n = ++lane.n;
      }
      return framesOf(partition, list);
    });
  };

  /** One frame; where something in it has no form on the wire, the others in frames of their own. */
  const framesOf = (partition: number, list: readonly Unnumbered[]): Awaited[] => {
    const item = {
      partition,
      id: `${lanes[partition]!.producer}.${epoch}.${list[0]!.n}`,
      count: list.length,
      receipts: receiptsOf(list),
    };
    try {
      const frame = frameOf(list, options.guard);
      traced(frame, list);
      return [{ ...item, frame }];
    } catch (error) {
      if (list.length > 1) return list.flatMap((event) => framesOf(partition, [event]));
      log.error({ err: error }, "an event was given up: it has no form on the wire");
      giveUp("not_encodable", 1, { ...item, frame: new Uint8Array() });
      return [];
    }
  };

  const toSpool = (frames: readonly Awaited[]): void => {
    if (frames.length === 0) return;
    if (held.length > 0) {
      held.push(...frames);
      return;
    }
    const count = frames.reduce((sum, f) => sum + f.count, 0);
    try {
      spoolOf().append(frames);
      spooledSince += count;
      for (const item of frames) settle(item);
    } catch (error) {
      if (frames.length > 1) {
        for (const item of frames) toSpool([item]); // as many as there is room for
        return;
      }
      if (options.whenFull === "wait" && !closing) {
        held.push(...frames);
        return;
      }
      for (const item of frames) giveUp("spool_full", item.count, item);
      log.error({ err: error, count }, "events were given up: the spool takes nothing more");
    }
  };

  /** Tries held frames again: into the spool where there is room by now, or straight to the broker when nothing waits before them. */
  const retryHeld = (): void => {
    const bus = options.bus();
    const waiting = held;
    held = [];
    for (const [k, item] of waiting.entries()) {
      if (bus && !(spool && spool.events > 0) && flying < LIMITS.publish_pending_max) fly(bus, item);
      else toSpool([item]);
      if (held.length > 0) {
        held.push(...waiting.slice(k + 1));
        return;
      }
    }
  };

  const { send, traced } = createSend();

  /** How to give up each frame that is on its way, oldest first. */
  const flights = new Set<(error: WeirError) => void>();
  const deliver = (bus: Connection, item: Awaited): Promise<unknown> =>
    new Promise((resolve, reject) => {
      flights.add(reject);
      send(bus, item)
        .finally(() => flights.delete(reject))
        .then(resolve, reject);
    });

  const fly = (bus: Connection, item: Awaited): void => {
    flying++;
    flyingEvents += item.count;
    deliver(bus, item)
      .then(
        () => {
          published += item.count;
          crowded = (item.receipts?.size ?? 0) > 1;
          settle(item);
        },
        (error: unknown) => {
          if (isTooLarge(error)) return giveUp("frame_too_large", item.count, item);
          log.debug({ err: error }, "a frame goes to the spool");
          toSpool([item]);
        },
      )
      .finally(() => {
        flying--;
        flyingEvents -= item.count;
        if (spool && spool.events > 0) drain();
        pump();
      });
  };

  const pump = (): void => {
    if (held.length > 0) retryHeld();
    for (;;) {
      if (buffer.length === 0 || held.length > 0) break;
      const bus = options.bus();
      if (!bus && options.undecided?.()) break;
      if (!bus || (spool && spool.events > 0)) {
        // what comes meanwhile waits a moment for company, so that one durable write and one frame take more of it
        if (buffer.length < frameMax && hasRoom() && settled.length === 0 && !closing) {
          if (bus) drain();
          else spoolSoon();
          if (bus || !spoolDue) break;
        }
        spoolDue = false;
        // behind what waits on disk already; one durable write takes all that is here
        const frames: Awaited[] = [];
        while (buffer.length > 0 && frames.length < 64) frames.push(...nextFrames());
        toSpool(frames);
        if (bus) drain();
        continue;
      }
      // while frames fly, small ones wait for company
      if (flying >= LIMITS.publish_pending_max || (flying > 0 && buffer.length < frameMax)) break;
      if (crowded && !sendDue && buffer.length < frameMax && settled.length === 0) {
        sendSoon();
        break;
      }
      sendDue = false;
      for (const item of nextFrames()) fly(bus, item);
    }
    notify();
  };

  let spoolDue = false;
  /** While the broker is away, what came is written to the spool together after a moment. */
  const spoolSoon = soon(LIMITS.spool_gather_ms, () => {
    spoolDue = true;
    pump();
  });
  /** The last frame answered many at once, who are likely to come back together: the next one waits a moment for them. */
  let crowded = false;
  let sendDue = false;
  const sendSoon = soon(LIMITS.publish_gather_ms, () => {
    sendDue = true;
    pump();
  });

  /** Sends what is spooled, oldest first. */
  const drain = (): void => {
    if (draining || closed) return;
    draining = (async () => {
      let pause = 100;
      while (!closed && spool && spool.events > 0) {
        const bus = options.bus();
        if (!bus) return;
        // one after the other on the wire, without waiting for each acknowledgement: the broker stores them in this order
        const run = spool.peekRun(DRAIN_FRAMES);
        if (run.length === 0) return;
        const results = await Promise.allSettled(run.map((item) => deliver(bus, item)));
        const bad = results.findIndex((r) => r.status === "rejected");
        const good = bad < 0 ? run.length : bad;
        for (const item of run.slice(0, good)) published += item.count;
        if (good > 0) spool.taken(good);
        if (bad < 0) {
          pause = 100;
          continue;
        }
        const error: unknown = (results[bad] as PromiseRejectedResult).reason;
        if (isTooLarge(error)) {
          // it would stand in the way of all others for ever
          giveUp("frame_too_large", run[bad]!.count, run[bad]!);
          spool.taken();
          continue;
        }
        // those behind it may have arrived: they are sent again, and recognised by their ids
        log.debug({ err: error }, "the spool waits for the broker");
        await new Promise((resolve) => setTimeout(resolve, pause).unref());
        pause = Math.min(pause * 2, 5_000);
      }
    })().finally(() => {
      draining = undefined;
      pump();
    });
  };

  /** A drop is a fact: it is told as an event as soon as there is somebody to tell. */
  const tellLosses = (): void => {
    for (const { where, count, first, last } of losses.take())
      put(eventOf(eventsDropped.of({}, { where, count, first_n: first, last_n: last }), options, false));
  };

  const put = (event: Unnumbered): void => {
    const size = sizeOf(event);
    buffer.push(event);
    sizes.push(size);
    bytes += size;
    emitted++;
    if (!scheduled) {
      scheduled = true;
      queueMicrotask(() => {
        scheduled = false;
        pump();
      });
    }
  };
  let scheduled = false;
  let sinceTurn = 0;
  const DONE = Promise.resolve();

  /** The event of a draft as it may be kept. Where only secrets are to be taken out, that is done for a whole frame at once. */
  const made = (draft: Draft, check: boolean): Unnumbered => {
    const event = eventOf(draft, options, check);
    return options.guard.idle() ? event : options.guard.protect(event);
  };

  const take = (draft: Draft, check: boolean): Promise<void> => {
    if (closed)
      return Promise.reject(new WeirError("internal", "the producer is closed", { hint: "emit before close" }));
    let event: Unnumbered;
    try {
      event = made(draft, check);
    } catch (error) {
      return Promise.reject(error);
    }
    if (room.length > 0 || !hasRoom()) {
      if (options.whenFull === "drop") {
        giveUp("buffer_full", 1);
        return DONE;
      }
      return new Promise<void>((resolve) => room.push({ events: [event], resolve }));
    }
    put(event);
    // a caller that does nothing but emit must not keep the connection from its turn
    if (++sinceTurn < TURN_EVENTS) return DONE;
    sinceTurn = 0;
    return new Promise((resolve) => setImmediate(resolve));
  };

  const takeDurably = async (drafts: readonly Draft[]): Promise<void> => {
    if (closed) throw new WeirError("internal", "the producer is closed", { hint: "emit before close" });
    const receipt = new Receipt(drafts.length);
    const events = drafts.map((draft) => made(draft, false));
    for (const event of events) receipt.mark(event);
    if (room.length > 0 || !hasRoom()) await new Promise<void>((resolve) => room.push({ events, resolve }));
    else for (const event of events) put(event);
    return receipt.durable;
  };

  return {
    emit: (draft) => take(draft, options.check),
    emitUnchecked: (draft) => take(draft, false),
    emitDurably: takeDurably,
    async flush() {
      const before = { published, spooled: spooledSince };
      if (buffer.length > 0 || flying > 0 || held.length > 0 || scheduled) {
        await new Promise<void>((resolve) => {
          settled.push(resolve);
          pump();
        });
      }
      return { published: published - before.published, spooled: spooledSince - before.spooled };
    },
    stats: () => ({
      emitted,
      published,
      buffered: buffer.length + flyingEvents + held.reduce((sum, f) => sum + f.count, 0),
      spooled: spool?.events ?? 0,
      dropped,
    }),
    cut() {
      for (const giveUpOn of [...flights])
        giveUpOn(new WeirError("broker_unreachable", "the connection to the broker broke"));
    },
    wake() {
      if (spool && spool.events > 0) drain();
      pump();
    },
    async close() {
      closing = true; // what finds no room now is given up: nobody waits any more
      if (losses.size > 0) tellLosses();
      await this.flush();
      closed = true;
      await draining;
      spool?.close();
    },
  };
}
