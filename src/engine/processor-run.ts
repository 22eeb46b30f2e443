import { WeirError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import { type Processing, processSpan } from "../base/telemetry.ts";
import { soon } from "../base/wait.ts";
import type { Event } from "../define/event.ts";
import type { Processor } from "../define/processor.ts";
import type { Connection } from "../wire/connect.ts";
import type { Changes, Passed } from "../wire/encode.ts";
import { type Frame, readFrame } from "../wire/frame.ts";
import { HEADERS, lastFrame, NO_TOTALS, publishFrame, type Totals } from "../wire/publish.ts";
import type { Reader, Stored } from "../wire/read.ts";
import { purgeUpTo } from "../wire/streams.ts";
import { eventsSubject } from "../wire/subjects.ts";
import type { Archive } from "./archive/archive.ts";
import { placeText } from "./input-place.ts";
import { keptOf, outputs } from "./outputs.ts";
import { rejectedFrame } from "./rejected-frame.ts";
import { readerOf, type Ways } from "./resume.ts";
import { saveSnapshot } from "./snapshot.ts";
import { type Stepped, stepFrame } from "./step.ts";
import { tellUnreadable } from "./tell-unreadable.ts";

/** A runner seen from outside. */
export interface ProcessorStatus {
  readonly name: string;
  readonly partition: number;
  /** Last input sequence whose effect is published, and events taken in since the runner started. */
  input: number;
  events: number;
  state: "starting" | "running" | "standing by" | "stopped";
  /** Messages of the input behind the last one taken. */
  behind: number;
  /** Why it starts over again and again. */
  trouble?: string | undefined;
  /** What somebody should know of its input, though it goes on. */
  notice?: string | undefined;
  /** The instance that works on the partition, for people; undefined while none does. */
  holder?: string;
}

export interface ProcessorOptions {
  readonly name: string;
  readonly processor: Processor;
  readonly partition: number;
  readonly bus: Connection;
  /** Where the older part of the log is. */
  readonly archive?: Archive | undefined;
  /** Folder of the snapshots. */
  readonly snapshots: string;
  /** Snapshots of another version are not used. */
  readonly version: string;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly status: ProcessorStatus;
}

/** One life of a runner: its state, its place in the input, and the output on its way. */
export class ProcessorRun {
  /** Input position of the last output: what lies before it must not be published again. */
  input: number;
  /** Input position the state has seen. */
  position = 0;
  private state: unknown;
  private totals: Totals;
  private outSeq: number;
  private written: number;
  private pending: Promise<void> | undefined;
  private failed: unknown;
  private sinceSave = 0;
  private readonly options: ProcessorOptions;
  private readonly ways: Ways;
  private readonly of: { readonly of: string; readonly created: string };
  private readonly unreadable: ReturnType<typeof tellUnreadable>;
  /** The place of {@link position}, and of the last output. */
  private place: string | undefined;
  private publishedPlace: string | undefined;

  constructor(
    options: ProcessorOptions,
    ways: Ways,
    of: ProcessorRun["of"],
    last: Awaited<ReturnType<typeof lastFrame>>,
  ) {
    this.options = options;
    this.ways = ways;
    this.of = of;
    this.unreadable = tellUnreadable(options.log, ways.inStream, LIMITS.unreadable_told_ms);
    this.input = last?.input ?? 0;
    this.publishedPlace = last?.place;
    this.totals = last?.totals ?? NO_TOTALS;
    this.publishedTotals = this.totals;
    this.outSeq = last?.seq ?? 0;
    this.written = last?.written ?? 0;
    this.state = options.processor.start();
  }

  /** Input position and sequence of the last output. */
  get done(): { readonly input: number; readonly output: number } {
    return { input: this.input, output: this.outSeq };
  }

  takeState(state: unknown, position: number): void {
    this.state = state;
    this.position = position;
  }

  /** Goes on from the beginning of an input that is not the one of before, with the state of what was passed on. */
  async startOver(totals: Totals): Promise<void> {
    await this.rebuildState();
    this.input = 0;
    this.position = 0;
    this.publishedPlace = undefined;
    this.totals = totals;
    this.publishedTotals = totals;
  }

  /**
   * Makes the state again where no snapshot is. A processor of events steps through the log from its beginning. One that passes events on
   * steps through what it and the later stage passed on already, because its input is trimmed once it was passed on.
   */
  async rebuildState(): Promise<void> {
    const { processor, bus, partition, log, name } = this.options;
    if (!processor.passes) return; // its input is the log: following it from the start, without publishing, does the same
    if (this.outSeq === 0) return;
    log.info({ processor: name }, "state is made again from the log");
    const subject = eventsSubject("enrich", partition);
    // the later stage may go on meanwhile, and trim what was still to be read: then that is in the log. What is seen twice changes nothing
    for (let seen: number | undefined; ; ) {
      const enriched = await lastFrame(bus, "WEIR_EVENTS", subject);
      const end = enriched?.seq ?? 0;
      if (end === seen) break;
      await this.stepThrough("WEIR_EVENTS", subject, seen ?? 0, end);
      if (processor.reads === "in")
        await this.stepThrough("WEIR_VALID", this.ways.outSubject, enriched?.input ?? 0, this.outSeq);
      seen = end;
    }
    this.position = this.input;
  }

  private async stepThrough(stream: string, subject: string, after: number, until: number): Promise<void> {
    if (until <= after) return;
    const { processor, name } = this.options;
    const { signal } = this.options;
    const reader = readerOf(this.options, stream, { after, subjects: [subject] });
    const stop = (): void => void reader.close();
    signal.addEventListener("abort", stop);
    try {
      while (!signal.aborted && (await reader.ready())) {
        const message = reader.shift()!;
        stepFrame(name, processor, this.state, readFrame(message.data), message.stored_us);
        if (message.seq >= until) return;
      }
      throw new Error("told to stop while the state was made again");
    } finally {
      signal.removeEventListener("abort", stop);
      await reader.close();
    }
  }

  /** Works through the input until the reader is closed, by the signal or because an output failed. */
  async follow(reader: Reader): Promise<void> {
    this.onFailure = () => void reader.close();
    if (this.options.processor.reads === "in") this.saving.in(LIMITS.trim_soon_ms); // what a killed one left
    while (await reader.ready()) {
      if (this.failed) throw this.failed;
      // what comes while an output is on its way is taken together; where much waits, the next output is made meanwhile
      if (this.pending && reader.bytes < LIMITS.step_bytes_min) await this.settle();
      await this.batch(reader);
      if (this.sinceSave >= LIMITS.snapshot_every_events) {
        await this.settle();
        this.save();
      } else this.saving.in(LIMITS.snapshot_every_ms);
    }
  }

  /**
   * A state that has not seen all that was passed on before: what lies in between is still to be read, and must neither be trimmed nor be taken
   * for seen because nothing was written since.
   */
  private get catchingUp(): boolean {
    return this.options.processor.passes === true && this.position < this.input;
  }

  /** A quiet processor saves too, so that its input can be trimmed. */
  private readonly saving = soon(() => {
    if (this.failed || this.options.signal.aborted) return;
    if (this.pending === undefined && !this.catchingUp) this.save();
    else this.saving.in(LIMITS.trim_soon_ms);
  });

  /** A run that ended does not save any more. */
  stop(): void {
    this.saving.never();
    this.unreadable.end();
  }

  /** Takes what waits, up to one output frame, steps through it and publishes. */
  private async batch(reader: Reader): Promise<void> {
    const { name, processor } = this.options;
    const passed: Passed[] = [];
    const emitted: Event[] = [];
    const traces: (string | undefined)[] = [];
    const started = performance.now();
    let events = 0;
    let bytes = 0;
    let { taken, rejected, repeated } = this.totals;
    const replaying = reader.peek()!.seq <= this.input;
    for (let message = reader.peek(); message; message = reader.peek()) {
      const own = message.subject === this.ways.outSubject;
      if (passed.length > 0 && bytes + message.data.length > LIMITS.frame_bytes_max) break;
      const frame = own ? undefined : this.decode(message, emitted);
      if (frame && events > 0 && events + frame.count > LIMITS.step_events_max) break;
      if (frame && passed.length > 0 && bytes + frame.unpacked > LIMITS.frame_bytes_max) break;
      if (replaying !== message.seq <= this.input) break;
      reader.shift();
      this.position = message.seq;
      this.place = placeText(this.of.created, message.stored_us);
      this.options.status.behind = message.pending;
      if (!frame) continue;
      traces.push(message.headers?.get(HEADERS.trace));
      const stepped = this.step(message, frame, emitted);
      if (!stepped) continue;
      if (stepped.passed) passed.push(stepped.passed);
      // what a producer should not have sent does not stay in the input longer than it must
      if (processor.reads === "in" && (stepped.rejected > 0 || stepped.passed?.changes.some(isChanged)))
        this.saving.in(LIMITS.trim_soon_ms);
      emitted.push(...stepped.emitted);
      events += frame.count;
      bytes += frame.unpacked;
      taken += stepped.taken;
      rejected += stepped.rejected;
      repeated += stepped.repeated;
      this.sinceSave += frame.count;
      this.options.status.events += frame.count;
      if (events >= LIMITS.step_events_max || emitted.length >= LIMITS.step_events_max / 4) break;
    }
    if (replaying) return;
    const { frames, tooLarge } = outputs(passed, emitted);
    rejected += tooLarge;
    this.totals = { taken, passed: this.totals.passed + keptOf(passed) - tooLarge, rejected, repeated };
    if (traces.length === 0 && frames.length === 0) return this.tellSilent(); // its own outputs, come back
    const span = processSpan(name, { stream: this.ways.inStream, traces, events, started });
    if (frames.length > 0) return this.publish(frames, span);
    span.end();
    this.tellSilent();
  }

  private tellSilent(): void {
    this.silent = this.position;
    this.tellInput();
  }

  private decode(message: Stored, emitted: Event[]): Frame | undefined {
    try {
      const unpackedMax = this.options.processor.reads === "in" ? LIMITS.frame_unpacked_bytes_max : undefined;
      return readFrame(message.data, unpackedMax);
    } catch (error) {
      if (!(error instanceof WeirError) || error.code !== "frame_invalid") throw error;
      this.unreadable.note(message.seq, error.message);
      this.reject(message, emitted, error.message);
      return undefined;
    }
  }

  /** Steps through a frame. One that the processor cannot work on must not hold up all that comes behind it. */
  private step(message: Stored, frame: Frame, emitted: Event[]): Stepped | undefined {
    const { name, processor, log, status } = this.options;
    try {
      return stepFrame(name, processor, this.state, frame, message.stored_us);
    } catch (error) {
      log.error({ processor: name, stream: this.ways.inStream, seq: message.seq, err: error }, "a bug: a frame failed");
      status.notice = `it failed on the message ${message.seq} of ${this.ways.inStream} and passed it by; please report the error in the log`;
      this.reject(message, emitted, `${name} failed on it: ${String(error)}`);
      return undefined;
    }
  }

  private reject(message: Stored, emitted: Event[], why: string): void {
    this.saving.in(LIMITS.trim_soon_ms);
    if (this.options.processor.passes) emitted.push(...rejectedFrame(message, this.ways.inStream, why));
  }

  /** One output is on its way while the next is made. */
  private async publish(frames: readonly { data: Uint8Array; count: number }[], span: Processing): Promise<void> {
    await this.settle();
    const { bus } = this.options;
    const { position: input, place, totals } = this;
    this.sending = input;
    const sent = (async () => {
      for (const [k, { data, count }] of frames.entries()) {
        const whole = k === frames.length - 1;
        // of several frames only the last moves the position: after a crash in between all come again, with the same ids
        const ack = await publishFrame(bus, this.ways.outSubject, data, {
          count,
          input: whole ? input : Math.max(this.input, this.published),
          place: whole ? place : this.publishedPlace,
          totals: whole ? totals : this.publishedTotals,
          written: this.written + count,
          expect: this.outSeq,
          trace: span.trace,
        });
        this.outSeq = ack.seq;
        this.written += count;
      }
      this.published = input;
      this.publishedPlace = place;
      this.publishedTotals = totals;
      this.tellInput();
    })();
    this.pending = sent;
    sent.then(
      () => {
        span.end();
        // nothing is on its way any more: the state may be saved
        if (this.pending === sent) this.pending = undefined;
      },
      (error: unknown) => {
        span.end(error);
        this.failed = error;
        this.onFailure?.(); // nothing may come for long
      },
    );
  }
  private onFailure: (() => void) | undefined;
  private published = 0;
  /** Input position of the output on its way, and of the last batch that had none. */
  private sending = 0;
  private silent = 0;
  private publishedTotals: Totals;

  /** What came while an output was on its way and gave none itself is done when that one is. */
  private tellInput(): void {
    if (this.published === this.sending) this.options.status.input = Math.max(this.published, this.silent);
  }

  /** Waits for the output on its way. */
  async settle(): Promise<void> {
    await this.pending;
    this.pending = undefined;
    if (this.failed) throw this.failed;
  }

  /** Saves the state, then trims the input that nobody needs any more. */
  save(): void {
    const { snapshots, name, partition, processor, bus, log } = this.options;
    if (this.position === 0 || this.catchingUp) return;
    this.sinceSave = 0;
    try {
      saveSnapshot(snapshots, name, partition, {
        of: this.of.of,
        input: this.position,
        output: this.outSeq,
        state: this.state,
      });
    } catch (error) {
      log.warn({ processor: name, err: error }, "the state was not saved; the input is kept until it is");
      return;
    }
    if (!processor.passes) return;
    // of validated input the frame it stands at stays: by it another instance knows whether its own state has seen all that was trimmed. Of what
    // producers sent, which nobody has looked at for secrets, nothing stays
    const raw = processor.reads === "in";
    const done = Math.max(this.published, this.input);
    purgeUpTo(
      bus.jsm,
      this.ways.inStream,
      this.ways.inSubjects[0]!,
      raw ? done : done - 1,
      raw ? "goes" : "stays",
    ).catch((error: unknown) => {
      log.debug({ err: error }, "input was not trimmed"); // the next snapshot trims it
    });
  }
}

const isChanged = (change: Changes): boolean => change.fields.size > 0 || change.attributes.length > 0;
