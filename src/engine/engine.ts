import { clock } from "../base/clock.ts";
import type { Config } from "../base/config.ts";
import { toWeirError, WeirError } from "../base/errors.ts";
import { newId } from "../base/id.ts";
import { LIMITS } from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import { sendSpan, sent, traceparentOf } from "../base/telemetry.ts";
import type { Draft } from "../define/event.ts";
import type { Processor } from "../define/processor.ts";
import { clockTicked } from "../events/measure.ts";
import { isFatal, openStore, type Position, type Store } from "../store/open.ts";
import { compareTables, makeTables, type Projections } from "../store/tables.ts";
import type { Connection } from "../wire/connect.ts";
import { encodeEvents } from "../wire/encode.ts";
import { publishFrame } from "../wire/publish.ts";
import { inSubject } from "../wire/subjects.ts";
import { Tables } from "./apply/tables.ts";
import type { Archive } from "./archive/archive.ts";
import { type Holder, shareWork } from "./leases.ts";
import { Pace } from "./pace.ts";
import type { ProcessorStatus } from "./processor-run.ts";
import { runProcessor } from "./run-processor.ts";
import { NOTHING_GATHERS, type ProjectionStatus, runProjections } from "./run-projections.ts";

/** Runs processors until the signal, over the partitions that no other instance works on. `done` resolves when all have ended. */
export function startProcessors(options: {
  readonly processors: ReadonlyMap<string, Processor>;
  readonly partitions: number;
  readonly bus: Connection;
  readonly archive?: Archive | undefined;
  readonly snapshots: string;
  readonly version: string;
  readonly log: Log;
  readonly signal: AbortSignal;
}): { readonly status: readonly ProcessorStatus[]; readonly done: Promise<void> } {
  const { processors, partitions, signal, ...rest } = options;
  const names = [...processors.keys()];
  const status = names.flatMap((name) =>
    Array.from(
      { length: partitions },
      (_, partition): ProcessorStatus => ({ name, partition, input: 0, events: 0, behind: 0, state: "starting" }),
    ),
  );
  const statusOf = (name: string, partition: number): ProcessorStatus =>
    status[names.indexOf(name) * partitions + partition]!;
  const done = shareWork({
    nc: rest.bus.nc,
    names,
    partitions,
    log: rest.log,
    signal,
    run: (name, partition, held) =>
      runProcessor({
        name,
        processor: processors.get(name)!,
        partition,
        status: statusOf(name, partition),
        signal: held,
        ...rest,
      }),
    progress: (name, partition) => [statusOf(name, partition).input, statusOf(name, partition).behind],
    onHolder(name, partition, holder) {
      const own = statusOf(name, partition);
      own.holder = holder?.where;
      if (!holder?.own) Object.assign(own, { state: "standing by", ...progressOf(holder) });
    },
  });
  return { status, done };
}

/** How far another instance said it is. */
const progressOf = (holder: Holder | undefined): Partial<ProcessorStatus> =>
  holder ? { input: holder.input, behind: holder.behind } : {};

/** Publishes a tick a minute into every partition, so that silence can be decided on. Ticks missed while weir was away are not made up. */
export function startClock({
  bus,
  partitions,
  signal,
  log,
}: {
  bus: Connection;
  partitions: number;
  signal: AbortSignal;
  log: Log;
}): void {
  const tick = (): void => {
    const minute = Math.floor(clock.nowMs() / 60_000) * 60_000_000;
    for (let p = 0; p < partitions; p++) {
      const time = clock.nowUs();
      const event = {
        id: newId(time),
        source: `weir://clock/${p}`,
        time,
        via: "weir",
        v: clockTicked.v,
        type: clockTicked.type,
        data: { minute },
      };
      const span = sendSpan(inSubject(p), [], 1);
      const options = { count: 1, id: `clock.${p}.${minute}`, trace: traceparentOf(span) };
      publishFrame(bus, inSubject(p), encodeEvents([event]), options).then(
        () => sent(span),
        (error: unknown) => {
          sent(span, error);
          log.debug({ err: error }, "a tick was not published"); // the next one is
        },
      );
    }
  };
  tick(); // so that what is old is known to be old from the start
  const timer = setInterval(tick, LIMITS.clock_tick_ms);
  timer.unref();
  signal.addEventListener("abort", () => clearInterval(timer));
}

/** The tables while they are carried on. */
export interface Projecting {
  readonly status: ProjectionStatus;
  /** What stopped the tables, where something did that only a person can decide on. */
  readonly stopped: WeirError | undefined;
  /** The open store; reads go through connections of their own. It changes when the store is opened again. */
  store(): Store;
  /** Where the tables stand. */
  position(): Position;
  /** Resolves when an event is in the tables. Rejects with `timeout`. */
  visible(id: string): Promise<number>;
  /** Somebody reads the tables: where nobody did for a while, what has gathered is written now, and in bounded time it is there. */
  fresh(): Promise<void>;
  /** Runs work while the tables stand still, and opens the store again after it. */
  pause<T>(work: (file: string) => Promise<T>): Promise<T>;
  /** A consistent moment of the open tables: they hold all up to their position, and nothing is being written while `work` runs. */
  quiet<T>(work: (tables: Tables) => Promise<T>): Promise<T>;
  readonly done: Promise<void>;
}

/** Opens the store's tables, makes them where they are new. Tables of another version of their definition need a rebuild. */
export async function openTables(
  file: string,
  projections: Projections,
  config: Pick<Config, "memoryMb" | "threads">,
): Promise<Tables> {
  const store = await openStore(file, config);
  try {
    const { fresh, changed } = await compareTables(store.writer, projections);
    if (changed.length > 0) {
      throw new WeirError(
        "stream_changed",
        `the tables ${changed.join(", ")} are of another version than this weir makes`,
        { hint: "`weir rebuild` makes them again from the log, which keeps everything" },
      );
    }
    if (fresh) await makeTables(store.writer, projections);
    return await Tables.open(store, projections);
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Carries the tables on until the signal. Failures of the disk are tried again; a replaced log or broken file waits for a person. */
export function startProjections(options: {
  readonly tables: Tables;
  readonly open: () => Promise<Tables>;
  readonly bus: Connection;
  readonly archive?: Archive | undefined;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly emit?: (draft: Draft) => void;
  readonly onStore?: (store: Store) => void;
  /** Told when only a person can decide how the tables go on. */
  readonly onStopped?: (error: WeirError) => void;
  /** Told of sessions that were forgotten, at the start of all: what it does must bear to be done again. */
  readonly onForgotten?: (sessions: readonly string[]) => void;
  /** When batches begin; default: by what they cost, and whether somebody reads. */
  readonly pace?: Pace;
}): Projecting {
  const { bus, archive, log, signal } = options;
  const status: ProjectionStatus = {
    seq: options.tables.position.seq,
    events: 0,
    commits: 0,
    commit_ms: 0,
    committed_at: 0,
    state: "starting",
    lost: [],
  };
  const waiting = new Map<string, { resolve: (seq: number) => void; timer: NodeJS.Timeout }>();
  const { pace = new Pace() } = options;
  let gathering = NOTHING_GATHERS;
  /** Those who wait for the next commit. */
  const next: (() => void)[] = [];
  let tables = options.tables;
  let stopped: WeirError | undefined;
  /** What somebody else's work on the tables met, after which they must be opened again. */
  let broken: unknown;
  let life = new AbortController();
  let gate: Promise<unknown> | undefined;
  let resume: (() => void) | undefined;
  signal.addEventListener("abort", () => life.abort());

  let forgotten = 0;
  const tellForgotten = (): void => {
    if (tables.forgottenCount === forgotten) return;
    const all = tables.forgottenSessions;
    if (all.length > forgotten) options.onForgotten?.(all.slice(forgotten));
    forgotten = all.length;
  };
  tellForgotten();
  const onCommit = (ids: ReadonlySet<string>, seq: number): void => {
    tellForgotten(); // before whoever ordered it is answered
    for (const resolve of next.splice(0)) resolve();
    if (waiting.size === 0) return;
    for (const [id, { resolve, timer }] of waiting) {
      if (!ids.has(id)) continue;
      clearTimeout(timer);
      waiting.delete(id);
      resolve(seq);
    }
  };
  /** Closes the store, and opens it again after the work. One at a time: a second instance of a file that is open would write over what the first has. */
  let changing: Promise<unknown> = Promise.resolve();
  const reopened = <T>(work: (file: string) => Promise<T>): Promise<T> => {
    const change = async (): Promise<T> => {
      await tables.close().catch(() => {}); // a store that failed may refuse to close in order
      try {
        return await work(tables.store.file);
      } finally {
        tables = await options.open();
        options.onStore?.(tables.store);
      }
    };
    const done = changing.then(change);
    changing = done.catch(() => {}); // whoever asked for it is told
    return done;
  };
  const run = async (): Promise<void> => {
    let pause = 200;
    while (!signal.aborted) {
      try {
        await gate;
        life = new AbortController();
        if (signal.aborted) return;
        await runProjections({
          tables,
          bus,
          archive,
          log,
          signal: life.signal,
          status,
          onCommit,
          awaited: () => waiting.size > 0,
          pace,
          onRun: (run) => {
            gathering = run;
          },
          emit: options.emit,
        });
        if (broken) throw broken;
        pause = 200;
      } catch (thrown) {
        if (signal.aborted) return;
        broken = undefined;
        const error = toWeirError(thrown);
        if (["stream_changed", "store_corrupt", "data_dir_newer", "archive_broken"].includes(error.code)) {
          stopped = error;
          log.error({ err: error }, "the tables stand still until somebody decides");
          options.onStopped?.(error);
          await new Promise<void>((resolve) => {
            resume = resolve;
            signal.addEventListener("abort", () => resolve());
          });
          stopped = undefined;
          continue;
        }
        log.warn({ err: error }, "the tables are opened again");
        await new Promise((resolve) => setTimeout(resolve, pause).unref());
        pause = Math.min(pause * 2, 5_000);
        if (gate) continue; // somebody else closes it and opens it again
        await reopened(async () => {}).catch((again: unknown) =>
          log.error({ err: again }, "the store cannot be opened"),
        );
      }
    }
  };
  const done = run().then(async () => {
    status.state = "stopped";
    for (const { timer } of waiting.values()) clearTimeout(timer);
    await tables.close();
  });
  let freshening = Promise.resolve();
  /** Resolves when what has come so far is in the tables, in bounded time. */
  const settled = async (): Promise<void> => {
    const over = new AbortController();
    const limit = setTimeout(() => over.abort(), LIMITS.commit_fresh_ms_max);
    while (gathering.waits() && !over.signal.aborted) {
      gathering.hurry();
      await new Promise<void>((resolve) => {
        next.push(resolve);
        over.signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
    clearTimeout(limit);
  };
  return {
    status,
    get stopped() {
      return stopped;
    },
    store: () => tables.store,
    position: () => tables.position,
    visible: (id) =>
      new Promise((resolve, reject) => {
        if (stopped) {
          reject(
            new WeirError("timeout", "the event is stored, and the tables stand still", {
              hint: `weir status tells why: ${stopped.code}`,
            }),
          );
          return;
        }
        const timer = setTimeout(() => {
          waiting.delete(id);
          reject(new WeirError("timeout", "the effect is not visible yet; the event is stored and will be"));
        }, LIMITS.effect_ms_max);
        waiting.set(id, { resolve, timer });
        gathering.hurry();
      }),
    fresh() {
      if (pace.look(performance.now())) freshening = settled();
      return freshening;
    },
    async pause(work) {
      let open: (() => void) | undefined;
      gate = new Promise<void>((resolve) => {
        open = resolve;
      });
      life.abort();
      try {
        await tables.quiet(async () => {}).catch(() => {}); // what failed is told by the run that it failed in
        return await reopened(work);
      } finally {
        gate = undefined;
        open?.();
        resume?.(); // what was done may have been the way out
      }
    },
    async quiet(work) {
      try {
        return await tables.quiet(() => work(tables));
      } catch (error) {
        if (isFatal(error)) {
          broken = error;
          life.abort();
        }
        throw error;
      }
    },
    done,
  };
}
