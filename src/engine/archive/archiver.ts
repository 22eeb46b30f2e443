import type { ChildProcess } from "node:child_process";
import { statfsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createInterface } from "node:readline";
import { clock } from "../../base/clock.ts";
import { toWeirError, WeirError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Log } from "../../base/log.ts";
import { wait } from "../../base/wait.ts";
import type { Connection } from "../../wire/connect.ts";
import type { Credential } from "../../wire/credentials.ts";
import { isAway, publishError } from "../../wire/publish-error.ts";
import type { Archive } from "./archive.ts";
import { boundsOf } from "./cut.ts";
import { enterSegment, prepareArchive, scratchIn, trimArchived } from "./keep.ts";
import type { Segment } from "./manifest.ts";
import { LOG } from "./read-log.ts";
import { type Ask, type Reply, startWork } from "./work.ts";

/** How archiving is doing. */
export interface ArchiverStatus {
  state: "waiting" | "archiving" | "failed";
  /** Why it failed the last time. */
  failed: WeirError | undefined;
  /** Of the last time that something was archived. */
  seconds: number;
}

/** What one time of archiving did. */
export interface Archived {
  readonly segments: number;
  readonly messages: number;
  readonly events: number;
  /** Bytes of the files written. */
  readonly bytes: number;
  readonly seconds: number;
  /** Messages trimmed from the log. */
  readonly trimmed: number;
  /** Last sequence that is archived now. */
  readonly end: number;
}

/** Archives the log when it grows, see {@link startArchiver}. */
export interface Archiver {
  readonly status: ArchiverStatus;
  /** Archives everything that may be, now. */
  now(onProgress?: (seq: number, end: number) => void): Promise<Archived>;
  /** Runs work while nothing is archived. */
  quiet<T>(work: () => Promise<T>): Promise<T>;
  readonly done: Promise<void>;
}

/** What archiving needs. */
export interface ArchiverOptions {
  readonly archive: Archive;
  readonly bus: Connection;
  /** How the writing process reaches the broker. */
  readonly url: string;
  readonly credentials: Credential | undefined;
  /** Folder of the definitions. */
  readonly root: string;
  readonly logBytes: number;
  /**
   * Last sequence that may be archived: the tables have committed it, and the processors have passed it. Not so where the log is `full`: a processor
   * that cannot write what it found would wait for the trimming, and the trimming for it. Who is overtaken reads on in the archive.
   */
  readonly until: (full: boolean) => number;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Archives the oldest part of the log when it holds more than `archive_begin_share` of its size, down to `archive_end_share`, until the signal.
 * What fails is tried again; the log is trimmed only behind what is durable and was read back.
 */
export function startArchiver(options: ArchiverOptions): Archiver {
  const { archive, bus, logBytes, log, signal } = options;
  const status: ArchiverStatus = { state: "waiting", failed: undefined, seconds: 0 };
  let prepared = false;
  let last: Promise<unknown> = Promise.resolve();
  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const run = last.then(work);
    last = run.catch(() => {}); // who asked is told
    return run;
  };
  const held = async (): Promise<number> => (await bus.jsm.streams.info(LOG)).state.bytes;

  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      if (!prepared) await prepareArchive(bus, archive);
      prepared = true;
      const done = await work();
      Object.assign(status, { state: "waiting", failed: undefined });
      return done;
    } catch (thrown) {
      prepared = false; // what was left is looked at again
      if (signal.aborted) {
        status.state = "waiting";
        throw thrown;
      }
      const failed = explained(toWeirError(publishError(thrown)), archive.place.folder);
      // a broker that is away is told where its state is told, and is no fault of the archive
      if (isAway(failed)) status.state = "waiting";
      else Object.assign(status, { state: "failed", failed });
      throw failed;
    }
  };
  const some = async (
    enough: () => Promise<boolean>,
    onProgress?: (seq: number, end: number) => void,
  ): Promise<Archived> => {
    status.state = "archiving";
    const done = await archiveSome(options, enough, onProgress);
    status.seconds = done.seconds;
    if (done.segments > 0) log.info(done, "a part of the log was archived");
    return done;
  };

  const watch = async (): Promise<void> => {
    while (!signal.aborted) {
      let pause: number = LIMITS.archive_look_ms;
      try {
        await alone(() =>
          guarded(async () => {
            if ((await held()) > logBytes * LIMITS.archive_begin_share)
              await some(async () => (await held()) <= logBytes * LIMITS.archive_end_share);
          }),
        );
      } catch (error) {
        if (signal.aborted) return;
        if (isAway(error)) log.debug({ err: error }, "the broker does not answer; archiving waits for it");
        else {
          log.error({ err: error }, "the log was not archived; it keeps what it has");
          pause = LIMITS.archive_retry_ms;
        }
      }
      await wait(pause, signal);
    }
  };
  return {
    status,
    now: (onProgress) => alone(() => guarded(() => some(async () => false, onProgress))),
    quiet: (work) => alone(work),
    done: watch().then(() => last.then(() => {})),
  };
}

/** Segment after segment until it is enough, or nothing may be archived any more. */
async function archiveSome(
  { archive, bus, url, credentials, root, logBytes, until, signal }: ArchiverOptions,
  enough: () => Promise<boolean>,
  onProgress?: (seq: number, end: number) => void,
): Promise<Archived> {
  const scratch = scratchIn(archive.place.folder);
  const created = archive.look().origin?.created;
  const started = clock.nowMs();
  const sum = { segments: 0, messages: 0, events: 0, bytes: 0, trimmed: 0 };
  const writer = new Writer(
    startWork(archive.place.entry, { do: "write", url, credentials, stream: LOG, created, scratch, root }),
  );
  const stop = (): void => writer.kill();
  signal.addEventListener("abort", stop);
  try {
    await writer.ready();
    while (!signal.aborted && !(await enough())) {
      const { bytes } = (await bus.jsm.streams.info(LOG)).state;
      const target = until(bytes > logBytes * LIMITS.log_full_share);
      if (target <= archive.look().end) break;
      const segment = await writer.segment({ after: archive.look().end, until: target, bounds: boundsOf(logBytes) });
      if (!segment) break;
      await enterSegment(archive, segment, scratch);
      sum.trimmed += await trimArchived(bus, archive);
      sum.segments++;
      sum.messages += segment.messages;
      sum.events += segment.events;
      sum.bytes += segment.frames.bytes + segment.rows.bytes;
      onProgress?.(segment.last, target);
    }
  } finally {
    signal.removeEventListener("abort", stop);
    await writer.end();
    await rm(scratch, { recursive: true, force: true });
  }
  return { ...sum, seconds: (clock.nowMs() - started) / 1_000, end: archive.look().end };
}

/** The process that writes segments, one at a time. */
class Writer {
  private readonly child: ChildProcess;
  private readonly ended: Promise<void>;
  private over = false;
  private readonly replies: Reply[] = [];
  private wake: (() => void) | undefined;

  constructor(child: ChildProcess) {
    this.child = child;
    createInterface({ input: child.stdout! }).on("line", (line) => {
      this.replies.push(JSON.parse(line) as Reply);
      this.wake?.();
    });
    this.ended = new Promise((resolve) => {
      const end = (): void => {
        this.over = true;
        this.wake?.();
        resolve();
      };
      child.once("close", end);
      child.once("error", end);
    });
  }

  private async next(): Promise<Reply> {
    while (this.replies.length === 0 && !this.over)
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    const reply = this.replies.shift();
    if (!reply)
      throw new WeirError(
        "store_failed",
        `the process that writes the archive ended (${this.child.signalCode ?? this.child.exitCode})`,
      );
    if ("error" in reply) throw new WeirError(reply.error.code, reply.error.message, reply.error);
    return reply;
  }

  async ready(): Promise<void> {
    await this.next();
  }

  async segment(ask: Ask): Promise<Segment | null> {
    this.child.stdin!.write(`${JSON.stringify(ask)}\n`);
    const reply = await this.next();
    return "segment" in reply ? reply.segment : null;
  }

  kill(): void {
    this.child.kill("SIGKILL");
  }

  async end(): Promise<void> {
    this.kill(); // whatever it has not told lies in its own folder
    await this.ended;
  }
}

/** The error with what is to be done about it: DuckDB tells a full disk in words of its own. */
function explained(error: WeirError, folder: string): WeirError {
  const text = error.message;
  let free = Number.POSITIVE_INFINITY;
  try {
    const { bavail, bsize } = statfsSync(folder);
    free = bavail * bsize;
  } catch {
    // the folder cannot be looked at: the error itself says why
  }
  if (!/no space|ENOSPC|disk full|quota/i.test(text) && free > LIMITS.archive_segment_bytes_max) return error;
  return new WeirError(
    "store_failed",
    `the disk of ${folder} is full (${Math.floor(free / 1e6)} MB free): ${text.split("\n")[0]}`,
    {
      hint: "free disk space; the log keeps its events, and it is tried again by itself",
      cause: error,
    },
  );
}
