import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, errors, type NatsConnection } from "@nats-io/transport-node";
import { isBrokerAddress } from "../base/config.ts";
import { WeirError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import type { Credential } from "./credentials.ts";

/** A connection to the broker: plain, for publishing to and reading from streams, and for managing them. */
export interface Connection {
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  /** With what the subjects begin that answers come to; undefined for the client's usual. */
  readonly inboxPrefix: string | undefined;
  /** Closes at once; a publish that was not acknowledged yet fails, and its caller still has the frame. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

interface Address {
  readonly servers: string[];
  readonly tls: boolean;
  readonly user?: string;
  readonly pass?: string;
}

/** The parts of a broker address `nats://[user:password@]host:port[,host:port…]`, or `tls://…`. */
export function parseBrokerUrl(url: string): Address {
  const servers: string[] = [];
  let [user, pass, tls] = ["", "", false];
  for (const part of url.split(",").map((p) => p.trim())) {
    const text = /^[a-z]+:\/\//i.test(part) ? part : `nats://${part}`;
    const scheme = text.slice(0, text.indexOf(":")).toLowerCase();
    // The secret must not reach an error message, so a part that is no address is not repeated.
    if (!isBrokerAddress(part)) {
      throw new WeirError("bad_config", "WEIR_NATS_URL is not nats://[user:password@]host:port");
    }
    const at = new URL(text);
    servers.push(`${at.hostname}:${at.port || "4222"}`);
    tls ||= scheme === "tls";
    user ||= decodeURIComponent(at.username);
    pass ||= decodeURIComponent(at.password);
  }
  return { servers, tls, ...(user ? { user, pass } : {}) };
}

/** A broker address without user and password, for logs and messages. */
export function publicUrl(url: string): string {
  const { servers, tls } = parseBrokerUrl(url);
  return `${tls ? "tls" : "nats"}://${servers.join(",")}`;
}

/**
 * Connects to a broker: to one that weir started with the `credentials` of a role, to an outside one with what its URL says.
 * The first attempt must succeed (`broker_unreachable` otherwise); after that the connection comes back by itself for ever.
 */
export async function connectBroker({
  url,
  credentials,
  name,
  log,
}: {
  url: string;
  credentials?: Credential;
  name: string;
  log: Log;
}): Promise<Connection> {
  const address = parseBrokerUrl(url);
  const inboxPrefix = credentials?.inbox ?? inboxOf(address.user);
  let nc: NatsConnection;
  try {
    nc = await connect({
      servers: address.servers,
      name: `weir ${name}`,
      user: credentials?.user ?? address.user,
      pass: credentials?.password ?? address.pass,
      ...(inboxPrefix !== undefined && { inboxPrefix }),
      ...(address.tls ? { tls: {} } : {}),
      timeout: LIMITS.broker_connect_ms_max,
      reconnect: true,
      maxReconnectAttempts: -1,
      reconnectTimeWait: LIMITS.broker_reconnect_ms,
      // A broker that is just being set up may refuse twice; giving up would need a restart of weir.
      ignoreAuthErrorAbort: true,
      pingInterval: 20_000,
      maxPingOut: 2,
      noAsyncTraces: true,
    });
  } catch (cause) {
    throw connectError(cause, publicUrl(url), credentials?.user ?? address.user);
  }
  void follow(nc, log.child({ connection: name }));
  const options = { timeout: LIMITS.broker_request_ms_max };
  const close = () => nc.close();
  return {
    nc,
    inboxPrefix,
    js: jetstream(nc, options),
    // Not checked here: a producer may not ask. checkBroker looks whether there is a JetStream.
    jsm: await jetstreamManager(nc, { ...options, checkAPI: false }),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/**
 * Answers come to subjects below the user's name, so that a broker can keep users from reading each other's; `_INBOX.>`, which it may allow instead,
 * holds them too.
 */
const inboxOf = (user: string | undefined): string | undefined =>
  user !== undefined && /^[^\s.*>]+$/.test(user) ? `_INBOX.${user}` : undefined;

function connectError(cause: unknown, where: string, user: string | undefined): WeirError {
  const why = cause instanceof Error ? cause.message : String(cause);
  if (cause instanceof errors.AuthorizationError || cause instanceof errors.UserAuthenticationExpiredError) {
    return new WeirError(
      "broker_refused",
      `${where} does not let ${user ? `user ${user}` : "a client without user"} in`,
      {
        cause,
        hint: "give user and password in WEIR_NATS_URL",
      },
    );
  }
  return new WeirError("broker_unreachable", `${where} cannot be reached: ${why}`, { cause });
}

async function follow(nc: NatsConnection, log: Log): Promise<void> {
  for await (const status of nc.status()) {
    switch (status.type) {
      case "disconnect":
        log.warn({ server: status.server }, "the broker is away");
        break;
      case "reconnect":
        log.info({ server: status.server }, "the broker is back");
        break;
      case "error":
        log.warn({ err: status.error }, "the broker reports an error");
        break;
      case "slowConsumer":
      case "staleConnection":
      case "ldm":
        log.warn({ status: status.type }, "the connection to the broker is in trouble");
        break;
      default:
        log.debug({ status: status.type }, "connection to the broker");
    }
  }
}
