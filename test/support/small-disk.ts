import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const mount = (folder: string, size: string): void =>
  void execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size},mode=700`, "tmpfs", folder], { stdio: "ignore" });

/** Makes a folder a file system of its own with little room, until it is disposed of. */
export function mountSmall(folder: string, size: string): Disposable & AsyncDisposable {
  mkdirSync(folder, { recursive: true });
  mount(folder, size);
  const end = (): void => void execFileSync("umount", ["-l", folder], { stdio: "ignore" });
  return { [Symbol.dispose]: end, [Symbol.asyncDispose]: async () => end() };
}

/** Whether this machine lets a test mount a file system. */
export const smallDisk = ((): boolean => {
  const folder = mkdtempSync(join(tmpdir(), "weir-mount-"));
  try {
    mountSmall(folder, "1m")[Symbol.dispose]();
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
})();
