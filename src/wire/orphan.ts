import { execFile } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { WeirError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import { isAlive } from "../base/process.ts";

/*
 * A nats-server cannot be told to die with its parent, so a weir that was killed with -9 leaves its broker running. It
 * holds the port and, worse, the store: nothing in nats-server stops a second one from opening the same folder. Therefore
 * each start leaves a note (pid of the broker, pid of weir), and the next start reads it:
 *   the process is gone, or its number now belongs to another program → nothing to do
 *   it is our broker, and still the child of the weir that noted it   → that weir is alive: refuse
 *   it is our broker, and its parent is another process               → an orphan: end it, wait until it is gone
 *   there is a process, and this machine does not tell what it is     → refuse and name it; never two on one store
 * "Our broker" means that the path of this data folder's config file stands in its command line.
 */

interface Note {
  readonly pid: number;
  readonly owner: number;
}

interface Seen {
  readonly parent: number;
  readonly command: string;
}

const noteFile = (dir: string) => join(dir, "broker.json");

/** Notes which process is the broker of the folder and which weir started it. */
export async function noteBroker(dir: string, note: Note): Promise<void> {
  await writeFile(noteFile(dir), `${JSON.stringify(note)}\n`, { mode: 0o600 });
}

/** Takes the note of a broker that has ended away; one of a later broker stays. */
export async function forgetBroker(dir: string, pid: number): Promise<void> {
  if ((await readNote(dir))?.pid === pid) await rm(noteFile(dir), { force: true });
}

async function readNote(dir: string): Promise<Note | undefined> {
  try {
    const note = JSON.parse(await readFile(noteFile(dir), "utf8")) as Partial<Note>;
    if (Number.isSafeInteger(note.pid) && Number.isSafeInteger(note.owner) && note.pid! > 1) return note as Note;
  } catch {
    // no note, or one torn by a power cut: then no process of it is left either
  }
  return undefined;
}

/** What the machine tells about a process; undefined where it is gone, "unknown" where the machine does not tell. */
async function look(pid: number): Promise<Seen | "unknown" | undefined> {
  if (!isAlive(pid)) return undefined;
  try {
    if (process.platform === "linux") {
      const status = await readFile(`/proc/${pid}/status`, "utf8");
      const command = (await readFile(`/proc/${pid}/cmdline`, "utf8")).replaceAll("\0", "\n");
      return { parent: Number(/^PPid:\s*(\d+)/m.exec(status)?.[1] ?? 0), command }; // a zombie's command is empty
    }
    const { stdout } = await promisify(execFile)("ps", ["-ww", "-o", "ppid=,args=", "-p", String(pid)]);
    const [, parent, command] = /^\s*(\d+)\s+(.*)$/m.exec(stdout) ?? [];
    return { parent: Number(parent ?? 0), command: command ?? "" };
  } catch {
    return isAlive(pid) ? "unknown" : undefined;
  }
}

/** Ends the broker that a killed weir left on this folder, if there is one. `confPath` is how a broker of ours is known. */
export async function endOrphan({ dir, confPath, log }: { dir: string; confPath: string; log: Log }): Promise<void> {
  const note = await readNote(dir);
  if (!note) return;
  const seen = await look(note.pid);
  if (seen === "unknown") {
    throw new WeirError("already_running", `process ${note.pid} may be a nats-server that holds ${dir}`, {
      hint: `end it if it is one, or remove ${noteFile(dir)} if it is not`,
    });
  }
  if (seen?.command.includes(confPath)) {
    if (seen.parent === note.owner && note.owner !== process.pid) {
      throw new WeirError("already_running", `weir with process id ${note.owner} holds the broker of ${dir}`);
    }
    log.warn({ pid: note.pid }, "an earlier weir was killed and left its broker running; it is ended");
    await end(note.pid, confPath);
  }
  await forgetBroker(dir, note.pid);
}

async function end(pid: number, confPath: string): Promise<void> {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    try {
      process.kill(pid, signal);
    } catch {
      return; // gone meanwhile
    }
    const until = performance.now() + LIMITS.broker_stop_ms_max;
    while (performance.now() < until) {
      const seen = await look(pid);
      if (seen === undefined || (seen !== "unknown" && !seen.command.includes(confPath))) return;
      await pause(5);
    }
  }
  throw new WeirError("already_running", `the nats-server with process id ${pid} does not end`);
}
