/**
 * The child process that runs SQL from outside. It owns nothing: its environment is empty, its limits were set before it
 * began (run.ts), and it opens a snapshot for reading with settings that cannot be changed. It reads requests from stdin
 * and answers on stdout, one JSON text a line, one request at a time, and ends when stdin ends. It may be killed any time.
 */
import { createInterface } from "node:readline";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { plainValue } from "../plain-value.ts";
import { judgeText, judgeTree } from "./gate.ts";
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

const MEMORY_LIMIT = "256MB"; // DuckDB keeps it for tables and sorting, not for every function
const RESIDENT_BYTES_MAX = 700_000_000; // looked at while a statement runs; the address space is bounded from outside
const WATCH_MS = 25;

const SETTINGS = {
  access_mode: "READ_ONLY",
  memory_limit: MEMORY_LIMIT,
  threads: "2",
  max_temp_directory_size: "0B",
  autoinstall_known_extensions: "false",
  autoload_known_extensions: "false",
  allow_community_extensions: "false",
  enable_external_access: "false",
};

interface Open {
  readonly key: string;
  readonly instance: DuckDBInstance;
  readonly connection: DuckDBConnection;
}
let open: Open | undefined;
let running: { readonly id: number; stopped: boolean } | undefined;

/** The connection to the snapshot of a request; another snapshot replaces the one before. */
async function connect({ snapshot, stamp }: Request): Promise<DuckDBConnection> {
  const key = `${stamp} ${snapshot}`;
  if (open?.key === key) return open.connection;
  open?.connection.closeSync();
  open?.instance.closeSync();
  open = undefined;
  const instance = await DuckDBInstance.create(snapshot, SETTINGS);
  const connection = await instance.connect();
  await connection.run("set timezone = 'UTC'");
  await connection.run("set lock_configuration = true");
  open = { key, instance, connection };
  return connection;
}

class Refused extends Error {}

/** DuckDB's message without its advice on settings, which nobody can change here. */
const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n\nPossible solutions:")[0]!.slice(0, 2_000);

/** Memory that is short is told as such, or as a file that may not be written in its place. */
const IS_MEMORY = /^Out of Memory|^IO Error: .*File too large|max_temp_directory_size/s;

function failureOf(error: unknown, stopped: boolean, time_ms: number): { code: FailureCode; message: string } {
  if (error instanceof Refused) return { code: "sql_refused", message: messageOf(error) };
  if (stopped) return { code: "timeout", message: stoppedAfter(time_ms) };
  const message = messageOf(error);
  if (IS_MEMORY.test(message)) return { code: "limit_reached", message: TOO_MUCH_MEMORY };
  return { code: "sql_failed", message };
}

/** Puts the statement before the gate; the text is parsed by the same parser that will run it. */
async function pass(connection: DuckDBConnection, { sql, tables }: Request): Promise<void> {
  const text = judgeText(sql);
  if (!text.allowed) throw new Refused(text.reason);
  const serialized = await connection.runAndReadAll("select json_serialize_sql(?::varchar)", [text.inner]);
  const decision = judgeTree(String(serialized.getRows()[0]?.[0]), tables);
  if (!decision.allowed) throw decision.mistake ? new Error(decision.reason) : new Refused(decision.reason);
  const { count } = await connection.extractStatements(sql);
  if (count !== 1) throw new Refused(`one statement at a time, not ${count}`);
}

/** Reads rows chunk by chunk and stops at the limits; the rest of the result is never made. */
async function read(connection: DuckDBConnection, { sql, rows_max, bytes_max }: Request): Promise<Answer> {
  const result = await connection.stream(sql);
  const types = result.columnTypes();
  const columns = result.columnNames().map((name, i) => ({ name, type: types[i]!.toString() }));
  const rows: unknown[][] = [];
  let bytes = 0;
  for (;;) {
    const chunk = await result.fetchChunk();
    if (!chunk || chunk.rowCount === 0) return { columns, rows, truncated: false };
    for (let i = 0; i < chunk.rowCount; i++) {
      const row = chunk.getRowValues(i).map(plainValue);
      bytes += JSON.stringify(row).length;
      if (rows.length >= rows_max || bytes > bytes_max) return { columns, rows, truncated: true };
      rows.push(row);
    }
  }
}

function say(reply: Reply): void {
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}

function used(): Used {
  const { user, system } = process.cpuUsage();
  return { cpu_ms: Math.round((user + system) / 1_000), rss_bytes: process.memoryUsage.rss() };
}

async function run(request: Request): Promise<void> {
  const { id, time_ms } = request;
  const mine = { id, stopped: false };
  running = mine;
  const stop = (): void => {
    mine.stopped = true;
    open?.connection.interrupt();
  };
  const deadline = setTimeout(stop, time_ms);
  const watch = setInterval(() => {
    if (process.memoryUsage.rss() > RESIDENT_BYTES_MAX) process.kill(process.pid, "SIGKILL"); // an orderly end could wait
    if (mine.stopped) open?.connection.interrupt(); // an interrupt before the statement began was lost
  }, WATCH_MS);
  let connection: DuckDBConnection;
  try {
    try {
      connection = await connect(request);
    } catch (error) {
      return say({ id, used: used(), code: "store_failed", message: messageOf(error) });
    }
    await pass(connection, request);
    const answer = await read(connection, request);
    say({ id, used: used(), answer });
  } catch (error) {
    say({ id, used: used(), ...failureOf(error, mine.stopped, time_ms) });
  } finally {
    clearTimeout(deadline);
    clearInterval(watch);
    running = undefined;
  }
}

const isCancel = (message: Request | Cancel): message is Cancel => "cancel" in message;

createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })
  .on("line", (line) => {
    const message = JSON.parse(line) as Request | Cancel;
    if (!isCancel(message)) void run(message);
    else if (running?.id === message.cancel) {
      running.stopped = true;
      open?.connection.interrupt();
    }
  })
  .on("close", () => (running ? process.kill(process.pid, "SIGKILL") : process.exit(0)));
say({ ready: true });
