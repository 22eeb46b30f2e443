import { join } from "node:path";
import { privacyGiven, readConfig, readTelemetry } from "../base/config.ts";
import { WeirError } from "../base/errors.ts";
import { openKeys } from "../base/keys.ts";
import { createLog } from "../base/log.ts";
import { withoutOwnSecrets } from "../base/own-secrets.ts";
import { watchPolicy } from "../base/privacy.ts";
import { startTelemetry } from "../base/telemetry-sdk.ts";
import { startProcessors } from "../engine/engine.ts";
import { loadProcessors } from "../engine/load.ts";
import { createGuard, useGuard } from "../events/guard.ts";
import { loadPrices } from "../events/load-prices.ts";
import { checkBroker, enforce } from "../wire/check.ts";
import { connectBroker, publicUrl } from "../wire/connect.ts";
import { readCredential } from "../wire/credentials.ts";
import { brokerDir } from "../wire/folder.ts";
import { ensureStreams } from "../wire/streams.ts";
import { openArchive } from "./archiving.ts";
import { busAddress } from "./bus.ts";
import { note } from "./print.ts";
import { definitionsRoot, version } from "./root.ts";

/** `weir run <processor>`: one processor as a process of its own, against the running weir's broker or an outside one. */
export async function run(name: string): Promise<void> {
  const given = readConfig();
  const log = createLog(`weir run ${name}`, given.logLevel);
  const processors = await loadProcessors(definitionsRoot());
  const processor = processors.get(name);
  if (!processor)
    throw new WeirError("usage", `no processor is called ${name}`, {
      hint: `there are ${[...processors.keys()].join(", ")}`,
    });
  loadPrices(given.pricesFile);
  const { url, credentials, config } = await busAddress(given, "engine");
  useGuard(
    createGuard({
      policy: watchPolicy(config.dataDir, privacyGiven()),
      keys: openKeys(config.dataDir, { make: !config.natsUrl }),
      withoutOwn: withoutOwnSecrets(config.dataDir),
    }),
  );
  const telemetry = await startTelemetry(readTelemetry(), { part: `run ${name}`, version: version(), log });
  const bus = await connectBroker({ url, credentials, name: `run ${name}`, log });
  let flushed = true;
  try {
    const admin = credentials && (await readCredential(brokerDir(config.dataDir), "admin"));
    enforce(await checkBroker({ connection: bus, config, url, admin, log }), publicUrl(url), log);
    await ensureStreams(bus.jsm, config, { adjust: false });
    const ending = new AbortController();
    for (const signal of ["SIGTERM", "SIGINT"] as const)
      process.on(signal, () => {
        if (ending.signal.aborted) process.exit(1); // asked twice: do not wait for the drain
        ending.abort();
      });
    const { done } = startProcessors({
      processors: new Map([[name, processor]]),
      partitions: config.partitions,
      bus,
      archive: openArchive(config),
      snapshots: join(config.dataDir, "snapshots"),
      version: version(),
      log,
      signal: ending.signal,
    });
    note(`the processor ${name} runs; where another one writes, it stands by. Stop with Ctrl-C.`);
    await done;
  } finally {
    await bus.close();
    flushed = await telemetry.shutdown();
  }
  if (!flushed) process.exit(); // what still waits for a collector would hold it
}
