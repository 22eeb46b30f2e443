import { type ChildProcess, fork } from "node:child_process";
import { existsSync } from "node:fs";
import { LIMITS } from "../base/limits.ts";
import type { FollowStatus } from "./follow/follow.ts";
import type { Asked } from "./watch/project.ts";

/** What the watching process tells its parent. */
export interface Told {
  readonly following: readonly FollowStatus[];
  readonly watching: readonly { path: string; folders: number; files: number; repository: boolean }[];
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
  /** Folders whose files and git are to be watched; asked again and again. */
  readonly folders: () => Promise<Asked>;
  readonly log: { warn(about: object, message: string): void };
}): Watching {
  const { entry, env, log } = options;
  let last: Told | undefined;
  let stopping = false;
  let child: ChildProcess | undefined;
  let ended: Promise<void> = Promise.resolve();
  let again: NodeJS.Timeout | undefined;
  let looking: NodeJS.Timeout | undefined;
  let folders: Asked = { watch: [], taken: [] };
  const look = async (): Promise<void> => {
    folders = await options.folders().catch(() => folders); // the tables may be away for a moment
    if (stopping) return;
    // projects of other machines are no reason to start
    if (!child && (folders.watch.some((path) => existsSync(path)) || (await options.wanted().catch(() => false))))
      start();
    else tell();
    looking = setTimeout(() => void look(), LIMITS.watch_list_ms).unref();
  };
  const tell = (): void => {
    if (child?.connected) child.send(folders, () => {}); // it may end meanwhile
  };
  const start = (): void => {
    const loader = entry.endsWith(".ts") ? ["--import", "tsx"] : [];
    // a bounded heap: states of ten thousand transcripts take about a fifth of it
    const execArgv = ["--max-old-space-size=512", "--max-semi-space-size=8", ...loader];
    const started = fork(entry, [], { env, execArgv, stdio: ["ignore", "ignore", "inherit", "ipc"] });
    child = started;
    tell();
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
  void look();
  return {
    told: () => last,
    async stop() {
      stopping = true;
      clearTimeout(again);
      clearTimeout(looking);
      child?.kill("SIGTERM");
      const force = setTimeout(() => child?.kill("SIGKILL"), LIMITS.follow_stop_ms_max + 1_000);
      await ended;
      clearTimeout(force);
    },
  };
}
