import { parentPort, workerData } from "node:worker_threads";
import { privacyGiven, readTelemetry } from "../base/config.ts";
import { openKeys } from "../base/keys.ts";
import { LIMITS } from "../base/limits.ts";
import { createLog } from "../base/log.ts";
import { withoutOwnSecrets } from "../base/own-secrets.ts";
import { watchPolicy } from "../base/privacy.ts";
import { startTelemetry } from "../base/telemetry-sdk.ts";
import { createGuard, useGuard } from "../events/guard.ts";
import { loadPrices } from "../events/load-prices.ts";
import { connectBroker } from "../wire/connect.ts";
import { Archive } from "./archive/archive.ts";
import { startProcessors } from "./engine.ts";
import { loadProcessors } from "./load.ts";
import type { ThreadOptions } from "./processors-thread.ts";

/** The thread that runs processors: a connection of its own, states of its own; it tells its parent how far they are. */
const { root, url, credentials, names, partitions, archive, dataDir, snapshots, version, logLevel, pricesFile } =
  workerData as ThreadOptions;
const log = createLog("processors", logLevel);
const ending = new AbortController();
loadPrices(pricesFile);
useGuard(
  createGuard({
    policy: watchPolicy(dataDir, privacyGiven()),
    keys: openKeys(dataDir, { make: true }),
    withoutOwn: withoutOwnSecrets(dataDir),
  }),
);
const telemetry = await startTelemetry(readTelemetry(), { part: "processors", version, log });
const bus = await connectBroker({ url, credentials, name: "processors", log });
const all = await loadProcessors(root);
const processors = new Map([...all].filter(([name]) => names.includes(name)));
const { status, done } = startProcessors({
  processors,
  partitions,
  bus,
  archive: new Archive(archive),
  snapshots,
  version,
  log,
  signal: ending.signal,
});
let told = "";
const tell = (): void => {
  const now = JSON.stringify(status);
  if (now === told) return;
  told = now;
  parentPort!.postMessage(status);
};
const timer = setInterval(tell, LIMITS.told_ms);
tell();
parentPort!.once("message", async () => {
  ending.abort();
  await done;
  clearInterval(timer);
  tell();
  await bus.close();
  const told = await telemetry.shutdown();
  parentPort!.close();
  if (!told) process.exit(); // this thread alone, and with it what still waits for a collector
});
