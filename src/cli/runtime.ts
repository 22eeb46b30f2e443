import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { WeirError } from "../base/errors.ts";
import { isAlive } from "../base/process.ts";

/** What a running weir tells its clients, in `<data>/runtime.json` (0600). */
export interface Runtime {
  readonly pid: number;
  readonly http_url: string;
  readonly nats_url: string;
  readonly token: string;
  readonly version: string;
  readonly started_at: string;
}

const fileOf = (dataDir: string): string => join(dataDir, "runtime.json");

/** The running weir of a data folder; undefined where none runs. */
export function findRuntime(dataDir: string): Runtime | undefined {
  try {
    const runtime = JSON.parse(readFileSync(fileOf(dataDir), "utf8")) as Runtime;
    return isAlive(runtime.pid) ? runtime : undefined;
  } catch {
    return undefined;
  }
}

/** The weir that really answers on a data folder: after a crash the number of its process may belong to another program. */
export async function runningHere(dataDir: string): Promise<Runtime | undefined> {
  const runtime = findRuntime(dataDir);
  if (!runtime) return undefined;
  const answers = await fetch(`${runtime.http_url}/health`, { signal: AbortSignal.timeout(2_000) })
    .then(async (response) => typeof ((await response.json()) as { version?: unknown }).version === "string")
    .catch((error: unknown) => error instanceof Error && error.name === "TimeoutError"); // busy, but there
  return answers ? runtime : undefined;
}

/** The running weir of a data folder. Throws `not_running`. */
export function needRuntime(dataDir: string): Runtime {
  const runtime = findRuntime(dataDir);
  if (!runtime) throw new WeirError("not_running", `no weir runs on ${dataDir}`);
  return runtime;
}

export function writeRuntime(dataDir: string, runtime: Runtime): void {
  const file = fileOf(dataDir);
  writeFileSync(`${file}.tmp`, `${JSON.stringify(runtime)}\n`, { mode: 0o600 });
  renameSync(`${file}.tmp`, file);
}

/** Takes the record away again, if it is ours. */
export function removeRuntime(dataDir: string): void {
  if (findRuntime(dataDir)?.pid === process.pid) rmSync(fileOf(dataDir), { force: true });
}
