import { createHash } from "node:crypto";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { hostname, setPriority, uptime } from "node:os";
import { clock } from "./clock.ts";

/** Whether a process has this number, whoever made it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** What machine, which of its starts, and what space of process ids: only who shares it can judge a process by its number. */
export const PLACE = [hostname(), ...["/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"].map(tellOf)].join(" ");

function tellOf(path: string): string {
  try {
    return path.includes("/ns/") ? readlinkSync(path) : readFileSync(path, "utf8").trim();
  } catch {
    return ""; // not Linux: the name of the machine has to do
  }
}

/** Field 22 of /proc/PID/stat: when the process began, in ticks since the machine did. The name before it may hold anything. */
function ticksOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

/** Tells a process from every other that has or had its number; undefined where the system does not tell. */
export function markOf(pid: number): string | undefined {
  const ticks = ticksOf(pid);
  return ticks && createHash("sha256").update(`${PLACE} ${ticks}`).digest("hex").slice(0, 12);
}

const TICKS_PER_S = 100; // what Linux counts in for programs, whatever it counts in itself

/** When a process began, in milliseconds since the Unix epoch, or a time before that where the system does not tell. */
export function begunMs(pid: number): number {
  if (pid === process.pid) return clock.nowMs() - process.uptime() * 1_000;
  const machine = clock.nowMs() - uptime() * 1_000;
  return machine + (Number(ticksOf(pid) ?? 0) / TICKS_PER_S) * 1_000;
}

/**
 * Lets the calling thread go first where processors are short: the other threads of this process get a lower priority, all but the main one, from which every
 * child inherits. On Linux, where threads have priorities of their own (setpriority(2)); elsewhere nothing is done.
 */
export function goFirst(nice: number): void {
  if (process.platform !== "linux") return;
  const keep = [String(process.pid)];
  let threads: string[] = [];
  try {
    keep.push(readlinkSync("/proc/thread-self").split("/").at(-1)!);
    threads = readdirSync("/proc/self/task");
  } catch {
    // no /proc here: all share alike
  }
  for (const thread of threads.filter((one) => !keep.includes(one))) {
    try {
      setPriority(Number(thread), nice);
    } catch {
      // it ended meanwhile, or this is not allowed here
    }
  }
}
