import { Worker } from "node:worker_threads";
import { clock } from "../../base/clock.ts";
import { LIMITS } from "../../base/limits.ts";
import type { CallOrigin } from "./called.ts";
import type { Death, Estate } from "./connection.ts";
import type { Side } from "./pairing.ts";
import type { Passed, Said, Told } from "./recorder.ts";

/** The proxy's end of the recorder. */
export interface Tap {
  /** Takes a copy of what passed. Never waits and never throws. */
  take(side: Side, chunk: Uint8Array): void;
  spawned(pid: number): void;
  /** Undefined where there is no recorder any more. */
  died(death: Death): Promise<Estate | undefined>;
  lost(): Promise<Uint8Array | undefined>;
  /** Writes what is left, in bounded time. */
  end(): Promise<void>;
}

/** Messages that end in a chunk. */
function newlinesIn(chunk: Uint8Array): number {
  let count = 0;
  for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) count++;
  return count;
}

/** Starts the recorder on a thread of its own. Where it fails, messages go on passing unrecorded; `failed` is told once. */
export function createTap(entry: string, origin: CallOrigin, failed: (error: unknown) => void): Tap {
  let parts: Passed[] = [];
  let chunks: Uint8Array[] = [];
  let bytes = 0;
  /** Bytes handed over and not yet read. */
  let away = 0;
  /** Messages that ended in what was left out, where something was. */
  const missed: Record<Side, number | undefined> = { client: undefined, server: undefined };
  let timer: NodeJS.Timeout | undefined;
  /** Who waits for what the recorder was asked, in the order of asking. */
  const asked: ((said: Said | undefined) => void)[] = [];
  let worker: Worker | undefined;
  try {
    worker = new Worker(entry, {
      workerData: origin,
      ...(entry.endsWith(".ts") ? { execArgv: ["--import", "tsx"] } : {}),
    });
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

  const tellMissed = (side: Side, at: number): void => {
    const messages = missed[side];
    if (messages === undefined) return;
    parts.push([side, at, -1 - messages]);
    missed[side] = undefined;
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
    away += bytes;
    tell({ kind: "passed", parts, bytes: whole }, [whole.buffer as ArrayBuffer]);
    parts = [];
    chunks = [];
    bytes = 0;
  };
  const ask = (told: Told): Promise<Said | undefined> => {
    flush();
    if (!worker) return Promise.resolve(undefined);
    const answer = new Promise<Said | undefined>((resolve) => void asked.push(resolve));
    tell(told);
    return answer;
  };
  return {
    take(side, chunk) {
      if (!worker) return;
      if (away + bytes + chunk.length > LIMITS.mcp_backlog_bytes_max) {
        missed[side] = (missed[side] ?? 0) + newlinesIn(chunk);
        return;
      }
      const at = clock.nowUs();
      tellMissed(side, at);
      parts.push([side, at, chunk.length]);
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= LIMITS.mcp_gather_bytes_max) flush();
      else timer ??= setTimeout(flush, LIMITS.mcp_gather_ms);
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
    async end() {
      for (const side of ["client", "server"] as const) tellMissed(side, clock.nowUs());
      flush();
      tell({ kind: "end", at: clock.nowUs() });
      const limit = setTimeout(() => void worker?.terminate(), LIMITS.mcp_flush_ms_max);
      await gone;
      clearTimeout(limit);
    },
  };
}
