import type { Config } from "../base/config.ts";
import { ERRORS, type ErrorCode, WeirError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { keepThread } from "../base/thread.ts";
import type { Credential } from "../wire/credentials.ts";

/** What the front works with; plain data, because it crosses to another heap. */
export interface FrontOptions {
  readonly config: Config;
  readonly url: string;
  readonly credentials: Credential | undefined;
  /** The token of runtime.json. */
  readonly token: string;
  readonly spoolFolder: string;
  readonly version: string;
  /** Where it shall listen; 0 takes any free port. */
  readonly port: number;
  /** Where the server listens that answers what is no capture. */
  readonly behind: number;
}

/** What the front tells. */
export type FrontTold =
  | { readonly kind: "listening"; readonly port: number }
  | { readonly kind: "failed"; readonly code: ErrorCode; readonly message: string; readonly hint: string }
  | { readonly kind: "dropped"; readonly dropped: number };

/** The thread that takes in what comes over HTTP, see {@link startFront}. */
export interface Front {
  /** Listens and answers with the port. Throws `port_in_use`. */
  listen(options: FrontOptions): Promise<number>;
  /** Events it gave up at a limit. */
  dropped(): number;
  stop(): Promise<void>;
}

/**
 * Starts the thread that owns weir's port. What is sent to weir (hooks, OTLP, events) it takes in itself, with a producer of its own; the rest it hands on.
 * So a sender never waits for the thread that applies batches to the tables. It loads its program at once, beside whatever else is being started, and
 * does nothing before it is told to listen. When it fails it is started again, on the same port.
 */
export function startFront(entry: string, log: Log): Front {
  let [dropped, before] = [0, 0];
  let options: FrontOptions | undefined;
  let answer: ((told: FrontTold) => void) | undefined;
  const thread = keepThread<FrontTold>(entry, {
    options: () => ({ workerData: options }),
    name: "front",
    onMessage(told) {
      if (told.kind === "dropped") dropped = told.dropped;
      else if (answer) answer(told);
      else if (told.kind === "failed") log.error({ told }, "the front cannot listen again");
    },
    onEnd() {
      answer?.({ kind: "failed", code: "internal", message: "the thread that listens ended", hint: ERRORS.internal });
      before += dropped;
      dropped = 0;
    },
    log,
  });
  return {
    listen: (wanted) =>
      new Promise((resolve, reject) => {
        answer = (told) => {
          answer = undefined;
          if (told.kind === "failed") return reject(new WeirError(told.code, told.message, { hint: told.hint }));
          if (told.kind !== "listening") return;
          options = { ...wanted, port: told.port };
          resolve(told.port);
        };
        options = wanted;
        thread.tell(wanted);
      }),
    dropped: () => before + dropped,
    stop: () => thread.stop({ atOnce: options === undefined }),
  };
}
