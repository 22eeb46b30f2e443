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
import { brokerDir } from "../wire/broker.ts";
import { connectBroker } from "../wire/connect.ts";
import { readCredential } from "../wire/credentials.ts";
import { note } from "./print.ts";
import { definitionsRoot, version } from "./root.ts";
import { needRuntime } from "./runtime.ts";

/** `weir run <processor>`: one processor as a process of its own, against the running weir's broker or an outside one. */
export async function run(name: string): Promise<void> {
  const config = readConfig();
  const log = createLog(`weir run ${name}`, config.logLevel);
  const processors = await loadProcessors(definitionsRoot());
  const processor = processors.get(name);
  if (!processor)
    throw new WeirError("usage", `no processor is called ${name}`, {
      hint: `there are ${[...processors.keys()].join(", ")}`,
    });
  loadPrices(config.pricesFile);
  useGuard(
    createGuard({
      policy: watchPolicy(config.dataDir, privacyGiven()),
      keys: openKeys(config.dataDir, { make: !config.natsUrl }),
      withoutOwn: withoutOwnSecrets(config.dataDir),
    }),
  );
  const telemetry = await startTelemetry(readTelemetry(), { part: `run ${name}`, version: version(), log });
  const bus = config.natsUrl
    ? await connectBroker({ url: config.natsUrl, name: `run ${name}`, log })
    : await connectBroker({
        url: needRuntime(config.dataDir).nats_url,
        credentials: await readCredential(brokerDir(config.dataDir), "engine"),
        name: `run ${name}`,
        log,
      });
  const ending = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => ending.abort());
  const { done } = startProcessors({
    processors: new Map([[name, processor]]),
    partitions: config.partitions,
    bus,
    snapshots: join(config.dataDir, "snapshots"),
    version: version(),
    log,
    signal: ending.signal,
  });
  note(`the processor ${name} runs; where another one writes, it stands by. Stop with Ctrl-C.`);
  await done;
  await bus.close();
  if (!(await telemetry.shutdown())) process.exit(); // what still waits for a collector would hold it
}
