import { JetStreamApiError } from "@nats-io/jetstream";
import type { Config } from "../base/config.ts";
import { WeirError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import { type Connection, connectBroker } from "./connect.ts";
import type { Credential } from "./credentials.ts";
import { isNotEnabled } from "./publish-error.ts";
import { SERVER_VERSION_MIN, versionAtLeast } from "./server-program.ts";

/** Something about a broker that weir cannot work with (`refuse`) or that weakens what it promises (`warn`). */
export interface Finding {
  readonly level: "refuse" | "warn";
  readonly text: string;
}

/** When acknowledged messages reach the disk: at once, or at most `interval_ms` later. */
export interface Sync {
  readonly always: boolean;
  readonly interval_ms: number;
}

const refuse = (text: string): Finding => ({ level: "refuse", text });
const warn = (text: string): Finding => ({ level: "warn", text });

/**
 * Compares a broker with what the profile needs. A client sees version and max_payload; when the broker syncs to disk only its
 * system account tells, so `admin` (the credentials of a broker weir started) decides whether that is checked or warned about.
 */
export async function checkBroker({
  connection: { nc, jsm },
  config,
  url,
  admin,
  log,
}: {
  connection: Connection;
  config: Pick<Config, "profile">;
  url: string;
  admin?: Credential;
  log: Log;
}): Promise<Finding[]> {
  const found: Finding[] = [];
  const info = nc.info;
  if (!info) throw new WeirError("broker_unreachable", "the broker has not introduced itself yet");
  if (!versionAtLeast(info.version, SERVER_VERSION_MIN)) {
    found.push(refuse(`nats-server is ${info.version}, weir needs ${SERVER_VERSION_MIN} or later`));
  }
  if (info.max_payload < LIMITS.broker_payload_bytes_max) {
    found.push(refuse(`max_payload is ${info.max_payload}, weir needs ${LIMITS.broker_payload_bytes_max}`));
  }
  try {
    await jsm.getAccountInfo();
  } catch (thrown) {
    if (!(isNotEnabled(thrown) || thrown instanceof JetStreamApiError)) {
      throw new WeirError("broker_unreachable", "the broker does not answer about JetStream", { cause: thrown });
    }
    found.push(refuse(`JetStream is not enabled for this user: ${thrown.message}`));
  }
  const sync = admin ? await readSync({ url, admin, log }) : undefined;
  return [...found, ...judgeSync(sync, config.profile)];
}

/** What the sync setting of a broker means for a profile; undefined: it is not known. */
export function judgeSync(sync: Sync | undefined, profile: Config["profile"]): Finding[] {
  if (sync?.always) return [];
  if (!sync) {
    const advice = profile === "safe" ? "sync_interval: always" : `sync_interval: "${LIMITS.broker_sync_ms_max}ms"`;
    return [
      warn(
        `whether acknowledged events survive a power cut is not known: a broker does not tell its clients how often it syncs; see that it runs with jetstream { ${advice} }, on each node`,
      ),
    ];
  }
  const loses = `it syncs every ${sync.interval_ms} ms, so a power cut loses what was acknowledged in that time`;
  if (profile === "safe") return [refuse(`${loses}; profile safe needs jetstream { sync_interval: always }`)];
  return sync.interval_ms > LIMITS.broker_sync_ms_max ? [warn(loses)] : [];
}

/** Logs the warnings; throws `broker_refused` with all that is refused. */
export function enforce(findings: readonly Finding[], where: string, log: Log): void {
  for (const { level, text } of findings) if (level === "warn") log.warn({ broker: where }, text);
  const refused = findings.filter((f) => f.level === "refuse").map((f) => f.text);
  if (refused.length) throw new WeirError("broker_refused", `the broker ${where} does not fit: ${refused.join("; ")}`);
}

/**
 * What keeps a broker from storing, undefined where nothing does. On a full disk a publisher only sees timeouts, and a stream that
 * could not write stays closed, also when there is room again, until the server is started anew; only this tells.
 */
export async function brokerTrouble(ask: Ask): Promise<string | undefined> {
  const health = await askSystem<{ status?: string; error?: string }>(ask, "HEALTHZ");
  return health?.status === "ok" ? undefined : (health?.error ?? health?.status ?? "it does not tell its health");
}

interface Ask {
  readonly url: string;
  readonly admin: Credential;
  readonly log: Log;
}

/** While `always` is set the server still shows an interval of 2 min. */
async function readSync(ask: Ask): Promise<Sync | undefined> {
  type Varz = { jetstream?: { config?: { sync_always?: boolean; sync_interval?: number } } };
  const config = (await askSystem<Varz>(ask, "VARZ"))?.jetstream?.config;
  return config && { always: config.sync_always === true, interval_ms: (config.sync_interval ?? 0) / 1e6 };
}

async function askSystem<T>({ url, admin, log }: Ask, what: "VARZ" | "HEALTHZ"): Promise<T | undefined> {
  await using system = await connectBroker({ url, credentials: admin, name: "check", log });
  const subject = `$SYS.REQ.SERVER.${system.nc.info?.server_id}.${what}`;
  const answer = await system.nc.request(subject, "", { timeout: LIMITS.broker_request_ms_max });
  return answer.json<{ data?: T }>().data;
}
