import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { WeirError } from "./errors.ts";
import { type Choice, LEVELS } from "./privacy.ts";

interface Option<T> {
  readonly env: string;
  readonly fallback: T;
  readonly about: string;
  readonly read: (text: string) => T | undefined;
  readonly takes: string;
  /** It may hold a password, so no message repeats it. */
  readonly secret?: boolean;
}

const text = (env: string, fallback: string, about: string, takes = "text"): Option<string> => ({
  env,
  fallback,
  about,
  takes,
  read: (t) => t,
});
const whole = (env: string, fallback: number, about: string, min: number, max: number): Option<number> => ({
  env,
  fallback,
  about,
  takes: `a whole number from ${min} to ${max}`,
  read: (t) => (/^\d+$/.test(t) && Number(t) >= min && Number(t) <= max ? Number(t) : undefined),
});
const choice = <T extends string>(env: string, fallback: T, about: string, values: readonly T[]): Option<T> => ({
  env,
  fallback,
  about,
  takes: values.join(", "),
  read: (t) => values.find((v) => v === t),
});

/** An address of a broker, or several with commas; connect.ts reads the same. */
const address = (env: string, about: string): Option<string> => ({
  env,
  fallback: "",
  about,
  takes: "nats://[user:password@]host:port",
  secret: true,
  read: (t) => (t.split(",").every(isBrokerAddress) ? t : undefined),
});

/** Whether a text is `[user:password@]host[:port]` with or without `nats://` or `tls://`. */
export function isBrokerAddress(part: string): boolean {
  try {
    const text = part.trim();
    const { protocol, hostname, username, password } = new URL(/^[a-z]+:\/\//i.test(text) ? text : `nats://${text}`);
    for (const coded of [username, password]) decodeURIComponent(coded);
    return (protocol === "nats:" || protocol === "tls:") && hostname !== "";
  } catch {
    return false;
  }
}

/** Every option of weir: environment variable, default and one sentence; flags, help and docs derive from it. */
export const OPTIONS = {
  dataDir: text("WEIR_DATA_DIR", "~/.weir", "folder of everything weir keeps", "a folder"),
  httpPort: whole("WEIR_HTTP_PORT", 4777, "port of HTTP and dashboard; 0 takes any free one", 0, 65535),
  natsPort: whole("WEIR_NATS_PORT", 4778, "port of the broker weir starts; 0 takes any free one", 0, 65535),
  natsUrl: address(
    "WEIR_NATS_URL",
    "an outside broker to use instead of starting one, nats://[user:password@]host:port",
  ),
  natsServer: text("WEIR_NATS_SERVER", "", "path of the nats-server program to start"),
  natsReplicas: whole("WEIR_NATS_REPLICAS", 1, "copies of each stream on an outside broker", 1, 5),
  profile: choice(
    "WEIR_PROFILE",
    "safe",
    "safe: the broker syncs each event before it acknowledges it; fast: it syncs every 100 ms, and producers keep events on their own disk until it has",
    ["safe", "fast"],
  ),
  partitions: whole("WEIR_PARTITIONS", 1, "parallel ways an event can take; fixed when the log is made", 1, 64),
  logBytes: whole(
    "WEIR_LOG_BYTES",
    21_474_836_480,
    "size of the event log on the broker's disk; what is older goes into the archive below the data folder",
    67_108_864,
    2 ** 50,
  ),
  memoryMb: whole("WEIR_STORE_MEMORY_MB", 128, "memory DuckDB may use, in megabytes", 64, 1_048_576),
  threads: whole(
    "WEIR_STORE_THREADS",
    1,
    "threads DuckDB may use; a second one costs a third more processor time for the same ingest",
    1,
    256,
  ),
  pricesFile: text("WEIR_PRICES_FILE", "", "a price table to use instead of the one shipped", "a file"),
  follow: text(
    "WEIR_FOLLOW",
    "on",
    "transcripts that weir up follows: on (where the assistants keep them), off, or ASSISTANT=FOLDER with commas, for claude-code, codex, gemini and copilot",
    "on, off, or assistant=folder with commas",
  ),
  watch: choice("WEIR_WATCH", "on", "whether files and git of projects in use are watched", ["on", "off"]),
  privacy: choice(
    "WEIR_PRIVACY",
    "redacted",
    "what is kept of prompts, inputs and outputs where `weir privacy` says nothing of the project: nothing, all but secrets, everything",
    LEVELS,
  ),
  encrypt: choice(
    "WEIR_ENCRYPT",
    "0",
    "1: prompts, inputs and outputs are encrypted with a key per session, where `weir privacy` says nothing of the project",
    ["0", "1"],
  ),
  logLevel: choice("WEIR_LOG_LEVEL", "warn", "how much is logged on stderr", [
    "trace",
    "debug",
    "info",
    "warn",
    "error",
    "silent",
  ]),
} as const;

/** The settings of a running weir, one value for each of {@link OPTIONS}. */
export type Config = {
  readonly [K in keyof typeof OPTIONS]: (typeof OPTIONS)[K]["fallback"] extends number
    ? number
    : (typeof OPTIONS)[K] extends Option<infer T>
      ? T
      : never;
};

/** The environment of this process, for what is handed on whole: to children, and to the search for assistants' folders. */
export const environment = (): NodeJS.ProcessEnv => process.env;

/** Reads every option from the environment given. Throws `bad_config` naming the variable, the value and what it takes. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const out: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(OPTIONS) as [string, Option<unknown>][]) {
    const given = env[option.env];
    const value = given === undefined || given === "" ? option.fallback : option.read(given);
    if (value === undefined)
      throw new WeirError("bad_config", `${option.env}${option.secret ? "" : `=${given}`} is not ${option.takes}`);
    out[name] = value;
  }
  out.dataDir = dataDirOf(env);
  return out as Config;
}

/** The data folder of an environment. Never throws, so that a hook finds it whatever else is set wrong. */
export function dataDirOf(env: NodeJS.ProcessEnv = process.env): string {
  const dir = env[OPTIONS.dataDir.env] || OPTIONS.dataDir.fallback;
  return resolve(dir === "~" || dir.startsWith("~/") ? join(env.HOME || homedir(), dir.slice(1)) : dir);
}

/** What the environment says about privacy, where it says anything. Never throws: a word nobody knows means the strictest. */
export function privacyGiven(env: NodeJS.ProcessEnv = process.env): Partial<Choice> {
  const level = env[OPTIONS.privacy.env];
  const encrypt = env[OPTIONS.encrypt.env];
  return {
    ...(level ? { level: LEVELS.find((known) => known === level) ?? "metadata" } : {}),
    ...(encrypt ? { encrypt: encrypt !== "0" } : {}),
  };
}

/** What is exported of weir's own spans and metrics; off unless the standard variables of OpenTelemetry name a collector. */
export interface TelemetryConfig {
  readonly traces: boolean;
  readonly metrics: boolean;
  /** Milliseconds between two exports of metrics. */
  readonly metricIntervalMs: number;
  /** Settings that ask for a protocol weir does not speak, as `NAME=value`. */
  readonly unspoken: readonly string[];
}

/** Variables that choose a protocol, and what weir sends whatever they say: collectors that take OTLP over HTTP take both. */
const PROTOCOLS = ["", "_TRACES", "_METRICS"].map((signal) => `OTEL_EXPORTER_OTLP${signal}_PROTOCOL`);
const SPOKEN = ["http/json", "http/protobuf"];

/** Milliseconds between two exports of metrics where nothing else is said: the default of the OpenTelemetry specification. */
const METRIC_INTERVAL_MS = 60_000;

/**
 * Reads whether a collector is named. Names and meanings are those of the OpenTelemetry specification (OTLP exporter, SDK environment
 * variables); the packages that export read the rest of them. A value that makes no sense counts as not given, as it says there.
 */
export function readTelemetry(env: NodeJS.ProcessEnv = process.env): TelemetryConfig {
  const off = env.OTEL_SDK_DISABLED?.toLowerCase() === "true";
  // weir is a collector too: its own spans must not become its events, which would make spans again
  const own = (endpoint: string | undefined): boolean => endpoint !== undefined && isOwn(endpoint, env);
  const asked = (signal: "TRACES" | "METRICS"): boolean =>
    !off &&
    Boolean(env.OTEL_EXPORTER_OTLP_ENDPOINT || env[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`]) &&
    !own(env[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`] || env.OTEL_EXPORTER_OTLP_ENDPOINT) &&
    (env[`OTEL_${signal}_EXPORTER`] || "otlp") === "otlp";
  const unspoken = PROTOCOLS.filter((name) => env[name] && !SPOKEN.includes(env[name])).map(
    (name) => `${name}=${env[name]}`,
  );
  const interval = Number(env.OTEL_METRIC_EXPORT_INTERVAL);
  return {
    traces: asked("TRACES"),
    metrics: asked("METRICS"),
    unspoken,
    metricIntervalMs: Number.isInteger(interval) && interval > 0 ? interval : METRIC_INTERVAL_MS,
  };
}

/** Whether an address is that of weir's own receiver. */
function isOwn(endpoint: string, env: NodeJS.ProcessEnv): boolean {
  try {
    const { hostname, port } = new URL(endpoint);
    return (
      ["127.0.0.1", "localhost", "[::1]"].includes(hostname) &&
      port === (env[OPTIONS.httpPort.env] || String(OPTIONS.httpPort.fallback))
    );
  } catch {
    return false; // what is no address is told by the exporter
  }
}
