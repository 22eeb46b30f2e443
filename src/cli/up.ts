import { accessSync, constants, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { clock, isoFromUs } from "../base/clock.ts";
import { type Config, environment, privacyGiven, readConfig, readTelemetry } from "../base/config.ts";
import { WeirError } from "../base/errors.ts";
import { makeFolder } from "../base/folder.ts";
import { LIMITS } from "../base/limits.ts";
import { createLog, type Log } from "../base/log.ts";
import { secretToken } from "../base/secret-token.ts";
import { startTelemetry, type Telemetry } from "../base/telemetry-sdk.ts";
import { discoverTranscripts } from "../capture/discover.ts";
import { type FollowPlan, followPlan } from "../capture/follow/settings.ts";
import { hooksFolder } from "../capture/hooks/append.ts";
import { startHookDrain } from "../capture/hooks/drain.ts";
import type { Asked } from "../capture/watch/project.ts";
import { startWatching, type Told, type Watching } from "../capture/watching.ts";
import { openTables, startClock, startProjections } from "../engine/engine.ts";
import { loadDefinitions } from "../engine/load.ts";
import { startProcessorThread } from "../engine/processors-thread.ts";
import { loadPrices } from "../events/load-prices.ts";
import { createHttp } from "../read/http/app.ts";
import { forwardTo } from "../read/http/forward.ts";
import { sides } from "../read/http/intake.ts";
import { serveHttp } from "../read/http/serve.ts";
import type { Emitter } from "../sdk/emitter.ts";
import { drainOrphans, newSpoolFolder, spoolsFolder } from "../sdk/spools.ts";
import { checkBroker, enforce } from "../wire/check.ts";
import { publicUrl } from "../wire/connect.ts";
import { writeFolderBroker } from "../wire/folder.ts";
import { ensureStreams } from "../wire/streams.ts";
import { openArchive, startArchiving } from "./archiving.ts";
import { createContext } from "./context.ts";
import type { Front } from "./front.ts";
import { observeStatus } from "./observe.ts";
import { openBroker } from "./open-broker.ts";
import { addOperations } from "./operations.ts";
import { openOwnProducer } from "./own-producer.ts";
import { note, say, sayJson } from "./print.ts";
import { privacyEvent, rememberGiven } from "./privacy.ts";
import { definitionsRoot, entry, version } from "./root.ts";
import { type Runtime, removeRuntime, runningHere, writeRuntime } from "./runtime.ts";
import { misspelt } from "./settings.ts";

/** Makes the data folder, or says why it cannot be used. */
async function prepareDataDir(config: Config): Promise<void> {
  try {
    makeFolder(config.dataDir, 0o700);
    accessSync(config.dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new WeirError(
      "data_dir_unusable",
      `${config.dataDir} cannot be used: ${cause instanceof Error ? cause.message : cause}`,
      { cause },
    );
  }
  const running = await runningHere(config.dataDir);
  if (running)
    throw new WeirError(
      "already_running",
      `weir runs on ${config.dataDir} already, at ${running.http_url} (process ${running.pid})`,
    );
}

/** Ends what was started, the last first; a part that fails to end does not keep the others. */
class Closers {
  private readonly closers: (() => unknown)[] = [];
  add(close: () => unknown): void {
    this.closers.push(close);
  }
  async close(log: Log): Promise<void> {
    for (const close of this.closers.splice(0).reverse()) {
      try {
        await close();
      } catch (error) {
        log.warn({ err: error }, "a part did not end in order");
      }
    }
  }
}

/** `weir up`: everything in one process, until SIGTERM or SIGINT. `front` is loading already. */
export async function up(options: { json?: boolean; demo?: boolean; without?: string }, front: Front): Promise<void> {
  const given = readConfig();
  const config = options.demo ? { ...given, dataDir: join(given.dataDir, "demo") } : given;
  const log = createLog("weir", config.logLevel);
  for (const text of misspelt(environment())) note(`warning: ${text}`);
  await prepareDataDir(config);
  loadPrices(config.pricesFile);
  // a demonstration is no place for the user's own sessions
  const plan = options.demo ? [] : followPlan(config.follow, { env: environment() });
  const ending = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    process.on(name, () => {
      if (ending.signal.aborted) process.exit(1); // asked twice: do not wait for the drain
      ending.abort();
    });
  }
  const closers = new Closers();
  const telemetry = await startTelemetry(readTelemetry(), { part: "main", version: version(), log });
  let flushed = true;
  try {
    let watching: Watching | undefined;
    const told = () => watching?.told();
    const { runtime, emitter, folders } = await assemble({
      config,
      log,
      without: options.without,
      closers,
      told,
      telemetry,
      front,
    });
    const { partitions, natsReplicas, logBytes, profile, natsUrl } = config;
    const outside = natsUrl === "" ? {} : { outside: natsUrl };
    await writeFolderBroker(config.dataDir, { ...outside, partitions, natsReplicas, logBytes, profile });
    writeRuntime(config.dataDir, runtime);
    closers.add(() => removeRuntime(config.dataDir));
    const watch = config.watch === "on" && !options.demo;
    if (plan.length > 0 || watch) {
      watching = startWatching({
        entry: entry("src/capture/watching-process"),
        env: environment(),
        log,
        wanted: async () => (await Promise.all(plan.map(({ dirs }) => dirs()))).flat().length > 0,
        folders: async () => (watch ? folders() : { watch: [], taken: [] }),
      });
      closers.add(() => watching?.stop());
    }
    if (options.json) sayJson(runtime);
    else {
      say(`weir is up  ${runtime.http_url}/#token=${runtime.token}`);
      await firstSteps(options.demo ?? false, plan);
    }
    if (options.demo) {
      const demo = await (await import("./demo.ts")).runDemo(emitter, ending.signal);
      closers.add(() => demo.stop());
    }
    await new Promise<void>((resolve) => {
      if (ending.signal.aborted) return resolve();
      ending.signal.addEventListener("abort", () => resolve());
    });
  } finally {
    // the order of a drain: no new requests, what was taken is published, what is published is in the tables as far as it goes
    await closers.close(log);
    flushed = await telemetry.shutdown();
    if (options.demo) rmSync(config.dataDir, { recursive: true, force: true });
  }
  if (!flushed) process.exit(); // what still waits for a collector would hold it
}

/** Puts the parts together, each with what ends it. */
async function assemble(given: {
  readonly config: Config;
  readonly log: Log;
  readonly without: string | undefined;
  readonly closers: Closers;
  readonly told: () => Told | undefined;
  readonly telemetry: Telemetry;
  readonly front: Front;
}): Promise<{ runtime: Runtime; emitter: Emitter; folders: () => Promise<Asked> }> {
  const { config, log, without, closers, told, telemetry, front } = given;
  const started = clock.nowUs();
  const running = new AbortController();
  const definitions = await loadDefinitions(definitionsRoot());
  const names = [...withoutNamed(definitions.processors, without).keys()];
  const open = () => openTables(join(config.dataDir, "weir.duckdb"), definitions.projections, config);
  // the store first: its lock tells at once that another process works here
  const tables = await open();
  let tablesTaken = false;
  closers.add(() => (tablesTaken ? undefined : tables.close()));
  const broker = await openBroker(config, log, running.signal);
  closers.add(() => {
    running.abort();
    return broker.stop();
  });
  const bus = await broker.connect("engine", "engine");
  closers.add(() => bus.close());
  const admin = broker.broker()?.credentials.admin;
  enforce(await checkBroker({ connection: bus, config, url: broker.url, admin, log }), publicUrl(broker.url), log);
  await ensureStreams(bus.jsm, config);
  const archive = openArchive(config);
  const own = await broker.connect("engine", "orders");
  closers.add(() => own.close());
  const chosen = rememberGiven(config.dataDir, privacyGiven());
  const { emitter, privacy } = openOwnProducer({
    config,
    bus: own,
    spoolFolder: newSpoolFolder(config.dataDir, "weir"),
    log,
  });
  if (chosen) await emitter.emit(privacyEvent({ path: "default", ...privacyGiven() }, "weir up"));
  const token = secretToken(24);
  const parts = {
    config,
    log,
    definitions,
    bus,
    emitter,
    dropped: () => emitter.stats().dropped + front.dropped(),
    keys: privacy.keys,
    version: version(),
    started_us: started,
    token,
    broker,
    told,
    archive,
  };
  const context = createContext({
    ...parts,
    processors: () => processors.status(),
    archiver: () => archiver.status,
  });
  closers.add(() => context.close());
  const projecting = startProjections({
    tables,
    open,
    bus,
    archive,
    log,
    signal: running.signal,
    emit: (draft) =>
      void emitter.emit(draft).catch((error: unknown) => log.error({ err: error }, "a finding was not told")),
    onStore: (store) => context.useStore(store),
    onStopped: (error) => note(error.line()),
    onForgotten: (sessions) => context.forget(sessions),
  });
  tablesTaken = true;
  closers.add(() => {
    running.abort();
    return projecting.done;
  });
  const processors = startProcessorThread(
    entry("src/engine/processors-worker"),
    {
      root: definitionsRoot(),
      url: broker.url,
      credentials: broker.broker()?.credentials.engine,
      names,
      partitions: config.partitions,
      archive: archive.place,
      dataDir: config.dataDir,
      snapshots: join(config.dataDir, "snapshots"),
      version: version(),
      logLevel: config.logLevel,
      pricesFile: config.pricesFile,
    },
    log,
  );
  closers.add(() => processors.stop());
  const archiver = startArchiving({
    ...{ archive, bus, config, definitions, projecting, log, url: broker.url },
    credentials: broker.broker()?.credentials.engine,
    processors: () => processors.status(),
  });
  closers.add(() => archiver.stop());
  closers.add(() => emitter.close());
  context.useProjecting(projecting);
  if (telemetry.meter) observeStatus(telemetry.meter, () => context.status());
  startClock({ bus, partitions: config.partitions, signal: running.signal, log });
  const app = createHttp(context);
  addOperations(app, {
    archive,
    archiver,
    config,
    definitions,
    bus,
    projecting,
    log,
    snapshot: () => context.snapshot(),
  });
  let port = 0;
  const onward = forwardTo(() => port);
  closers.add(() => onward.close());
  closers.add(() => front.stop());
  const behind = await serveHttp(app, { port: 0, first: sides.behind(onward.forward) });
  closers.add(() => behind.close()); // first of all: connections end that nobody uses, no new questions
  port = await front.listen({
    ...{ config, token, url: broker.url, version: version() },
    credentials: broker.broker()?.credentials.producer,
    spoolFolder: newSpoolFolder(config.dataDir, "front"),
    port: config.httpPort,
    behind: behind.port,
  });
  context.serving(port);
  const hooks = startHookDrain({ folder: hooksFolder(config.dataDir), sink: emitter, keys: privacy.keys, log });
  closers.add(() => hooks.close());
  let draining = false;
  const drain = (): void => {
    if (draining) return;
    draining = true;
    drainOrphans(spoolsFolder(config.dataDir), own, { keep: config.profile === "fast", log })
      .catch((error: unknown) => log.debug({ err: error }, "a spool waits"))
      .finally(() => {
        draining = false;
      });
  };
  drain();
  const spoolTimer = setInterval(drain, LIMITS.spool_look_ms);
  closers.add(() => clearInterval(spoolTimer));
  const runtime = {
    pid: process.pid,
    http_url: `http://127.0.0.1:${port}`,
    nats_url: publicUrl(broker.url),
    token,
    version: version(),
    started_at: isoFromUs(started),
  };
  const paths = async (asked: { limit: number; removed?: boolean }): Promise<string[]> => {
    const { columns, rows } = await context.ask("watches", asked, { unhurried: true });
    const path = columns.findIndex((column) => column.name === "path");
    return rows.map((row) => String(row[path]));
  };
  const folders = async (): Promise<Asked> => ({
    watch: await paths({ limit: LIMITS.watch_paths_max * 4 }),
    taken: await paths({ limit: LIMITS.query_rows_max, removed: true }),
  });
  return { runtime, emitter, folders };
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

/** Says what is on this machine, and what becomes of it: it is followed, or waits for an import. */
async function firstSteps(demo: boolean, plan: FollowPlan): Promise<void> {
  if (demo)
    return note(
      "This is a demonstration with generated sessions in a folder of its own; it is removed when weir ends.",
    );
  const found = await discoverTranscripts({ env: environment(), home: homedir() }).catch(() => []);
  const followed = new Map<string, readonly string[]>();
  for (const { kind, dirs } of plan) followed.set(kind, await dirs());
  for (const { assistant, dirs, files, bytes } of found) {
    if (files === 0) continue;
    const own = followed.get(assistant) ?? [];
    const rest = dirs.every((dir) => own.includes(dir))
      ? "They are taken in now, the newest first, and followed; see weir status."
      : `Take them in with: weir import ${assistant}`;
    note(`  ${assistant}: ${files} session files, ${(bytes / 1e6).toFixed(1)} MB in ${dirs.join(", ")}. ${rest}`);
  }
  for (const [kind, dirs] of followed) {
    const others = dirs.filter((dir) => !found.some((f) => f.dirs.includes(dir)));
    if (others.length > 0) note(`  ${kind}: ${others.join(", ")} is followed; see weir status.`);
  }
  if (found.every((f) => f.files === 0))
    note("  No assistant's sessions were found on this machine. Try: weir publish --help, or weir up --demo");
  note('  Ask with: weir query sessions, weir sql "select * from sessions", weir status. Stop with Ctrl-C.');
}
