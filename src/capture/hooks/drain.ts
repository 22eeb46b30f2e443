import {
  existsSync,
  type FSWatcher,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  watch,
} from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { clock } from "../../base/clock.ts";
import { derivedId } from "../../base/id.ts";
import type { Keys } from "../../base/keys.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Log } from "../../base/log.ts";
import type { Draft } from "../../define/event.ts";
import { eventsDropped, inputRejected } from "../../events/flow.ts";
import type { Sink } from "../../sdk/sink.ts";
import { readLines } from "../lines.ts";
import { DROPPED, INBOX } from "./append.ts";
import { draftsOf } from "./assistants.ts";
import { openRecord, readLine } from "./record.ts";

/** Where payloads go: as a producer's sink, judging of events left to the log. */
export interface HookSink extends Pick<Sink, "flush"> {
  emitUnchecked(draft: Draft): Promise<void>;
}

/** What takes payloads from the spool. */
export interface HookDrain {
  /** Stops and resolves when the file under way is done. */
  close(): Promise<void>;
}

const TAKEN = /^\d{8}\.(taken|dropped)$/;

/**
 * Takes what hooks left in their spool and sends it, in the order it came: renames the inbox, reads it to its end, waits until all of it
 * is acknowledged or in the producer's own spool, and removes it. What was under way when weir was killed is sent again; the ids are the same.
 */
export function startHookDrain({
  folder,
  sink,
  keys,
  log,
}: {
  readonly folder: string;
  readonly sink: HookSink;
  /** Keys of sessions whose payloads wait encrypted. */
  readonly keys: Keys;
  readonly log: Log;
}): HookDrain {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stop = new AbortController();
  let running: Promise<void> | undefined;
  let again = false;
  let looked = Number.NEGATIVE_INFINITY;
  const unreadable = new Set<string>();
  const onUnreadable = (file: string, error: unknown): void => {
    if (!unreadable.has(file)) log.warn({ err: error, file }, "what hooks left in a file cannot be read, and waits");
    unreadable.add(file);
  };
  const look = (): void => {
    if (stop.signal.aborted) return;
    if (running) {
      again = true;
      return;
    }
    looked = performance.now();
    running = takeAll(folder, sink, keys, stop.signal, onUnreadable)
      .catch((error: unknown) => log.warn({ err: error }, "what hooks left waits"))
      .finally(() => {
        running = undefined;
        if (again) soon();
        again = false;
      });
  };
  let timer: NodeJS.Timeout | undefined;
  const soon = (): void => {
    const pause = LIMITS.hook_pause_ms - (performance.now() - looked);
    timer ??= setTimeout(
      () => {
        timer = undefined;
        look();
      },
      Math.max(LIMITS.hook_gather_ms, pause),
    );
  };
  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(folder, (_, name) => {
      if (name === null || name === INBOX || name === DROPPED) soon();
    });
    watcher.on("error", (error) => log.warn({ err: error }, "the folder of hooks cannot be watched; it is looked at"));
  } catch (error) {
    log.warn({ err: error }, "the folder of hooks cannot be watched; it is looked at");
  }
  const poll = setInterval(look, LIMITS.spool_look_ms);
  look();
  return {
    async close() {
      stop.abort();
      watcher?.close();
      clearInterval(poll);
      clearTimeout(timer);
      await running;
    },
  };
}

/** What a file says that this process may not read, as one of a hook that ran as another user; it must not hold up all that came after it. */
const UNREADABLE = new Set(["EACCES", "EPERM", "EISDIR"]);

async function takeAll(
  folder: string,
  sink: HookSink,
  keys: Keys,
  signal: AbortSignal,
  onUnreadable: (file: string, error: unknown) => void,
): Promise<void> {
  for (const [from, kind] of [
    [INBOX, "taken"],
    [DROPPED, "dropped"],
  ] as const) {
    if (!existsSync(join(folder, from))) continue;
    const last = Number(takenIn(folder).at(-1)?.slice(0, 8) ?? 0);
    renameSync(join(folder, from), join(folder, `${String(last + 1).padStart(8, "0")}.${kind}`));
  }
  for (const name of takenIn(folder)) {
    if (signal.aborted) return;
    const file = join(folder, name);
    try {
      if (name.endsWith(".taken")) await takeFile(file, sink, keys);
      else await tellDropped(file, sink);
      await sink.flush();
      rmSync(file, { force: true });
    } catch (error) {
      if (!UNREADABLE.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
      onUnreadable(file, error);
    }
  }
}

const takenIn = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => TAKEN.test(name))
        .sort()
    : [];

async function takeFile(file: string, sink: HookSink, keys: Keys): Promise<void> {
  const handle = await open(file, "r");
  try {
    const readAt = async (into: Uint8Array, position: number): Promise<number> =>
      (await handle.read(into, 0, into.length, position)).bytesRead;
    for await (const { text, offset, end } of readLines(readAt, { line_bytes_max: LIMITS.hook_line_bytes_max })) {
      if (text?.trim() === "") continue;
      const record = text === undefined ? undefined : readLine(text);
      const drafts = record ? draftsOf(openRecord(record, keys)) : [broken(text ?? "", end - offset)];
      for (const draft of drafts) await sink.emitUnchecked(draft);
    }
  } finally {
    await handle.close();
  }
}

/** A line that a killed process or a full disk left behind; it is without secrets like all that was written. */
function broken(text: string, bytes: number): Draft {
  const now_us = clock.nowUs();
  return inputRejected.of(
    { id: derivedId(now_us, "hook", text, bytes), time: now_us, source: "weir://hooks", via: "hook" },
    {
      reason: "undecodable",
      detail: `a line of ${bytes} bytes in the spool of hooks is torn`,
      original: new TextEncoder().encode(text).subarray(0, LIMITS.rejected_part_bytes_max),
      content_type: "text/plain",
    },
  );
}

async function tellDropped(file: string, sink: HookSink): Promise<void> {
  const { size, mtimeMs } = statSync(file);
  const time = Math.floor(mtimeMs * 1_000);
  await sink.emitUnchecked(
    eventsDropped.of(
      { id: derivedId(time, "hook", "dropped", size), time, source: "weir://hooks", via: "hook" },
      { where: "hook_spool_full", count: size },
    ),
  );
}

/** What waits in the spool of hooks. */
export interface HooksWaiting {
  readonly events: number;
  readonly bytes: number;
  /** Payloads that found no room and were not told yet. */
  readonly dropped: number;
  /** Since when the oldest file waits, in milliseconds since 1970. */
  readonly since_ms: number | undefined;
}

/** Counts what waits in the spool of hooks; a large file is counted by its first part. */
export function hooksWaiting(folder: string): HooksWaiting {
  const names = existsSync(folder) ? [...takenIn(folder), INBOX, DROPPED] : [];
  let [events, bytes, dropped] = [0, 0, 0];
  let since_ms: number | undefined;
  for (const name of names) {
    const found = statSync(join(folder, name), { throwIfNoEntry: false });
    if (!found) continue;
    if (name.endsWith("dropped")) {
      dropped += found.size;
      continue;
    }
    bytes += found.size;
    events += countRecords(join(folder, name), found.size);
    since_ms = Math.min(since_ms ?? Number.POSITIVE_INFINITY, found.birthtimeMs || found.mtimeMs);
  }
  return { events, bytes, dropped, since_ms };
}

function countRecords(file: string, size: number): number {
  try {
    if (size > LIMITS.hook_line_bytes_max) return Math.max(1, Math.round(size / LIMITS.hook_text_chars_max));
    let records = 0;
    const data = readFileSync(file);
    for (let at = data.indexOf("\n"); at >= 0; at = data.indexOf("\n", at + 1)) records++;
    return Math.ceil(records / 2); // a record stands between two newlines of its own
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? 0 : 1; // taken meanwhile, or not to be read: of something
  }
}
