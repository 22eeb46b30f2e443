import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  type DuckDBConnection,
  type DuckDBInstance,
  type DuckDBPreparedStatement,
  type DuckDBResult,
  SQLNULL,
  VARCHAR,
} from "@duckdb/node-api";
import { isoFromUs } from "../base/clock.ts";
import { WeirError } from "../base/errors.ts";
import type { AnsweredRow, Bound, Shown, Statement, Steps } from "../define/query.ts";
import { isFatal, storeError } from "./open.ts";
import { plainValue } from "./plain-value.ts";

/** Statements kept prepared on each connection; the one unused longest makes room. */
const PREPARED_MAX = 64;
/** Questions that wait for a connection; more are refused at once, so that nobody waits for an answer that comes too late. */
const WAITING_MAX = 64;
/** An interrupt that came before DuckDB began to work is forgotten by it, so it is repeated. */
const INTERRUPT_AGAIN_MS = 20;

/** What a question is answered with: plain JSON values, and where in the log the tables stood. */
export interface Answer {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly unknown[])[];
  /** Sequence of the log the rows speak of, and the time of its newest event; rows and position are of one snapshot. */
  readonly as_of: { readonly seq: number; readonly time: string | null };
  /** There were more rows than asked for. */
  readonly truncated: boolean;
  /** One sentence on the rows, where the question has one to say. */
  readonly note?: string;
}

/** Bounds of one answer. */
export interface SelectOptions {
  readonly rowsMax: number;
  readonly timeMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** What is done where rows are ahead of the tables that a statement reads. */
export interface Behind {
  /** Whether the statement may read tables that rows are ahead of. */
  readonly reads: (sql: string) => boolean;
  /** Writes these rows, and runs `begin` before anything else is written. */
  readonly catchUp: <T>(begin: () => Promise<T>) => Promise<T>;
}

/** Answers statements on a few connections of the one instance; close it before the instance. */
export interface Select {
  (statement: Statement, options: SelectOptions): Promise<Answer>;
  /** Answers several statements in one snapshot. */
  steps(steps: Steps, options: SelectOptions): Promise<Shown & Pick<Answer, "as_of">>;
  close(): void;
}

/** A connection with its prepared statements. */
interface Lane {
  readonly connection: DuckDBConnection;
  readonly prepared: Map<string, DuckDBPreparedStatement>;
}

/** When to stop: told by the clock or by whoever asked. */
interface Deadline {
  readonly check: () => void;
  readonly during: <T>(connection: DuckDBConnection, work: Promise<T>) => Promise<T>;
  /** Rejects when the time is over; for waits that cannot be interrupted. */
  readonly over: Promise<never>;
  readonly end: () => void;
}

const typeOf = (value: Bound) => {
  if (value === null) return SQLNULL;
  if (typeof value === "string") return VARCHAR;
  if (typeof value === "boolean") return BOOLEAN;
  return Number.isSafeInteger(value) ? BIGINT : DOUBLE;
};

/** Makes the function that answers statements on at most `connections` connections, opened when first needed. */
export function createSelect(
  instance: DuckDBInstance,
  {
    connections,
    prepare = async () => {},
    behind,
  }: {
    readonly connections: number;
    /** What is done to each connection before it is used. */
    readonly prepare?: (connection: DuckDBConnection) => Promise<void>;
    readonly behind?: Behind;
  },
): Select {
  const idle: Lane[] = [];
  const waiting: ((lane: Lane) => void)[] = [];
  let opened = 0;
  let closed = false;

  const open = async (): Promise<Lane> => {
    opened++;
    try {
      const connection = await instance.connect();
      await prepare(connection);
      return { connection, prepared: new Map() };
    } catch (error) {
      opened--;
      throw new WeirError("store_failed", "no connection to the tables", { cause: error });
    }
  };
  const take = (deadline: Deadline): Promise<Lane> => {
    if (closed) throw new WeirError("store_failed", "the tables are closed");
    const lane = idle.pop();
    if (lane) return Promise.resolve(lane);
    if (opened < connections) return open();
    if (waiting.length >= WAITING_MAX)
      throw new WeirError("limit_reached", `${WAITING_MAX} questions wait already`, { hint: "ask again in a moment" });
    return new Promise<Lane>((resolve, reject) => {
      waiting.push(resolve);
      deadline.over.catch((error) => {
        const at = waiting.indexOf(resolve);
        if (at >= 0) waiting.splice(at, 1);
        reject(error);
      });
    });
  };
  const give = (lane: Lane): void => {
    const next = waiting.shift();
    if (closed) shut(lane);
    else if (next) next(lane);
    else idle.push(lane);
  };

  const within = async <T>(
    first: Statement,
    { rowsMax, ...options }: SelectOptions,
    work: (run: Run) => Promise<T>,
  ): Promise<T & Pick<Answer, "as_of">> => {
    const deadline = startDeadline(options);
    try {
      const lane = await take(deadline);
      try {
        return await inSnapshot(lane, first, { deadline, behind, rowsMax }, work);
      } catch (error) {
        throw isFatal(error) ? storeError("weir.duckdb", error) : error;
      } finally {
        give(lane);
      }
    } finally {
      deadline.end();
    }
  };
  const select = (statement: Statement, options: SelectOptions): Promise<Answer> =>
    within(statement, options, (run) => run(statement));
  return Object.assign(select, {
    async steps(steps: Steps, options: SelectOptions): Promise<Shown & Pick<Answer, "as_of">> {
      let step = steps.next();
      if (step.done) throw new Error("a question asks nothing");
      return await within(step.value, options, async (run) => {
        while (!step.done) step = steps.next(objectsOf(await run(step.value)));
        return step.value;
      });
    },
    close(): void {
      closed = true;
      for (const lane of idle.splice(0)) shut(lane);
    },
  });
}

function shut(lane: Lane): void {
  for (const prepared of lane.prepared.values()) prepared.destroySync();
  lane.prepared.clear();
  lane.connection.closeSync();
}

function startDeadline({ timeMs, signal }: Omit<SelectOptions, "rowsMax">): Deadline {
  let fault: WeirError | undefined;
  let fail: (error: WeirError) => void = () => {};
  let again: NodeJS.Timeout | undefined;
  let busy: DuckDBConnection | undefined;
  const over = new Promise<never>((_, reject) => {
    fail = reject;
  });
  over.catch(() => {}); // whoever waits for it is told; often nobody does
  const stop = (error: WeirError): void => {
    if (fault) return;
    fault = error;
    fail(error);
    busy?.interrupt();
    again = setInterval(() => busy?.interrupt(), INTERRUPT_AGAIN_MS);
  };
  const timer = setTimeout(
    () =>
      stop(
        new WeirError("timeout", `the answer took longer than ${timeMs} ms`, {
          hint: "narrow the time range or the filters",
        }),
      ),
    timeMs,
  );
  const aborted = (): void => stop(new WeirError("timeout", "whoever asked went away"));
  if (signal?.aborted) aborted();
  else signal?.addEventListener("abort", aborted, { once: true });
  return {
    over,
    check: () => {
      if (fault) throw fault;
    },
    during: async (connection, work) => {
      busy = connection;
      try {
        return await work;
      } catch (error) {
        throw fault ?? (isOutOfMemory(error) ? TOO_MUCH() : error);
      } finally {
        busy = undefined;
      }
    },
    end: () => {
      clearTimeout(timer);
      clearInterval(again);
      signal?.removeEventListener("abort", aborted);
    },
  };
}

const isOutOfMemory = (error: unknown): boolean => error instanceof Error && error.message.startsWith("Out of Memory");

const TOO_MUCH = (): WeirError =>
  new WeirError("limit_reached", "the answer takes more memory than the tables may have", {
    hint: "narrow the period or the filters, or start weir with a larger WEIR_STORE_MEMORY_MB",
  });

/** The prepared statement of a text, made when it is new on this connection. */
async function prepare(lane: Lane, sql: string): Promise<DuckDBPreparedStatement> {
  const known = lane.prepared.get(sql);
  if (known) {
    lane.prepared.delete(sql);
    lane.prepared.set(sql, known);
    return known;
  }
  const made = await lane.connection.prepare(sql);
  lane.prepared.set(sql, made);
  if (lane.prepared.size > PREPARED_MAX) {
    const [oldest, prepared] = lane.prepared.entries().next().value!;
    prepared.destroySync();
    lane.prepared.delete(oldest);
  }
  return made;
}

/** Answers one statement in the snapshot that is open. */
type Run = (statement: Statement) => Promise<Omit<Answer, "as_of">>;

async function inSnapshot<T>(
  lane: Lane,
  first: Statement,
  {
    deadline,
    behind,
    rowsMax,
  }: { readonly deadline: Deadline; readonly behind: Behind | undefined; readonly rowsMax: number },
  work: (run: Run) => Promise<T>,
): Promise<T & Pick<Answer, "as_of">> {
  const { connection } = lane;
  deadline.check();
  try {
    let at = await begin(lane);
    const isBehind = ({ sql }: Statement): boolean => at.ahead > 0 && behind?.reads(sql) === true;
    if (behind && isBehind(first)) {
      await connection.run("rollback");
      at = await behind.catchUp(() => begin(lane));
    }
    const { seq, time_us } = at;
    const run: Run = async (statement) => {
      if (isBehind(statement))
        throw new Error("a later statement reads tables whose rows change, and the first one does not");
      const prepared = await prepare(lane, statement.sql);
      bind(prepared, { ...statement.values, ...standing(statement.sql, seq, time_us) });
      deadline.check();
      const result = await deadline.during(connection, prepared.stream());
      const columns = result.columnNames().map((name, k) => ({ name, type: String(result.columnType(k)) }));
      return { columns, ...(await rowsOf(connection, result, rowsMax, deadline)) };
    };
    return { ...(await work(run)), as_of: { seq, time: time_us > 0 ? isoFromUs(time_us) : null } };
  } finally {
    await connection.run("rollback").catch(() => {}); // nothing was written; a failure of the answer itself is what is told
  }
}

/** The rows of an answer, by column. */
export const objectsOf = ({ columns, rows }: Pick<Answer, "columns" | "rows">): AnsweredRow[] =>
  rows.map((row) => Object.fromEntries(columns.map(({ name }, k) => [name, row[k]])));

/** Opens a transaction for reading, and reads where the tables stand in it. */
async function begin(lane: Lane): Promise<{ seq: number; time_us: number; ahead: number }> {
  await lane.connection.run("begin transaction read only");
  const prepared = await prepare(lane, "select seq, time_us, ahead from _weir");
  const [row] = (await prepared.runAndReadAll()).getRows();
  const [seq = 0, time_us = 0, ahead = 0] = (row ?? []).map(Number);
  return { seq, time_us, ahead };
}

/** The values of `$as_of` and `$as_of_seq`, where the text names them. */
const standing = (sql: string, seq: number, time_us: number): Record<string, Bound> => ({
  ...(/\$as_of\b/.test(sql) && { as_of: time_us }),
  ...(/\$as_of_seq\b/.test(sql) && { as_of_seq: seq }),
});

function bind(prepared: DuckDBPreparedStatement, values: Readonly<Record<string, Bound>>): void {
  prepared.clearBindings();
  for (const [name, value] of Object.entries(values)) {
    const exact = typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : value;
    prepared.bindValue(prepared.parameterIndex(name), exact, typeOf(value));
  }
}

async function rowsOf(
  connection: DuckDBConnection,
  result: DuckDBResult,
  rowsMax: number,
  deadline: Deadline,
): Promise<{ rows: unknown[][]; truncated: boolean }> {
  const rows: unknown[][] = [];
  for (;;) {
    deadline.check();
    const chunk = await deadline.during(connection, result.fetchChunk());
    if (!chunk || chunk.rowCount === 0) return { rows, truncated: false };
    for (const row of chunk.getRows()) {
      if (rows.length >= rowsMax) return { rows, truncated: true };
      rows.push(row.map(plainValue));
    }
  }
}
