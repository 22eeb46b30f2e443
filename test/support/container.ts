import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import {
  GenericContainer,
  getContainerRuntimeClient,
  ImageName,
  type StartedTestContainer,
  Wait,
} from "testcontainers";
import type { Config } from "../../src/base/config.ts";
import { renderServerConf } from "../../src/wire/broker.ts";
import { connectBroker } from "../../src/wire/connect.ts";
import { loadCredentials, renderUsers } from "../../src/wire/credentials.ts";
import { type BrokerUnderTest, type OutsideServer, printOnFailure, quiet, testConfig } from "./nats.ts";
import { tempDir } from "./temp.ts";

/** The version that comes with the npm package, as its makers publish it for containers. */
const IMAGE = "nats:2.14.0";
const PORT = 4222;
const STORE = "/data/store";
const MARK = "weir.test";
const ENGINE_MS = 1_000;
const REGISTRY_MS = 3_000;

// Its reaper is a container of another image, for containers that nobody stops. Here whoever starts one stops it.
process.env.TESTCONTAINERS_RYUK_DISABLED = "true";

const within = async <T>(ms: number, what: string, work: Promise<T>): Promise<T> => {
  const over = new AbortController();
  const late = pause(ms, undefined, { signal: over.signal, ref: false }).then(() => {
    throw new Error(`${what} did not answer in ${ms} ms`);
  });
  return await Promise.race([work, late]).finally(() => {
    late.catch(() => {});
    over.abort();
  });
};

/** Why no broker can run in a container here; undefined where one can. */
async function trouble(): Promise<string | undefined> {
  const engine = await within(ENGINE_MS, "the Docker engine", getContainerRuntimeClient()).catch(() => undefined);
  if (!engine) return "no Docker engine answers";
  if (await engine.image.exists(ImageName.fromString(IMAGE)).catch(() => false)) return undefined;
  const known = engine.container.dockerode.getImage(IMAGE).distribution();
  return within(REGISTRY_MS, "the registry", known).then(
    () => undefined,
    () => `the image ${IMAGE} is neither here nor can be pulled`,
  );
}

const missing = await trouble();
export const hasContainers = missing === undefined;
/** Ends the name of a test that needs a container. */
export const containerSkipped = hasContainers ? "" : ` (skipped: ${missing})`;

interface Served {
  readonly url: string;
  stop(): Promise<void>;
}

/** Runs nats-server in a container with files in /etc/weir, the first of which is its config. */
async function serve(files: Readonly<Record<string, string>>): Promise<Served> {
  const [first] = Object.keys(files);
  const lines: string[] = [];
  printOnFailure(() => lines);
  const mark = randomUUID();
  const starting = new GenericContainer(IMAGE)
    .withLabels({ [MARK]: mark })
    .withCopyContentToContainer(
      Object.entries(files).map(([name, content]) => ({ content, target: `/etc/weir/${name}` })),
    )
    // a port of a container is reached from outside of its loopback
    .withCommand(["-c", `/etc/weir/${first}`, "-a", "0.0.0.0", "-p", String(PORT)])
    .withExposedPorts(PORT)
    .withLogConsumer((output) => output.on("data", (text) => lines.push(String(text).trimEnd())))
    .withWaitStrategy(Wait.forLogMessage(/Server is ready/))
    .start();
  const container: StartedTestContainer = await starting.catch(async (error) => {
    await removeMarked(mark); // one that runs and could not be reached
    throw error;
  });
  let stopped: Promise<unknown> | undefined;
  return {
    url: `nats://${container.getHost()}:${container.getMappedPort(PORT)}`,
    async stop() {
      stopped ??= container.stop({ timeout: 0, remove: true, removeVolumes: true });
      await stopped;
    },
  };
}

async function removeMarked(mark: string): Promise<void> {
  const { container } = await getContainerRuntimeClient();
  const left = await container.fetchByLabel(MARK, mark, { status: ["created", "running", "exited"] });
  await left?.remove({ force: true, v: true });
}

const shippedConf = (): Promise<string> => readFile(new URL("../../nats.conf", import.meta.url), "utf8");

/** weir's broker in a container: its config, users and permissions, on the container's disk. */
export async function startContainerBroker(overrides: Partial<Config> = {}): Promise<BrokerUnderTest> {
  await using dir = await tempDir();
  const config = testConfig(dir.path, overrides);
  const credentials = await loadCredentials(join(dir.path, "nats"));
  const { url, stop } = await serve({
    "server.conf": renderServerConf(STORE, config),
    "nats.conf": await shippedConf(),
    "users.conf": renderUsers(credentials),
  });
  return {
    broker: { url, credentials, stop },
    config,
    connect: (role) => connectBroker({ url, credentials: credentials[role], name: role, log: quiet }),
    [Symbol.asyncDispose]: stop,
  };
}

/** A nats-server in a container with a config of the test's own: `conf(storeDir)` is the text of its file. */
export async function startContainerServer(conf: (storeDir: string) => string): Promise<OutsideServer> {
  const { url, stop } = await serve({ "outside.conf": conf(STORE) });
  return { url, [Symbol.asyncDispose]: stop };
}
