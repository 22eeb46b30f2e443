import type { Config } from "../base/config.ts";
import type { Log } from "../base/log.ts";
import { type Connection, connectBroker } from "../wire/connect.ts";
import type { Credential, Role } from "../wire/credentials.ts";
import { readFolderBroker, signIn } from "../wire/folder.ts";
import { needRuntime } from "./runtime.ts";

/** Where a command finds the broker, and with which settings weir works there. */
export interface BusAddress {
  readonly url: string;
  readonly credentials?: Credential;
  readonly config: Config;
}

/** The broker that WEIR_NATS_URL names, else that of the running weir of the data folder. Throws `not_running` where there is neither. */
export async function busAddress(config: Config, role: Role): Promise<BusAddress> {
  if (config.natsUrl) return { url: config.natsUrl, config };
  const { nats_url } = needRuntime(config.dataDir);
  // the running weir knows its log, the environment of a command may not
  const { outside: _, ...told } = readFolderBroker(config.dataDir) ?? {};
  return { ...(await signIn(config.dataDir, nats_url, role)), config: { ...config, ...told } };
}

/** A connection of a role to that broker. */
export async function connectBus(config: Config, role: Role, name: string, log: Log): Promise<Connection> {
  const { url, credentials } = await busAddress(config, role);
  return connectBroker({ url, credentials, name, log });
}
