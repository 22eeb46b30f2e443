import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

const running = new Set<number>();
process.once("exit", () => {
  for (const pid of running) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // it ended just now
    }
  }
});
// a worker whose test hangs is told to end by a signal, which no exit follows by itself
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.once(signal, () => process.exit(1));

/** Sees to it that a process does not outlive the test run, whichever way that ends. */
export function endWithUs(pid: number, ended: Promise<unknown>): void {
  running.add(pid);
  const over = (): boolean => running.delete(pid);
  ended.then(over, over);
}

/** {@link endWithUs} for a program that a test started; one that could not be started has nothing to end. */
export function killWithUs(child: ChildProcess): void {
  if (child.pid !== undefined) endWithUs(child.pid, once(child, "exit"));
}
