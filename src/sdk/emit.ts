import { existsSync } from "node:fs";
import { clock } from "../base/clock.ts";
import { WeirError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import { soon } from "../base/wait.ts";
import type { Draft } from "../define/event.ts";
import { eventsDropped } from "../events/flow.ts";
import type { Connection } from "../wire/connect.ts";
import { partitionOf } from "../wire/subjects.ts";
import { createDrain, isTooLarge } from "./drain.ts";
import type { Emitter, EmitterOptions } from "./emitter.ts";
import { eventOf, fitting, frameOf, sizeOf, type Unnumbered } from "./frames.ts";
import { createLosses } from "./losses.ts";
import { type Awaited, Receipt, receiptsOf, settle } from "./receipt.ts";
import { createRoom } from "./room.ts";
import { createSend } from "./send.ts";
import { openSpool, type Spool } from "./spool.ts";

/** Events after which an emit gives other work of the process a turn. */
const TURN_EVENTS = 1_000;

/** One frame on its way: taken from the buffer, not yet acknowledged or spooled. */
interface Lane {
  /** Number of the last event framed. */
  n: number;
  readonly producer: string;
}

/**
 * How long the next small frame waits for company after this one: those who wait for an answer and came together are likely to come back together, and
 * who sent several events without waiting is likely to send more.
 */
function companyOf({ count, receipts }: Awaited): number {
  const waiting = receipts?.size ?? 0;
  if (waiting > 0) return waiting > 1 ? LIMITS.publish_gather_ms : 0;
  return count > 1 ? LIMITS.publish_company_ms : 0;
}

/**
 * Makes a producer's sink. Events wait in a bounded buffer, are numbered without gaps in the order they came, and leave in frames: at once while
 * nothing is on its way, together with what came meanwhile otherwise. Where the broker is away or refuses, frames go to the spool, and
 * everything after them too until the spool is sent, so that order is kept. In profile fast all frames go by the spool, see drain.ts.
 */
export function createEmitter(options: EmitterOptions): Emitter {
  const { log, partitions, keep = () => false } = options;
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
  const open = (): Spool => openSpool(options.spoolFolder, options.spoolBytesMax);
  let spool = existsSync(options.spoolFolder) ? open() : undefined;
  let spooledSince = 0;
  const room = createRoom();
  let settled: (() => void)[] = [];
  let closed = false;
  let closing = false;
  const spoolOf = (): Spool => (spool ??= open());

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
    room.admit(hasRoom, put);
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

  const toSpool = (given: readonly Awaited[]): void => {
    const frames = given.filter((item) => {
      // nobody will ever take it, and what is kept would send it again and again
      const tooLarge = item.frame.length > LIMITS.broker_payload_bytes_max;
      if (tooLarge) giveUp("frame_too_large", item.count, item);
      return !tooLarge;
    });
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
      if (bus && !keep() && !(spool && spool.events > 0) && flying < LIMITS.publish_pending_max) fly(bus, item);
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
  const deliver = (bus: Connection, item: Awaited): Promise<{ duplicate: boolean }> =>
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
          company_ms = companyOf(item);
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
        drain.start();
        pump();
      });
  };

  const pump = (): void => {
    if (held.length > 0) retryHeld();
    for (;;) {
      if (buffer.length === 0 || held.length > 0) break;
      const bus = options.bus();
      if (!bus && options.undecided?.()) break;
      if (!bus || keep() || (spool && spool.events > 0)) {
        // what comes meanwhile waits a moment for company, so that one durable write and one frame take more of it
        const gather = !bus || (spool?.events ?? 0) > 0;
        if (gather && buffer.length < frameMax && hasRoom() && settled.length === 0 && !closing) {
          if (bus) drain.start();
          else spoolSoon.in(LIMITS.spool_gather_ms);
          if (bus || !spoolDue) break;
        }
        spoolDue = false;
        // behind what waits on disk already; one durable write takes all that is here
        const frames: Awaited[] = [];
        while (buffer.length > 0 && frames.length < 64) frames.push(...nextFrames());
        toSpool(frames);
        if (bus) drain.start();
        continue;
      }
      // while frames fly, small ones wait for company
      const company = buffer.length < frameMax && !enough;
      if (flying >= LIMITS.publish_pending_max || (flying > 0 && company)) break;
      if (company_ms > 0 && !sendDue && company && settled.length === 0) {
        sendSoon.in(company_ms);
        break;
      }
      sendDue = false;
      for (const item of nextFrames()) fly(bus, item);
      if (buffer.length === 0) enough = false;
    }
    notify();
  };

  let spoolDue = false;
  /** While the broker is away, what came is written to the spool together after a moment. */
  const spoolSoon = soon(() => {
    spoolDue = true;
    pump();
  });
  /** How long the next small frame waits for company: the last one had some, so that more is likely to come. */
  let company_ms = 0;
  /** Many events came at once with somebody who waits for them. */
  let enough = false;
  let sendDue = false;
  const sendSoon = soon(() => {
    sendDue = true;
    pump();
  });

  const drain = createDrain({
    spool: () => spool,
    bus: options.bus,
    keep,
    ending: () => closing,
    send: deliver,
    onSent: (events) => {
      published += events;
    },
    onTooLarge: (item) => giveUp("frame_too_large", item.count, item),
    onEnd: pump,
    log,
  });

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
    if (room.waiting > 0 || !hasRoom()) {
      if (options.whenFull === "drop") {
        giveUp("buffer_full", 1);
        return DONE;
      }
      return room.wait([event]);
    }
    put(event);
    // a caller that does nothing but emit must not keep the connection from its turn
    if (++sinceTurn < TURN_EVENTS) return DONE;
    sinceTurn = 0;
    return new Promise((resolve) => setImmediate(resolve));
  };

  const takeDurably = async (drafts: readonly Draft[]): Promise<void> => {
    if (closed) throw new WeirError("internal", "the producer is closed", { hint: "emit before close" });
    if (held.length > 0)
      throw new WeirError("spool_full", "the broker is away and the spool takes nothing more", {
        hint: "send them again later",
      });
    if (room.bytes > LIMITS.room_bytes_max)
      throw new WeirError("limit_reached", "more events wait than can be taken", { hint: "send them again later" });
    const receipt = new Receipt(drafts.length);
    const events = drafts.map((draft) => made(draft, false));
    for (const event of events) receipt.mark(event);
    if (room.waiting > 0 || !hasRoom()) await room.wait(events);
    else for (const event of events) put(event);
    if (events.length >= LIMITS.publish_alone_events) enough = true;
    company_ms = Math.min(company_ms, LIMITS.publish_gather_ms);
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
      drain.again();
      pump();
    },
    async close() {
      closing = true; // what finds no room now is given up: nobody waits any more
      if (losses.size > 0) tellLosses();
      await this.flush();
      if (keep() && options.bus()) {
        drain.start();
        await drain.idle(); // what is on the disk is safe; it should also be seen
      }
      closed = true;
      drain.close();
      await drain.idle();
      spool?.close();
    },
  };
}
