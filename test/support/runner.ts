/**
 * A weir reduced to its processors and tables, as a process that a test can kill: `node --import tsx runner.ts DATA_DIR NATS_URL`. It prints
 * how many transactions the tables have committed, each time there are more; SIGTERM ends it in order.
 */
import { join } from "node:path";
import { readConfig } from "../../src/base/config.ts";
import { createLog } from "../../src/base/log.ts";
import { openTables, startProcessors, startProjections } from "../../src/engine/engine.ts";
import { loadProcessors, loadProjections } from "../../src/engine/load.ts";
import { connectBroker } from "../../src/wire/connect.ts";
import { readCredential } from "../../src/wire/credentials.ts";
import { ensureStreams } from "../../src/wire/streams.ts";
import { until } from "./until.ts";

const [dataDir = "", url = ""] = process.argv.slice(2);
const config = { ...readConfig({}), dataDir, memoryMb: 200, threads: 1 };
const log = createLog("runner", "silent");
const stop = new AbortController();
process.on("SIGTERM", () => stop.abort());

const credentials = await readCredential(join(dataDir, "nats"), "engine");
const bus = await until("the broker answers", () =>
  connectBroker({ url, credentials, name: "engine", log }).catch(() => undefined),
);
await until("the streams are there", () =>
  ensureStreams(bus.jsm, config).then(
    () => true,
    () => false,
  ),
);
const projections = await loadProjections(".");
const open = () => openTables(join(dataDir, "weir.duckdb"), projections, config);
const processors = startProcessors({
  processors: await loadProcessors("."),
  partitions: 1,
  bus,
  snapshots: join(dataDir, "snapshots"),
  version: "test",
  log,
  signal: stop.signal,
});
const tables = startProjections({ tables: await open(), open, bus, log, signal: stop.signal });
let told = -1;
const telling = setInterval(() => {
  if (tables.status.commits === told) return;
  told = tables.status.commits;
  process.stdout.write(`${told}\n`);
}, 5);
await Promise.all([processors.done, tables.done]);
clearInterval(telling);
await bus.close();
