import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { readConfig } from "../../src/base/config.ts";
import { findServer } from "../../src/wire/server-program.ts";
import { killWithUs } from "./children.ts";
import { printOnFailure } from "./nats.ts";
import { tempDir } from "./temp.ts";
import { ROOT } from "./weir.ts";

/** Passwords of deploy/nats-cluster.conf, as its nodes take them from their environment. */
const PASSWORDS = { ENGINE_PASSWORD: "w_secret", PRODUCER_PASSWORD: "p_secret", ROUTE_PASSWORD: "r_secret" };

/** One nats-server of a cluster. */
export interface Node {
  readonly name: string;
  readonly port: number;
  start(): void;
  /** `kill -9`, until it is gone. */
  kill(): Promise<void>;
}

/** A cluster of three nats-servers with the shipped config, each with a store of its own. */
export interface Cluster {
  readonly nodes: readonly Node[];
  /** Address of all nodes for weir, or for a producer elsewhere. */
  url(user: "weir" | "producer"): string;
  [Symbol.asyncDispose](): Promise<void>;
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve) => {
          const server = createServer().listen(0, "127.0.0.1", () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Starts three nodes; they find each other while whoever uses them waits. */
export async function startCluster(): Promise<Cluster> {
  const { path } = await findServer(readConfig().natsServer);
  const dir = await tempDir();
  const ports = await freePorts(6);
  const routes = ports.slice(3).map((port) => `nats://route:${PASSWORDS.ROUTE_PASSWORD}@127.0.0.1:${port}`);
  const lines: string[] = [];
  printOnFailure(() => lines.slice(-200));
  const nodes = [0, 1, 2].map((k): Node => {
    const name = `n${k + 1}`;
    let child: ChildProcess | undefined;
    let gone: Promise<unknown> = Promise.resolve();
    return {
      name,
      port: ports[k]!,
      start() {
        const given = [
          ["-c", join(ROOT, "deploy/nats-cluster.conf"), "-n", name, "-a", "127.0.0.1", "-p", String(ports[k])],
          ["--store_dir", join(dir.path, name), "--cluster", `nats://127.0.0.1:${ports[k + 3]}`],
          ["--routes", routes.join(",")],
        ];
        const started = spawn(path, given.flat(), { env: PASSWORDS, stdio: ["ignore", "ignore", "pipe"] });
        child = started;
        killWithUs(started);
        started.stderr.setEncoding("utf8").on("data", (text: string) => lines.push(`${name} ${text.trimEnd()}`));
        gone = once(started, "close");
      },
      async kill() {
        child?.kill("SIGKILL");
        await gone;
      },
    };
  });
  for (const node of nodes) node.start();
  return {
    nodes,
    url: (user) => {
      const password = user === "weir" ? PASSWORDS.ENGINE_PASSWORD : PASSWORDS.PRODUCER_PASSWORD;
      return ports
        .slice(0, 3)
        .map((port) => `nats://${user}:${password}@127.0.0.1:${port}`)
        .join(",");
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(nodes.map((node) => node.kill()));
      await dir[Symbol.asyncDispose]();
    },
  };
}
