import { spawn } from "node:child_process";
import { constants } from "node:os";
import type { Readable, Writable } from "node:stream";
import { LIMITS } from "../../base/limits.ts";

/** How a server ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly uptime_ms: number;
  /** The last of what it wrote to stderr. */
  readonly stderr: string;
  /** It could not be started at all. */
  readonly error?: NodeJS.ErrnoException;
}

/** A running server. */
export interface Server {
  readonly pid: number | undefined;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Its process is gone, but its output may not have come through. */
  readonly exited: Promise<void>;
  /** It is gone, with all its output. */
  readonly ended: Promise<Ended>;
  kill(signal: NodeJS.Signals): void;
}

/** The shell's exit code for an end: 128 and the signal's number, 127 for a command that is not there, 126 for one that cannot run. */
export function exitCodeOf({ code, signal, error }: Ended): number {
  if (error) return error.code === "ENOENT" ? 127 : 126;
  return signal ? 128 + constants.signals[signal] : (code ?? 1);
}

/** Starts a server without a shell, with the environment and folder of this process. */
export function startServer(command: string, args: readonly string[]): Server {
  const started = performance.now();
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"], windowsHide: true });
  const { stdin, stdout, stderr } = child;
  let tail = Buffer.alloc(0);
  let error: NodeJS.ErrnoException | undefined;
  stdin.on("error", () => {}); // it may end before it has read everything; its end is told by `ended`
  stderr.on("data", (chunk: Buffer) => {
    tail = Buffer.from(Buffer.concat([tail, chunk]).subarray(-LIMITS.mcp_stderr_bytes));
  });
  const exited = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", (failure) => {
      if (child.pid === undefined) error = failure;
      if (child.pid === undefined) resolve();
    });
  });
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const ended = exited.then(async (): Promise<Ended> => {
    const uptime_ms = performance.now() - started;
    // a process it left behind may hold its output open for ever; a client that does not read is no reason to cut it off
    let limit: NodeJS.Timeout | undefined;
    const quiet = new Promise<void>((resolve) => {
      const look = (): void => {
        if (stdout.isPaused()) limit = setTimeout(look, LIMITS.mcp_close_ms);
        else resolve();
      };
      limit = setTimeout(look, LIMITS.mcp_close_ms);
    });
    if (!error) await Promise.race([closed, quiet]);
    clearTimeout(limit);
    for (const stream of [stdin, stdout, stderr]) stream.destroy();
    return { code: child.exitCode, signal: child.signalCode, uptime_ms, stderr: tail.toString(), error };
  });
  return { pid: child.pid, stdin, stdout, stderr, exited, ended, kill: (signal) => void child.kill(signal) };
}
