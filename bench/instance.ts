import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A weir of the build, started as users start it, on a data folder of its own. */
export interface Instance {
  readonly dir: string;
  readonly pid: number;
  readonly http_url: string;
  readonly token: string;
  /** From start to the healthy line, in milliseconds. */
  readonly start_ms: number;
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body: unknown): Promise<T>;
  /** Resident memory of weir and its children, in megabytes. */
  rss(): number;
  /** Processor time of weir and its children, in seconds. */
  cpu(): number;
  stop(): Promise<void>;
}

const CLI = new URL("../dist/src/cli.js", import.meta.url).pathname;

/** Environment of a bench's weir: free ports, nothing of the user's. */
export const environment = (dir: string): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  HOME: dir,
  WEIR_DATA_DIR: dir,
  WEIR_HTTP_PORT: "0",
  WEIR_NATS_PORT: "0",
  ...(process.env.WEIR_FOLLOW ? { WEIR_FOLLOW: process.env.WEIR_FOLLOW } : {}),
  ...(process.env.WEIR_STORE_THREADS ? { WEIR_STORE_THREADS: process.env.WEIR_STORE_THREADS } : {}),
});

export async function startInstance(
  dir: string = mkdtempSync(join(tmpdir(), "weir-bench-")),
  words: readonly string[] = [],
): Promise<Instance> {
  const started = performance.now();
  const child: ChildProcess = spawn(process.execPath, [...words, CLI, "up", "--json"], {
    env: environment(dir),
    stdio: ["ignore", "pipe", "inherit"],
  });
  const line = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout! }).once("line", resolve);
    child.once("exit", (code) => reject(new Error(`weir ended with ${code}`)));
  });
  const start_ms = performance.now() - started;
  const runtime = JSON.parse(line) as { pid: number; http_url: string; token: string };
  const call = async <T>(path: string, init: RequestInit = {}): Promise<T> => {
    const response = await fetch(`${runtime.http_url}${path}`, {
      ...init,
      headers: { Authorization: `Bearer ${runtime.token}`, "Content-Type": "application/json" },
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  };
  return {
    dir,
    ...runtime,
    start_ms,
    get: (path) => call(path),
    post: (path, body) => call(path, { method: "POST", body: JSON.stringify(body) }),
    rss: () => family(runtime.pid).reduce((sum, pid) => sum + rssOf(pid), 0),
    cpu: () => family(runtime.pid).reduce((sum, pid) => sum + cpuOf(pid), 0),
    async stop() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** Removes a data folder. */
export const remove = (dir: string): void => rmSync(dir, { recursive: true, force: true });

/** A process and all below it. */
function family(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const parent = Number(readFileSync(`/proc/${entry}/stat`, "utf8").split(") ")[1]!.split(" ")[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
    } catch {
      // it ended meanwhile
    }
  }
  const out: number[] = [];
  const walk = (pid: number): void => {
    out.push(pid);
    for (const child of children.get(pid) ?? []) walk(child);
  };
  walk(root);
  return out;
}

function rssOf(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1_024;
  } catch {
    return 0;
  }
}

function cpuOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return 0;
  }
}

/** Applied events, by the status of a running instance. */
export const applied = async (weir: Instance): Promise<number> =>
  (await weir.get<{ tables: { applied: number } }>("/api/status")).tables.applied;

/** Waits until the tables hold that many events. */
export async function untilApplied(weir: Instance, events: number): Promise<void> {
  for (;;) {
    if ((await applied(weir)) >= events) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A producer in a process of its own, through the SDK; resolves with what it did. */
export function startProducer(
  dir: string,
  options: Readonly<Record<string, string | number>>,
): { done: Promise<{ events: number; seconds: number; cpu_s: number }>; stop(): void } {
  const words = Object.entries(options).flatMap(([key, value]) => [`--${key}`, String(value)]);
  const child = spawn(
    process.execPath,
    ["--import", "tsx", new URL("./producer.ts", import.meta.url).pathname, ...words],
    { env: environment(dir), stdio: ["ignore", "pipe", "inherit"] },
  );
  const done = new Promise<{ events: number; seconds: number; cpu_s: number }>((resolve, reject) => {
    let text = "";
    child.stdout.on("data", (part) => {
      text += part;
    });
    child.once("exit", (code) =>
      code === 0 ? resolve(JSON.parse(text)) : reject(new Error(`the producer ended with ${code}`)),
    );
  });
  return { done, stop: () => child.kill("SIGTERM") };
}

/** Rows as a plain table. */
export function table(rows: readonly Readonly<Record<string, unknown>>[]): void {
  const names = Object.keys(rows[0] ?? {});
  const text = rows.map((row) =>
    names.map((name) =>
      typeof row[name] === "number" ? Number((row[name] as number).toPrecision(5)).toString() : String(row[name]),
    ),
  );
  const widths = names.map((name, k) => Math.max(name.length, ...text.map((row) => row[k]!.length)));
  const line = (cells: readonly string[]): string => cells.map((cell, k) => cell.padStart(widths[k]!)).join("  ");
  process.stdout.write(`${[line(names), ...text.map(line)].join("\n")}\n`);
}

/** The p-th part of sorted values. */
export const quantile = (sorted: readonly number[], p: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))] ?? Number.NaN;
