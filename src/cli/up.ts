import { randomBytes } from "node:crypto";
import { accessSync, constants, mkdirSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { clock, isoFromUs } from "../base/clock.ts";
import { type Config, readConfig } from "../base/config.ts";
import { WeirError } from "../base/errors.ts";
import { createLog, type Log } from "../base/log.ts";
import { discoverTranscripts } from "../capture/discover.ts";
import { openTables, startClock, startProjections } from "../engine/engine.ts";
import { loadDefinitions } from "../engine/load.ts";
import { startProcessorThread } from "../engine/processors-thread.ts";
import { loadPrices } from "../events/load-prices.ts";
import { createHttp } from "../read/http/app.ts";
import { serveHttp } from "../read/http/serve.ts";
import { createEmitter } from "../sdk/emit.ts";
import { drainOrphans, spoolsFolder } from "../sdk/spools.ts";
import { type Broker, startBroker } from "../wire/broker.ts";
import { checkBroker } from "../wire/check.ts";
import { type Connection, connectBroker, publicUrl } from "../wire/connect.ts";
import { ensureStreams } from "../wire/streams.ts";
import { createContext } from "./context.ts";
import { addOperations } from "./operations.ts";
import { note, say, sayJson } from "./print.ts";
import { definitionsRoot, entry, version } from "./root.ts";
import { findRuntime, removeRuntime, writeRuntime } from "./runtime.ts";

/** Makes the data folder, or says why it cannot be used. */
function prepareDataDir(config: Config): void {
  try {
    mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
    accessSync(config.dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new WeirError(
      "data_dir_unusable",
      `${config.dataDir} cannot be used: ${cause instanceof Error ? cause.message : cause}`,
      { cause },
    );
  }
  const running = findRuntime(config.dataDir);
  if (running)
    throw new WeirError(
      "already_running",
      `weir runs on ${config.dataDir} already, at ${running.http_url} (process ${running.pid})`,
    );
}

/** The broker: the one weir starts and starts again when it dies, or an outside one. */
async function openBroker(
  config: Config,
  log: Log,
  signal: AbortSignal,
): Promise<{
  url: string;
  broker: () => Broker | undefined;
  connect(role: "engine" | "producer" | "reader", name: string): Promise<Connection>;
  stop(): Promise<void>;
}> {
  if (config.natsUrl) {
    const url = config.natsUrl;
    return {
      url,
      broker: () => undefined,
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
  return {
    url: broker.url,
    broker: () => broker,
    connect: (role, name) => connectBroker({ url: broker.url, credentials: broker.credentials[role], name, log }),
    stop: () => broker.stop(),
  };
}

/** `weir up`: everything in one process, until SIGTERM or SIGINT. */
export async function up(options: { json?: boolean; demo?: boolean; without?: string }): Promise<void> {
  const started = clock.nowUs();
  let config = readConfig();
  let temporary: string | undefined;
  if (options.demo) {
    temporary = join(config.dataDir, "demo");
    config = { ...config, dataDir: temporary };
  }
  const log = createLog("weir", config.logLevel);
  prepareDataDir(config);
  loadPrices(config.pricesFile);
  const ending = new AbortController();
  const running = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    process.on(name, () => {
      if (ending.signal.aborted) process.exit(1); // asked twice: do not wait for the drain
      ending.abort();
    });
  }
  const definitions = await loadDefinitions(definitionsRoot());
  const file = join(config.dataDir, "weir.duckdb");
  const open = () => openTables(file, definitions.projections, config);
  // the store first: its lock tells at once that another process works here
  const tables = await open();
  const broker = await openBroker(config, log, running.signal).catch(async (error: unknown) => {
    await tables.close();
    throw error;
  });
  const bus = await broker.connect("engine", "engine");
  await checkBroker({ connection: bus, config, url: broker.url, admin: broker.broker()?.credentials.admin, log });
  await ensureStreams(bus.jsm, config);
  const own = await broker.connect("engine", "orders");
  const emitter = createEmitter({
    producer: `weir-${process.pid}-${randomBytes(4).toString("hex")}`,
    source: "weir://local",
    via: "api",
    bus: () => own,
    spoolFolder: join(config.dataDir, "spool", `weir.${process.pid}.${randomBytes(3).toString("hex")}`),
    partitions: config.partitions,
    whenFull: "wait",
    check: true,
    log,
  });
  const processors = startProcessorThread(
    entry("src/engine/processors-worker"),
    {
      root: definitionsRoot(),
      url: broker.url,
      credentials: broker.broker()?.credentials.engine,
      names: [...withoutNamed(definitions.processors, options.without).keys()],
      partitions: config.partitions,
      snapshots: join(config.dataDir, "snapshots"),
      version: version(),
      logLevel: config.logLevel,
      pricesFile: config.pricesFile,
    },
    log,
  );
  const token = randomBytes(24).toString("base64url");
  const context = createContext({
    config,
    log,
    definitions,
    bus,
    emitter,
    processors: () => processors.status(),
    version: version(),
    started_us: started,
    token,
    broker,
  });
  const projecting = startProjections({
    tables,
    open,
    bus,
    log,
    signal: running.signal,
    emit: (draft) =>
      void emitter.emit(draft).catch((error: unknown) => log.error({ err: error }, "a finding was not told")),
    onStore: (store) => context.useStore(store),
  });
  context.useProjecting(projecting);
  startClock({ bus, partitions: config.partitions, signal: running.signal, log });
  const app = createHttp(context);
  addOperations(app, { config, definitions, bus, projecting, log, snapshot: () => context.snapshot() });
  const server = await serveHttp(app, { port: config.httpPort, host: "127.0.0.1" }).catch(async (error: unknown) => {
    running.abort();
    await projecting.done;
    await broker.stop();
    throw error;
  });
  context.serving(server.port);
  const spoolTimer = setInterval(
    () =>
      void drainOrphans(spoolsFolder(config.dataDir), own).catch((error: unknown) =>
        log.debug({ err: error }, "a spool waits"),
      ),
    5_000,
  );
  await drainOrphans(spoolsFolder(config.dataDir), own).catch((error: unknown) =>
    log.warn({ err: error }, "a spool could not be sent yet"),
  );
  const runtime = {
    pid: process.pid,
    http_url: server.url,
    nats_url: publicUrl(broker.url),
    token,
    version: version(),
    started_at: isoFromUs(started),
  };
  writeRuntime(config.dataDir, runtime);
  if (options.json) sayJson(runtime);
  else {
    say(`weir is up  ${server.url}/#token=${token}`);
    await firstSteps(options.demo ?? false);
  }
  const demo = options.demo ? await (await import("./demo.ts")).runDemo(emitter, ending.signal) : undefined;
  await new Promise<void>((resolve) => {
    if (ending.signal.aborted) return resolve();
    ending.signal.addEventListener("abort", () => resolve());
  });
  // drain: no new requests, what was taken is published, what is published is in the tables as far as it goes
  clearInterval(spoolTimer);
  demo?.stop();
  removeRuntime(config.dataDir);
  await server.close();
  await emitter.close();
  running.abort();
  await processors.stop();
  await projecting.done;
  await context.close();
  await own.close();
  await bus.close();
  await broker.stop();
  if (temporary) rmSync(temporary, { recursive: true, force: true });
}

/** The processors that this process runs itself. */
function withoutNamed<T>(processors: ReadonlyMap<string, T>, names: string | undefined): ReadonlyMap<string, T> {
  const left = new Set((names ?? "").split(",").filter((name) => name !== ""));
  for (const name of left)
    if (!processors.has(name))
      throw new WeirError("usage", `no processor is called ${name}`, {
        hint: `there are ${[...processors.keys()].join(", ")}`,
      });
  return new Map([...processors].filter(([name]) => !left.has(name)));
}

/** With nothing recorded yet, says what could be: the assistants found on this machine, and the command that takes them in. */
async function firstSteps(demo: boolean): Promise<void> {
  if (demo)
    return note(
      "This is a demonstration with generated sessions in a folder of its own; it is removed when weir ends.",
    );
  const found = await discoverTranscripts({ env: process.env, home: homedir() }).catch(() => []);
  for (const { assistant, dirs, files, bytes } of found) {
    if (files > 0)
      note(
        `  ${assistant}: ${files} session files, ${(bytes / 1e6).toFixed(1)} MB in ${dirs.join(", ")}. Take them in with: weir import ${assistant}`,
      );
  }
  if (found.every((f) => f.files === 0))
    note("  No assistant's sessions were found on this machine. Try: weir publish --help, or npm start -- --demo");
  note('  Ask with: weir query sessions, weir sql "select * from sessions", weir status. Stop with Ctrl-C.');
}
