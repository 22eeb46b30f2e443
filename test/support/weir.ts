import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { onTestFailed } from "vitest";
import { killWithUs } from "./children.ts";
import { tempDir } from "./temp.ts";
import { until } from "./until.ts";

/** The project's folder, and the command line as users run it. */
export const ROOT = resolve(import.meta.dirname, "../..");
export const CLI = join(ROOT, "dist/src/cli.js");
/** For what takes a machine's time: two minutes at least, instead of twenty seconds. */
export const PATIENT = { tries: 24_000 };

/** How a program ended, and what it said. */
export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What `<data>/runtime.json` says. */
export interface Runtime {
  readonly pid: number;
  readonly http_url: string;
  readonly nats_url: string;
  readonly token: string;
  readonly version: string;
  readonly started_at: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string;
}

/** A program that a test started. */
export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ran>;
  stdout(): string;
  stderr(): string;
}

/** The environment of a weir on a folder: any free ports, a home of its own, nothing of the machine's settings. */
export const envOf = (dataDir: string, more: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  PATH: process.env.PATH ?? "",
  HOME: join(dataDir, "..", "home"),
  TZ: "Asia/Tokyo", // times are UTC wherever weir runs
  WEIR_DATA_DIR: dataDir,
  WEIR_HTTP_PORT: "0",
  WEIR_NATS_PORT: "0",
  ...(process.env.WEIR_NATS_SERVER ? { WEIR_NATS_SERVER: process.env.WEIR_NATS_SERVER } : {}),
  ...more,
});

/** Starts a program and keeps what it says; it does not outlive the test run. */
export function start(program: string, args: readonly string[], { env, cwd = ROOT, input }: RunOptions = {}): Started {
  const child = spawn(program, args, { env, cwd, stdio: ["pipe", "pipe", "pipe"] });
  killWithUs(child);
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  child.stdin.on("error", () => {}); // it may end before it has read everything
  if (input !== undefined) child.stdin.end(input);
  const ended = new Promise<Ran>((done, failed) => {
    child.once("error", failed);
    child.once("close", (code) => done({ code, stdout, stderr }));
  });
  return { child, ended, stdout: () => stdout, stderr: () => stderr };
}

/** Runs the command line to its end. */
export const cli = (args: readonly string[], options: RunOptions = {}): Promise<Ran> =>
  start(process.execPath, [CLI, ...args], { input: "", ...options }).ended;

/** Whether a process runs; one that only waits for its parent to look at it does not. */
export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !existsSync(`/proc/${pid}/stat`) || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** The broker of a data folder, as weir notes it. */
export function brokerPid(dataDir: string): number | undefined {
  try {
    return (JSON.parse(readFileSync(join(dataDir, "nats/broker.json"), "utf8")) as { pid: number }).pid;
  } catch {
    return undefined;
  }
}

/** A weir that runs, started from dist/ the way users start it. */
export interface Weir {
  readonly dataDir: string;
  readonly runtime: Runtime;
  readonly env: Readonly<Record<string, string>>;
  readonly process: Started;
  /** Runs a command against it. */
  run(args: readonly string[], options?: RunOptions): Promise<Ran>;
  /** Runs a command that must succeed, and reads its JSON. */
  json<T = Record<string, unknown>>(args: readonly string[], options?: RunOptions): Promise<T>;
  /** Rows of a statement, as `weir sql --json` prints them. */
  sql<T = Record<string, unknown>>(text: string): Promise<T[]>;
  /** A request with its token. */
  http(path: string, init?: RequestInit): Promise<Response>;
  /** The tables have everything that was accepted before the call, also what a producer of another process sent. */
  settled(): Promise<void>;
  /** Ends it by a signal; with SIGKILL the broker is killed too, as when the machine goes down. */
  stop(signal?: NodeJS.Signals): Promise<Ran>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface StartOptions {
  /** Folder to run on; one of its own where absent, removed in the end. */
  readonly dataDir?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts `weir up`: `await using weir = await startWeir()`. Its log is printed when the test fails. */
export async function startWeir({ dataDir, args = [], env: more }: StartOptions = {}): Promise<Weir> {
  const own = dataDir === undefined ? await tempDir() : undefined;
  const folder = dataDir ?? join(own!.path, "data");
  const env = envOf(folder, more);
  await mkdir(env.HOME!, { recursive: true });
  const up = start(process.execPath, [CLI, "up", "--json", ...args], { env });
  printOnFailure(() => `weir up on ${folder}:\n${up.stderr()}`);
  let over = false;
  void up.ended.then(() => {
    over = true;
  });
  const line = await until(
    "weir is up",
    () => (/^(\{.*\})$/m.exec(up.stdout())?.[1] ?? over) as string | boolean,
    PATIENT,
  );
  if (typeof line !== "string") {
    await own?.[Symbol.asyncDispose]();
    throw new Error(`weir did not start:\n${up.stderr()}`);
  }
  const runtime = JSON.parse(line) as Runtime;
  const run = (words: readonly string[], options: RunOptions = {}) =>
    cli(words, { ...options, env: { ...env, ...options.env } });
  const weir: Weir = {
    dataDir: dirOf(runtime, folder, args),
    runtime,
    env,
    process: up,
    run,
    async json<T>(words: readonly string[], options?: RunOptions) {
      const ran = await run(words, options);
      if (ran.code !== 0)
        throw new Error(`weir ${words.join(" ")} ended with ${ran.code}:\n${ran.stderr}\n${ran.stdout}`);
      return JSON.parse(ran.stdout) as T;
    },
    async sql<T>(text: string) {
      const response = await weir.http("/api/sql", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ query: text }),
      });
      const { columns, rows, error } = (await response.json()) as {
        columns: { name: string }[];
        rows: unknown[][];
        error?: unknown;
      };
      if (!response.ok) throw new Error(`${text}: ${JSON.stringify(error)}`);
      return rows.map((row) => Object.fromEntries(columns.map(({ name }, k) => [name, row[k]]))) as T[];
    },
    http: (path, init = {}) =>
      fetch(`${runtime.http_url}${path}`, {
        ...init,
        headers: { Authorization: `Bearer ${runtime.token}`, ...init.headers },
      }),
    async settled() {
      let before = "";
      await until(
        "everything is in the tables",
        async () => {
          const status = (await (await weir.http("/api/status")).json()) as StatusSeen;
          if (!settledIn(status)) return false;
          // twice the same: nothing was between two stages when it was looked at
          const now = JSON.stringify(status.streams.map((s) => s.last_seq));
          const same = now === before;
          before = now;
          return same;
        },
        PATIENT,
      );
    },
    async stop(signal = "SIGTERM") {
      const broker = brokerPid(folder);
      up.child.kill(signal);
      if (signal === "SIGKILL" && broker && alive(broker)) process.kill(broker, "SIGKILL");
      return up.ended;
    },
    async [Symbol.asyncDispose]() {
      if (!over) {
        const force = setTimeout(() => up.child.kill("SIGKILL"), 30_000);
        await weir.stop();
        clearTimeout(force);
      }
      const broker = brokerPid(folder);
      if (broker && alive(broker)) process.kill(broker, "SIGKILL");
      await own?.[Symbol.asyncDispose]();
    },
  };
  return weir;
}

const dirOf = (_: Runtime, folder: string, args: readonly string[]): string =>
  args.includes("--demo") ? join(folder, "demo") : folder;

interface StatusSeen {
  readonly streams: readonly { name: string; last_seq: number }[];
  readonly processors: readonly { name: string; input_seq: number }[];
  readonly tables: { readonly seq: number };
  readonly producers: { readonly spooled: number };
}

/** The stages stand at the ends of their streams. Detection and alerts read what they write themselves, so they follow as well. */
function settledIn({ streams, processors, tables, producers }: StatusSeen): boolean {
  const end = (name: string) => streams.find((s) => s.name === name)?.last_seq ?? -1;
  const inputs: Record<string, string> = { validate: "WEIR_IN", enrich: "WEIR_VALID" };
  return (
    producers.spooled === 0 &&
    tables.seq === end("WEIR_EVENTS") &&
    processors.every((p) => p.input_seq >= end(inputs[p.name] ?? "WEIR_EVENTS"))
  );
}

function printOnFailure(text: () => string): void {
  try {
    onTestFailed(() => console.error(text()));
  } catch {
    // called outside a test, from beforeAll: there is no test yet whose failure could print it
  }
}
