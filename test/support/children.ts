import type { ChildProcess } from "node:child_process";

const children = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

/** Sees to it that a program does not outlive the test run, whichever way that ends. */
export function killWithUs(child: ChildProcess): void {
  children.add(child);
  child.once("close", () => children.delete(child));
}
