import { statfs } from "node:fs/promises";
import type { Config } from "../base/config.ts";
import { LIMITS } from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import { type Broker, startBroker } from "../wire/broker.ts";
import { brokerTrouble } from "../wire/check.ts";
import { type Connection, connectBroker } from "../wire/connect.ts";

/** The broker that weir works with. */
export interface OpenBroker {
  readonly url: string;
  /** The one weir started; undefined where it is an outside one. */
  broker(): Broker | undefined;
  /** What keeps it from storing, as it says itself; undefined where nothing does. */
  trouble(): string | undefined;
  connect(role: "engine" | "producer" | "reader", name: string): Promise<Connection>;
  stop(): Promise<void>;
}

/** The broker: the one weir starts and starts again when it dies, or an outside one. */
export async function openBroker(config: Config, log: Log, signal: AbortSignal): Promise<OpenBroker> {
  if (config.natsUrl) {
    const url = config.natsUrl;
    return {
      url,
      broker: () => undefined,
      trouble: () => undefined,
      connect: (_, name) => connectBroker({ url, name, log }),
      stop: async () => {},
    };
  }
  let broker = await startBroker({ config, log });
  const { port } = broker;
  const watch = async (): Promise<void> => {
    while (!signal.aborted) {
      const exit = await broker.exited;
      if (signal.aborted) return;
      log.error({ exit, tail: broker.logTail().slice(-3) }, "the broker ended; it is started again");
      for (let pause = 100; !signal.aborted; pause = Math.min(pause * 2, 5_000)) {
        try {
          broker = await startBroker({ config, log, port });
          break;
        } catch (error) {
          log.error({ err: error }, "the broker cannot be started");
          await new Promise((resolve) => setTimeout(resolve, pause).unref());
        }
      }
    }
  };
  void watch();
  const trouble = watchHealth({ broker: () => broker, dataDir: config.dataDir, log, signal });
  return {
    url: broker.url,
    broker: () => broker,
    trouble,
    connect: (role, name) => connectBroker({ url: broker.url, credentials: broker.credentials[role], name, log }),
    stop: () => broker.stop(),
  };
}

/**
 * Asks the broker how it is. A stream that found no room on the disk stays closed, also when there is room again, until the server is started anew;
 * so that is done as soon as there is room.
 */
function watchHealth(of: {
  readonly broker: () => Broker;
  readonly dataDir: string;
  readonly log: Log;
  readonly signal: AbortSignal;
}): () => string | undefined {
  const { broker, dataDir, log, signal } = of;
  let trouble: string | undefined;
  let looking = false;
  const look = async (): Promise<void> => {
    const { url, credentials } = broker();
    const before = trouble;
    trouble = await brokerTrouble({ url, admin: credentials.admin, log });
    if (trouble === undefined || before === undefined || signal.aborted) return; // once may be a moment only
    const { bavail, bsize } = await statfs(dataDir);
    if (bavail * bsize < LIMITS.broker_free_bytes_min) return;
    log.warn({ trouble }, "the broker does not store though there is room; it is started again");
    trouble = undefined;
    await broker().stop();
  };
  const timer = setInterval(() => {
    if (looking) return;
    looking = true;
    look()
      .catch((error: unknown) => log.debug({ err: error }, "the broker does not tell how it is")) // the next time it may
      .finally(() => {
        looking = false;
      });
  }, LIMITS.broker_health_ms).unref();
  signal.addEventListener("abort", () => clearInterval(timer));
  return () => trouble;
}
