import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { clock } from "../base/clock.ts";
import { readTelemetry } from "../base/config.ts";
import { toWeirError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import { createLog } from "../base/log.ts";
import { hostsAt } from "../base/origin.ts";
import { goFirst } from "../base/process.ts";
import { startTelemetry } from "../base/telemetry-sdk.ts";
import type { IntakeContext } from "../read/context.ts";
import { forwardTo } from "../read/http/forward.ts";
import { createIntake, sides } from "../read/http/intake.ts";
import { serveHttp } from "../read/http/serve.ts";
import { connectBroker } from "../wire/connect.ts";
import type { FrontOptions, FrontTold } from "./front.ts";
import { addHookRoutes, captureGate } from "./hooks.ts";
import { addOtlp } from "./otlp.ts";
import { openOwnProducer } from "./own-producer.ts";
import { publishEvents, publishPacked } from "./publish.ts";

/** The thread that owns weir's port, see `front.ts`. It loads neither tables nor queries. */
async function start(options: FrontOptions): Promise<() => Promise<void>> {
  const { config, url, credentials, token, spoolFolder, version, port, behind } = options;
  const log = createLog("front", config.logLevel);
  const telemetry = await startTelemetry(readTelemetry(), { part: "front", version, log });
  const bus = await connectBroker({ url, credentials, name: "front", log });
  const { emitter, privacy } = openOwnProducer({ config, bus, spoolFolder, log });
  emitter.wake(); // what an earlier one left on the disk
  let hosts: readonly string[] = [];
  const context: IntakeContext = {
    token,
    capture: captureGate(config.dataDir),
    get hosts() {
      return hosts;
    },
    report: (error, where) => log.error({ err: error, where }, "a bug: a request failed for no known reason"),
    publish: (events) => publishEvents(emitter, events, clock.nowUs()),
    publishPacked: async (bytes) => publishPacked(emitter, bytes, clock.nowUs()),
  };
  const app = createIntake(context);
  const hooks = addHookRoutes(app, config.dataDir, privacy);
  const otlp = addOtlp(app, { emitter, folder: join(config.dataDir, "otlp"), log });
  const onward = forwardTo(() => behind);
  const server = await serveHttp(app, {
    port,
    divert: sides.divert(behind),
    first: sides.intake(context, onward.forward),
  });
  hosts = hostsAt(server.port);
  tell({ kind: "listening", port: server.port });
  // not before the others had time to start; again, because one that fails is started anew
  const ahead = setInterval(() => goFirst(LIMITS.front_nice), LIMITS.front_first_ms);
  let dropped = 0;
  const timer = setInterval(() => {
    const now = emitter.stats().dropped;
    if (now !== dropped) tell({ kind: "dropped", dropped: now });
    dropped = now;
  }, LIMITS.spool_look_ms);
  return async () => {
    clearInterval(ahead);
    clearInterval(timer);
    await server.close();
    onward.close();
    await hooks.close();
    await otlp.close();
    await emitter.close();
    await bus.close();
    const flushed = await telemetry.shutdown();
    parentPort!.close();
    if (!flushed) process.exit(); // this thread alone, and with it what still waits for a collector
  };
}

const tell = (told: FrontTold): void => parentPort!.postMessage(told);

let started: Promise<(() => Promise<void>) | undefined> | undefined;
const begin = (options: FrontOptions): void => {
  started = start(options).catch((error: unknown) => {
    const { code, message, hint } = toWeirError(error);
    tell({ kind: "failed", code, message, hint });
    if (workerData) process.exit(); // of this thread: it is started again until it can listen
    return undefined;
  });
};
if (workerData) begin(workerData as FrontOptions);
parentPort!.on("message", async (message: FrontOptions | "stop") => {
  if (message !== "stop") return begin(message);
  const stop = await started;
  if (stop) await stop();
  else process.exit(); // of this thread: it never listened
});
