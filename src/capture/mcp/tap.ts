import type { Worker } from "node:worker_threads";
import { clock } from "../../base/clock.ts";
import { LIMITS } from "../../base/limits.ts";
import { openThread } from "../../base/thread.ts";
import type { Death, Estate } from "./connection.ts";
import type { Passed, RecorderOptions, Said, Told } from "./recorder.ts";

/** The proxy's end of the recorder; `T` names the streams that bytes belong to. */
export interface Tap<T> {
  /** Takes a copy of what passed. Never waits and never throws. */
  take(tag: T, chunk: Uint8Array): void;
  /** Tells a thing that has no bytes, and whether it was told: where there is no room, `instead` is counted as missing. Without it there always is. */
  mark(tag: T, instead?: T): boolean;
  spawned(pid: number): void;
  /** Undefined where there is no recorder any more. */
  died(death: Death): Promise<Estate | undefined>;
  lost(): Promise<Uint8Array | undefined>;
  /** Requests of the client that wait for an answer, by what passed so far. */
  unanswered(): Promise<number | undefined>;
  /** Writes what is left, in bounded time. */
  end(): Promise<void>;
}

export interface TapOptions {
  /** The recorder's program. */
  readonly entry: string;
  readonly recorder: RecorderOptions;
  /** Messages that end in a chunk, where that can be seen. */
  readonly messagesIn: (chunk: Uint8Array) => number;
  readonly failed: (error: unknown) => void;
}

/** Starts the recorder on a thread of its own. Where it fails, messages go on passing unrecorded; `failed` is told once. */
export function createTap<T>({ entry, recorder, messagesIn, failed }: TapOptions): Tap<T> {
  let parts: Passed<T>[] = [];
  let chunks: Uint8Array[] = [];
  let bytes = 0;
  let marks = 0;
  /** What was handed over and is not yet read, in bytes. */
  let away = 0;
  /** Messages that ended in what was left out, of each stream of which something was. */
  const missed = new Map<T, number>();
  let timer: NodeJS.Timeout | undefined;
  /** Who waits for what the recorder was asked, in the order of asking. */
  const asked: ((said: Said | undefined) => void)[] = [];
  let worker: Worker | undefined;
  try {
    worker = openThread(entry, { workerData: recorder });
  } catch (error) {
    failed(error);
  }
  const gone = new Promise<void>((resolve) => {
    worker?.on("error", failed);
    worker?.once("exit", () => {
      worker = undefined;
      for (const answer of asked.splice(0)) answer(undefined);
      resolve();
    });
    if (!worker) resolve();
  });
  worker?.on("message", (said: Said) => {
    if (said.kind === "done") away -= said.bytes;
    else asked.shift()?.(said);
  });
  const tell = (told: Told, transfer: ArrayBuffer[] = []): void => worker?.postMessage(told, transfer);

  const hasRoom = (more: number): boolean => away + bytes + marks + more <= LIMITS.mcp_backlog_bytes_max;
  const miss = (tag: T, messages: number): void => void missed.set(tag, (missed.get(tag) ?? 0) + messages);
  const tellMissed = (at: number): void => {
    for (const [tag, messages] of missed) parts.push([tag, at, -1 - messages]);
    missed.clear();
  };
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (parts.length === 0) return;
    const whole = Buffer.allocUnsafeSlow(bytes);
    let at = 0;
    for (const chunk of chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    const weight = bytes + marks;
    away += weight;
    tell({ kind: "passed", parts, bytes: whole, weight }, [whole.buffer as ArrayBuffer]);
    parts = [];
    chunks = [];
    bytes = 0;
    marks = 0;
  };
  const soon = (): void => {
    if (bytes >= LIMITS.mcp_gather_bytes_max) flush();
    else timer ??= setTimeout(flush, LIMITS.mcp_gather_ms);
  };
  const ask = (told: Told): Promise<Said | undefined> => {
    flush();
    if (!worker) return Promise.resolve(undefined);
    const answer = new Promise<Said | undefined>((resolve) => void asked.push(resolve));
    tell(told);
    return answer;
  };
  return {
    take(tag, chunk) {
      if (!worker) return;
      if (!hasRoom(chunk.length)) return miss(tag, messagesIn(chunk));
      const at = clock.nowUs();
      if (missed.size > 0) tellMissed(at);
      parts.push([tag, at, chunk.length]);
      chunks.push(chunk);
      bytes += chunk.length;
      soon();
    },
    mark(tag, instead) {
      if (!worker) return false;
      if (instead !== undefined && !hasRoom(LIMITS.mcp_mark_bytes)) {
        miss(instead, 1);
        return false;
      }
      const at = clock.nowUs();
      if (missed.size > 0) tellMissed(at);
      parts.push([tag, at, 0]);
      marks += LIMITS.mcp_mark_bytes;
      soon();
      return true;
    },
    spawned(pid) {
      flush();
      tell({ kind: "spawned", pid });
    },
    async died(death) {
      const said = await ask({ kind: "died", death });
      return said?.kind === "estate" ? said.estate : undefined;
    },
    async lost() {
      const said = await ask({ kind: "lost", at: clock.nowUs() });
      return said?.kind === "answers" ? said.answers : undefined;
    },
    async unanswered() {
      const said = await ask({ kind: "unanswered" });
      return said?.kind === "unanswered" ? said.unanswered : undefined;
    },
    async end() {
      tellMissed(clock.nowUs());
      flush();
      tell({ kind: "end", at: clock.nowUs() });
      const limit = setTimeout(() => void worker?.terminate(), LIMITS.mcp_flush_ms_max);
      await gone;
      clearTimeout(limit);
    },
  };
}
