import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Config } from "../base/config.ts";
import { WeirError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import { connectBroker } from "./connect.ts";
import { type Credentials, loadCredentials, renderUsers, writePrivate } from "./credentials.ts";
import { endOrphan, forgetBroker, noteBroker } from "./orphan.ts";
import { findServer } from "./server-program.ts";
import { streamBytes } from "./streams.ts";

/** How a broker ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A nats-server that weir started and has to stop. */
export interface Broker {
  /** `nats://127.0.0.1:port`, without secrets. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly version: string;
  readonly credentials: Credentials;
  /** Resolves when the process has ended, wanted or not; it never rejects. Starting another one is the caller's work. */
  readonly exited: Promise<Exit>;
  /** The last lines of its log. */
  logTail(): string[];
  /** Ends it gracefully, after a limit by force; may be called again. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The options of weir that the broker depends on. */
export type BrokerConfig = Pick<Config, "dataDir" | "natsPort" | "natsServer" | "profile" | "logBytes">;

/** The folder `<data>/nats`: config, credentials and store of the broker. */
export const brokerDir = (dataDir: string): string => join(dataDir, "nats");

/**
 * Starts a nats-server on the data folder and resolves when JetStream answers. A broker left behind by a killed weir is ended
 * first. `port` overrides the configured one: give the old port after a crash, and clients find the new broker by themselves.
 */
export async function startBroker({
  config,
  log,
  port = config.natsPort,
}: {
  config: BrokerConfig;
  log: Log;
  port?: number;
}): Promise<Broker> {
  const dir = brokerDir(config.dataDir);
  const program = await findServer(config.natsServer);
  const confPath = join(dir, "server.conf");
  const portsDir = join(dir, "ports");
  await endOrphan({ dir, confPath, log });
  const credentials = await prepare({ dir, portsDir, confPath, config });

  const child = spawn(program.path, ["-c", confPath, "-p", String(port || -1), "--ports_file_dir", portsDir], {
    cwd: dir,
    stdio: ["ignore", "ignore", "pipe"],
    // A group of its own: Ctrl-C reaches weir alone, which drains before it ends the broker.
    detached: true,
    // Nothing else of the environment: a server needs none of it, and tokens in there are not its business.
    env: { GOMEMLIMIT: String(LIMITS.broker_memory_bytes_soft), GOGC: String(LIMITS.broker_gc_percent) },
  });
  // until it has started, an error of ours tells what it says
  let started = false;
  const tail = followLog(child, log, () => started);
  const exited = exitOf(child).then(async (exit) => {
    // A note of a process that is gone does no harm, so that failing to remove it is no failure.
    if (child.pid !== undefined) await forgetBroker(dir, child.pid).catch(() => {});
    return exit;
  });
  const stop = stopper(child, exited);
  try {
    if (child.pid === undefined) throw new Error("it could not be started");
    await noteBroker(dir, { pid: child.pid, owner: process.pid });
    const actual = await Promise.race([readPort(portsDir, child.pid), exited]);
    if (typeof actual !== "number") throw new Error(`it ended with ${actual.signal ?? `code ${actual.code}`}`);
    const url = `nats://127.0.0.1:${actual}`;
    await proveJetStream(url, credentials, log);
    started = true;
    const [pid, version] = [child.pid, program.version];
    return {
      url,
      port: actual,
      pid,
      version,
      credentials,
      exited,
      logTail: () => [...tail],
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (cause) {
    await stop();
    throw startError(cause, tail, port);
  }
}

/** Writes what the server starts with: nats.conf as shipped, the users, and what the options of weir say. */
async function prepare(to: {
  dir: string;
  portsDir: string;
  confPath: string;
  config: BrokerConfig;
}): Promise<Credentials> {
  try {
    const credentials = await loadCredentials(to.dir);
    await rm(to.portsDir, { recursive: true, force: true });
    await mkdir(to.portsDir, { mode: 0o700 });
    const base = join(to.dir, "nats.conf"); // an include is looked up beside the file that names it
    await copyFile(shippedConf(), base);
    await chmod(base, 0o600);
    await writePrivate(join(to.dir, "users.conf"), renderUsers(credentials));
    await writePrivate(to.confPath, renderServerConf(join(to.dir, "store"), to.config));
    return credentials;
  } catch (cause) {
    if (cause instanceof WeirError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new WeirError("data_dir_unusable", `${to.dir} cannot be used: ${why}`, { cause });
  }
}

/** The text of server.conf: what the options of weir say of a broker whose streams lie in a folder. */
export function renderServerConf(storeDir: string, config: Pick<BrokerConfig, "profile" | "logBytes">): string {
  const sizes = streamBytes(config.logBytes);
  const fileStore = sizes.WEIR_IN + sizes.WEIR_VALID + sizes.WEIR_EVENTS + LIMITS.broker_store_slack_bytes;
  return [
    "# Written by weir at each start; what stands in nats.conf is explained there.",
    'include "nats.conf"',
    'include "users.conf"',
    "# Replaces the block of nats.conf; the values follow from WEIR_DATA_DIR, WEIR_LOG_BYTES and WEIR_PROFILE.",
    "jetstream {",
    `  store_dir: ${JSON.stringify(storeDir)}`,
    `  max_file_store: ${fileStore}`,
    "  max_memory_store: 64MB",
    `  sync_interval: ${config.profile === "safe" ? "always" : `"${LIMITS.broker_sync_ms_max}ms"`}`,
    "  strict: true",
    "}",
    "",
  ].join("\n");
}

/** nats.conf lies at the top of the package, above this file in the source tree as well as in a bundle under dist/. */
function shippedConf(): string {
  for (let dir = dirname(fileURLToPath(import.meta.url)); dir !== dirname(dir); dir = dirname(dir)) {
    if (existsSync(join(dir, "nats.conf"))) return join(dir, "nats.conf");
  }
  throw new WeirError("internal", "nats.conf is not part of this installation");
}

const LEVELS = { INF: "debug", WRN: "warn", ERR: "error", FTL: "error", DBG: "trace", TRC: "trace" } as const;
const EXPECTED = /Plaintext passwords detected/; // they stand in a file of mode 0600, made at random

function followLog(child: ChildProcess, log: Log, told: () => boolean): string[] {
  const tail: string[] = [];
  if (!child.stderr) return tail;
  createInterface({ input: child.stderr }).on("line", (line) => {
    tail.push(line);
    if (tail.length > LIMITS.broker_log_lines) tail.shift();
    const [, level, text] = /\[([A-Z]{3})\] (.*)$/.exec(line) ?? [];
    const known = LEVELS[level as keyof typeof LEVELS] ?? "error"; // lines without a level are Go panics
    log[EXPECTED.test(line) || !told() ? "debug" : known]({ broker: child.pid }, text ?? line);
  });
  return tail;
}

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once("error", () => child.pid === undefined && resolve({ code: null, signal: null }));
    child.once("close", (code, signal) => resolve({ code, signal })); // close: its last log lines have been read
  });
}

function stopper(child: ChildProcess, exited: Promise<Exit>): () => Promise<void> {
  // An exit without stop(), after an uncaught error for example, must not leave it running.
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  void exited.then(() => process.off("exit", kill));
  return async () => {
    child.kill("SIGTERM");
    const force = setTimeout(kill, LIMITS.broker_stop_ms_max);
    await exited;
    clearTimeout(force);
  };
}

/** The server writes its port to a file once it listens; `-p` may have asked for any free one. */
async function readPort(portsDir: string, pid: number): Promise<number> {
  const until = performance.now() + LIMITS.broker_start_ms_max;
  while (performance.now() < until) {
    const name = (await readdir(portsDir)).find((file) => file.endsWith(`_${pid}.ports`));
    const text = name && (await readFile(join(portsDir, name), "utf8"));
    const port = text && /:(\d+)"/.exec(text)?.[1]; // empty while it is being written
    if (port) return Number(port);
    await pause(3);
  }
  throw new Error(`it was not ready after ${LIMITS.broker_start_ms_max} ms`);
}

async function proveJetStream(url: string, credentials: Credentials, log: Log): Promise<void> {
  await using connection = await connectBroker({ url, credentials: credentials.engine, name: "start", log });
  await connection.jsm.getAccountInfo();
}

function startError(cause: unknown, tail: readonly string[], port: number): WeirError {
  if (tail.some((line) => /address already in use|Only one usage of each socket/i.test(line))) {
    return new WeirError("port_in_use", `port ${port}, meant for the broker, is taken by another program`, {
      cause,
      hint: "choose another with WEIR_NATS_PORT, or 0 for any free one",
    });
  }
  const why = cause instanceof Error ? cause.message : String(cause);
  const hint = ["read the last lines of its log:", ...tail.slice(-10).map((line) => `  ${line}`)].join("\n");
  return new WeirError("broker_failed", `nats-server did not start: ${why}`, { cause, hint });
}
