import type { ChildProcess } from "node:child_process";
import { stat } from "node:fs/promises";
import { WeirError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Log } from "../../base/log.ts";
import {
  type Answer,
  type Cancel,
  type FailureCode,
  type Reply,
  type Request,
  stoppedAfter,
  TOO_MUCH_MEMORY,
  type Used,
} from "./message.ts";
import { ADDRESS_SPACES_KB, startChild } from "./process.ts";

export type { Answer, Column } from "./message.ts";

/** How much one statement may take; each is cut to the limit of the same name in `LIMITS`. */
export interface QueryLimits {
  readonly rowsMax: number;
  /** Of the rows as JSON, in characters. */
  readonly bytesMax: number;
  readonly timeMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Read-only SQL from outside over a snapshot, in a process of its own. */
export interface Sandbox {
  /**
   * Runs one statement. Throws `sql_refused` with the reason, `sql_failed` with DuckDB's message, `timeout` at the deadline
   * or when the signal fires, `limit_reached` when it needs too much memory or too many are waiting.
   */
  query(sql: string, limits: QueryLimits): Promise<Answer>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const REPLY_SLACK_BYTES = 1_048_576; // column names and the frame of an answer
const STDERR_CHARS_MAX = 4_000;

/** Whether a process has too little left for another statement: that one would be told to need what others have used. */
const isWorn = (said: Extract<Reply, { used: Used }>): boolean =>
  said.used.cpu_ms >= (LIMITS.sandbox_cpu_s * 1_000) / 2 ||
  said.used.rss_bytes >= LIMITS.sandbox_kept_bytes_max ||
  ("code" in said && said.code === "limit_reached");

/** A running child. `said` settles with its next message, or with undefined when it has ended. */
interface Child {
  readonly process: ChildProcess;
  readonly ended: Promise<void>;
  say(message: Request | Cancel): void;
  next(bytesMax: number): Promise<Reply | undefined>;
  kill(): void;
  stderr(): string;
}

function adopt(process: ChildProcess): Child {
  let waiting: { bytesMax: number; done: (reply: Reply | undefined) => void } | undefined;
  let parts: Buffer[] = [];
  let bytes = 0;
  let over = false;
  let errors = "";
  const settle = (reply: Reply | undefined): void => {
    const { done } = waiting ?? {};
    waiting = undefined;
    done?.(reply);
  };
  const kill = (): void => void process.kill("SIGKILL");
  process.stdout?.on("data", (part: Buffer) => {
    bytes += part.length;
    parts.push(part);
    if (part.at(-1) !== 10) {
      if (bytes > (waiting?.bytesMax ?? REPLY_SLACK_BYTES)) kill(); // it no longer keeps its own limit
      return;
    }
    const line = Buffer.concat(parts).toString("utf8");
    [parts, bytes] = [[], 0];
    try {
      settle(JSON.parse(line) as Reply);
    } catch {
      kill(); // something else than our child wrote to its stdout
    }
  });
  process.stderr?.on("data", (part: Buffer) => {
    errors = (errors + part.toString("utf8")).slice(-STDERR_CHARS_MAX);
  });
  process.stdin?.on("error", () => {}); // it ended; the exit tells
  const ended = new Promise<void>((resolve) => {
    const end = (): void => {
      over = true;
      settle(undefined);
      resolve();
    };
    process.once("close", end);
    process.once("error", end);
  });
  return {
    process,
    ended,
    kill,
    stderr: () => errors.trim(),
    say: (message) => void process.stdin?.write(`${JSON.stringify(message)}\n`),
    next: (bytesMax) =>
      new Promise((done) => {
        if (over) return done(undefined);
        waiting = { bytesMax, done };
      }),
  };
}

/** Starts a child and waits until it is ready, with the smallest address space that it can live in. */
async function start(entry: string, log: Log, from: number): Promise<{ child: Child; space: number }> {
  let why = "";
  for (let space = from; space < ADDRESS_SPACES_KB.length; space++) {
    const child = adopt(startChild(entry, ADDRESS_SPACES_KB[space]));
    const timer = setTimeout(child.kill, LIMITS.sql_ms_max);
    const reply = await child.next(REPLY_SLACK_BYTES);
    clearTimeout(timer);
    if (reply && "ready" in reply) return { child, space };
    child.kill();
    await child.ended;
    why = child.stderr();
    log.warn({ address_space_kb: ADDRESS_SPACES_KB[space], why }, "the process for SQL did not come up");
  }
  throw new WeirError("store_failed", `the process for SQL cannot be started: ${why.split("\n").at(-1) ?? ""}`);
}

const failed = (code: FailureCode, message: string): WeirError =>
  new WeirError(
    code,
    message,
    code === "limit_reached" ? { hint: "narrow the period, or count and sort less at once" } : {},
  );

const gone = (): WeirError => new WeirError("timeout", "the caller no longer waits for the answer");

/** Why there is no answer. What ended `late`, at its deadline or behind it, was stopped for that, whoever was first. */
function endedError(child: Child, late: boolean, timeMs: number): WeirError {
  const { signalCode, exitCode } = child.process;
  if (late) return new WeirError("timeout", stoppedAfter(timeMs));
  if (signalCode === "SIGXCPU") return new WeirError("timeout", "the statement used too much processor time");
  const memory = signalCode === "SIGKILL" || /bad_alloc|out of memory|allocation failed/i.test(child.stderr());
  if (memory) return failed("limit_reached", TOO_MUCH_MEMORY);
  return new WeirError("sql_failed", `the statement ended its process (${signalCode ?? `exit ${exitCode}`})`);
}

/**
 * A sandbox over the snapshots that `snapshotPath` makes: it is called before each statement and may return the same file
 * again. `tables` are the names that may be read. `childEntry` is the file of child.ts, or of its bundle. One statement runs
 * at a time; the process is kept for {@link LIMITS.sandbox_idle_ms} and started again when it was killed.
 */
export function createSandbox(options: {
  snapshotPath: () => Promise<string>;
  childEntry: string;
  tables: readonly string[];
  log: Log;
}): Sandbox {
  const { snapshotPath, childEntry, tables, log } = options;
  let child: Child | undefined;
  let space = 0; // the address space that worked last
  let worn = false;
  let idle: NodeJS.Timeout | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  let ids = 0;
  let closed = false;

  async function ready(): Promise<Child> {
    if (child && !worn && child.process.exitCode === null && !child.process.signalCode) return child;
    await end();
    const started = await start(childEntry, log, space);
    ({ child, space } = started);
    worn = false;
    return started.child;
  }

  /** Ends the child in an orderly way, or by force when it does not go. */
  async function end(): Promise<void> {
    const leaving = child;
    child = undefined;
    if (!leaving) return;
    leaving.process.stdin?.end();
    const timer = setTimeout(leaving.kill, LIMITS.sandbox_grace_ms);
    await leaving.ended;
    clearTimeout(timer);
  }

  async function run(sql: string, { rowsMax, bytesMax, timeMs, signal }: QueryLimits): Promise<Answer> {
    if (closed) throw new WeirError("not_running", "weir is stopping");
    if (signal?.aborted) throw gone();
    clearTimeout(idle);
    const snapshot = await snapshotPath();
    const { ino, size, mtimeMs } = await stat(snapshot);
    const worker = await ready();
    const id = ++ids;
    const time_ms = Math.min(timeMs, LIMITS.sql_ms_max);
    const bytes_max = Math.min(bytesMax, LIMITS.sql_bytes_max);
    const rows_max = Math.min(rowsMax, LIMITS.sql_rows_max);
    const began = performance.now();
    let hard = setTimeout(worker.kill, time_ms + LIMITS.sandbox_grace_ms);
    const abort = (): void => {
      worker.say({ cancel: id });
      clearTimeout(hard);
      hard = setTimeout(worker.kill, LIMITS.sandbox_grace_ms);
    };
    const reply = worker.next(bytes_max * 4 + REPLY_SLACK_BYTES); // a character can be four bytes
    worker.say({ id, sql, tables, snapshot, stamp: `${ino}-${size}-${mtimeMs}`, rows_max, bytes_max, time_ms });
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted) abort(); // it fired while the process was started
    try {
      const said = await reply;
      if (signal?.aborted) throw gone();
      if (!said || !("id" in said)) {
        await worker.ended;
        throw endedError(worker, performance.now() - began >= time_ms, time_ms);
      }
      worn = isWorn(said);
      if ("answer" in said) return said.answer;
      throw failed(said.code, said.message);
    } finally {
      clearTimeout(hard);
      signal?.removeEventListener("abort", abort);
      idle = setTimeout(() => void end(), LIMITS.sandbox_idle_ms).unref();
    }
  }

  async function close(): Promise<void> {
    closed = true;
    clearTimeout(idle);
    child?.kill();
    await last;
    clearTimeout(idle);
    await end();
  }

  return {
    async query(sql, limits) {
      const { signal } = limits;
      if (signal?.aborted) throw gone();
      if (waiting >= LIMITS.sandbox_waiting_max) {
        throw new WeirError("limit_reached", `${waiting} statements are already waiting`, {
          hint: "try again in a moment",
        });
      }
      waiting++;
      const mine = last.then(() => run(sql, limits)).finally(() => waiting--);
      last = mine.catch(() => {});
      if (!signal) return mine;
      let leave = (): void => {};
      const left = new Promise<never>((_, reject) => {
        leave = () => reject(gone());
        signal.addEventListener("abort", leave, { once: true });
      });
      return Promise.race([mine, left]).finally(() => signal.removeEventListener("abort", leave));
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
