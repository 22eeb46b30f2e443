import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { onTestFailed } from "vitest";
import { type Config, readConfig } from "../../src/base/config.ts";
import { createLog } from "../../src/base/log.ts";
import { type Broker, startBroker } from "../../src/wire/broker.ts";
import { type Connection, connectBroker } from "../../src/wire/connect.ts";
import type { Role } from "../../src/wire/credentials.ts";
import { findServer } from "../../src/wire/server-program.ts";
import { endWithUs, killWithUs } from "./children.ts";
import { tempDir } from "./temp.ts";

/** A log that writes nothing. */
export const quiet = createLog("test", "silent");

/** Where a nats-server lies: WEIR_NATS_SERVER, the npm package, PATH. A missing one is the error `broker_missing`. */
const natsServer = readConfig().natsServer;

/** A broker with weir's settings and users, wherever it runs. */
export interface BrokerUnderTest {
  readonly broker: Pick<Broker, "url" | "credentials" | "stop">;
  readonly config: Config;
  connect(role: Role): Promise<Connection>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A broker started the way weir does it, on a random port and a folder of its own. */
export interface TestBroker extends BrokerUnderTest {
  readonly broker: Broker;
}

/** Settings for a test that uses the folder `dataDir`. */
export function testConfig(dataDir: string, overrides: Partial<Config> = {}): Config {
  return { ...readConfig({}), natsServer, dataDir, natsPort: 0, ...overrides };
}

/** Starts weir's own broker: `await using nats = await startTestBroker()`. Its log is printed when the test fails. */
export async function startTestBroker(overrides: Partial<Config> = {}): Promise<TestBroker> {
  const dir = await tempDir();
  const config = testConfig(dir.path, overrides);
  try {
    const broker = await startBroker({ config, log: quiet });
    endWithUs(broker.pid, broker.exited); // a test that hangs never comes to stop it
    printOnFailure(broker.logTail);
    return {
      broker,
      config,
      connect: (role) =>
        connectBroker({ url: broker.url, credentials: broker.credentials[role], name: role, log: quiet }),
      async [Symbol.asyncDispose]() {
        await broker.stop();
        await dir[Symbol.asyncDispose]();
      },
    };
  } catch (thrown) {
    await dir[Symbol.asyncDispose]();
    throw thrown;
  }
}

/** A nats-server that weir did not configure. */
export interface OutsideServer {
  readonly url: string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a nats-server with a config of the test's own, as an outside broker: `conf(storeDir)` is the text of its file. */
export async function startOutsideServer(conf: (storeDir: string) => string): Promise<OutsideServer> {
  const { path } = await findServer(natsServer);
  const dir = await tempDir();
  await writeFile(join(dir.path, "outside.conf"), conf(join(dir.path, "store")));
  const child = spawn(path, ["-c", join(dir.path, "outside.conf"), "-a", "127.0.0.1", "-p", "-1"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  killWithUs(child);
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const stop = async () => {
    child.kill("SIGKILL");
    await closed;
    await dir[Symbol.asyncDispose]();
  };
  const lines: string[] = [];
  printOnFailure(() => lines);
  const port = new Promise<string>((resolve) => {
    createInterface({ input: child.stderr }).on("line", (line) => {
      lines.push(line);
      const found = /Listening for client connections on 127\.0\.0\.1:(\d+)/.exec(line)?.[1];
      if (found) resolve(found);
    });
  });
  const ready = await Promise.race([port, closed]);
  if (ready) return { url: `nats://127.0.0.1:${ready}`, [Symbol.asyncDispose]: stop };
  await stop();
  throw new Error(`the outside nats-server did not start:\n${lines.join("\n")}`);
}

/** Prints a server's log when the running test fails. */
export function printOnFailure(tail: () => readonly string[]): void {
  try {
    onTestFailed(() => console.error(`log of nats-server:\n${tail().join("\n")}`));
  } catch {
    // called outside a test, from beforeAll: there is no test yet whose failure could print it
  }
}
