import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { LIMITS } from "../../base/limits.ts";

/**
 * What is enforced where (measured on Linux x64, Node 20.20, DuckDB 1.5.6):
 *
 * | what | by | value |
 * |---|---|---|
 * | address space | `ulimit -v`, Linux | 1.5 GiB: Node and DuckDB reserve 0.82 GiB before the first statement; 0.8 is too little |
 * | resident memory | the child looks every 25 ms | 700 MB; the only bound on memory where there is no `ulimit -v` (macOS, Windows) |
 * | memory of tables and sorting | DuckDB's memory_limit | 256 MB, nothing on disk |
 * | heap of JavaScript | --max-old-space-size | 128 MB |
 * | processor time | `ulimit -t`, Linux and macOS | 60 s of a process; the parent renews it after 30 |
 * | writing files | `ulimit -f 0`, Linux and macOS | none may grow: also what escapes the gate writes nothing |
 * | open files, core files | `ulimit -n`, `ulimit -c` | 64, none |
 * | wall time | interrupt in the child, then SIGKILL by the parent | the deadline, then one second |
 * | environment | spawn | empty, but for one setting of the C library that saves address space |
 *
 * A newer Node may reserve more: where the process does not come up, the next larger address space is tried.
 */
export const ADDRESS_SPACES_KB: readonly (number | undefined)[] = [1_572_864, 6_291_456, undefined];

const NODE_FLAGS = ["--max-old-space-size=128", "--max-semi-space-size=8", "--v8-pool-size=1", "--no-warnings"];
const SHELL = "/bin/sh";

/** Limits as shell words; one that the system does not know is left out, the others hold. */
function limitWords(addressSpaceKb: number | undefined, built: boolean): string {
  const limits = [`-c 0`, `-t ${LIMITS.sandbox_cpu_s}`];
  // Development runs TypeScript through a compiler that writes a cache and reserves much address space of its own.
  if (built) limits.push(`-n ${LIMITS.sandbox_files_max}`, "-f 0", ...(addressSpaceKb ? [`-v ${addressSpaceKb}`] : []));
  return `${limits.map((limit) => `ulimit ${limit} 2>/dev/null;`).join(" ")} exec "$0" "$@"`;
}

/** Starts the child behind its limits. A `.ts` entry is run through tsx, anything else by Node as it is. */
export function startChild(entry: string, addressSpaceKb: number | undefined): ChildProcess {
  const built = !entry.endsWith(".ts");
  const loader = built ? [] : ["--import", pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href];
  const words = [...NODE_FLAGS, ...loader, entry];
  const options: SpawnOptions = { env: { MALLOC_ARENA_MAX: "2" }, cwd: "/", stdio: "pipe", windowsHide: true };
  if (!existsSync(SHELL)) return spawn(process.execPath, words, { ...options, cwd: process.cwd() });
  return spawn(SHELL, ["-c", limitWords(addressSpaceKb, built), process.execPath, ...words], options);
}
