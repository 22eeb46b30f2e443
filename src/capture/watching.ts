import { type ChildProcess, fork } from "node:child_process";
import { LIMITS } from "../base/limits.ts";
import type { FollowStatus } from "./follow/follow.ts";

/** What the watching process tells its parent. */
export interface Told {
  readonly following: readonly FollowStatus[];
}

/** The process that follows transcripts, see {@link startWatching}. */
export interface Watching {
  /** What it told last; nothing before it is up. */
  told(): Told | undefined;
  stop(): Promise<void>;
}

/**
 * Starts the watching process once there is something to watch, and starts it again when it fails: positions and ids make that harmless.
 * A machine without assistants does not pay for it.
 */
export function startWatching(options: {
  /** The program, `.ts` in development. */
  readonly entry: string;
  readonly env: NodeJS.ProcessEnv;
  /** Whether there is something to watch; asked until there is. */
  readonly wanted: () => Promise<boolean>;
  readonly log: { warn(about: object, message: string): void };
}): Watching {
  const { entry, env, log } = options;
  let last: Told | undefined;
  let stopping = false;
  let child: ChildProcess | undefined;
  let ended: Promise<void> = Promise.resolve();
  let again: NodeJS.Timeout | undefined;
  const startWhenWanted = async (): Promise<void> => {
    const wanted = await options.wanted().catch(() => false);
    if (stopping) return;
    if (wanted) return start();
    again = setTimeout(() => void startWhenWanted(), LIMITS.follow_sweep_ms).unref();
  };
  const start = (): void => {
    const loader = entry.endsWith(".ts") ? ["--import", "tsx"] : [];
    // a bounded heap: states of ten thousand transcripts take about a fifth of it
    const execArgv = ["--max-old-space-size=512", "--max-semi-space-size=8", ...loader];
    const started = fork(entry, [], { env, execArgv, stdio: ["ignore", "ignore", "inherit", "ipc"] });
    child = started;
    started.on("message", (told: Told) => {
      last = told;
    });
    started.on("error", (error) => log.warn({ err: error }, "the watching process could not be started"));
    ended = new Promise((resolve) => {
      started.once("close", (code, signal) => {
        resolve();
        if (stopping) return;
        log.warn({ code, signal }, "the watching process ended; it is started again");
        again = setTimeout(start, LIMITS.follow_restart_ms);
      });
    });
  };
  void startWhenWanted();
  return {
    told: () => last,
    async stop() {
      stopping = true;
      clearTimeout(again);
      child?.kill("SIGTERM");
      const force = setTimeout(() => child?.kill("SIGKILL"), LIMITS.follow_stop_ms_max + 1_000);
      await ended;
      clearTimeout(force);
    },
  };
}
