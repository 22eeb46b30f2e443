import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { secretToken } from "../../src/base/secret-token.ts";
import { type Front, type FrontOptions, type FrontTold, startFront } from "../../src/cli/front.ts";
import { newSpoolFolder } from "../../src/sdk/spools.ts";
import { quiet } from "../support/nats.ts";
import { type Bench, eventsIn, startBench } from "../support/pipeline.ts";
import { ROOT } from "../support/weir.ts";

const ENTRY = join(ROOT, "dist/src/cli/front-worker.js");
const token = secretToken(24);

const optionsOf = ({ nats }: Bench, over: Partial<FrontOptions> = {}): FrontOptions => ({
  config: nats.config,
  token,
  url: nats.broker.url,
  credentials: nats.broker.credentials.producer,
  spoolFolder: newSpoolFolder(nats.config.dataDir, "front"),
  version: "0",
  port: 0,
  behind: 1,
  ...over,
});

const publish = (port: number): Promise<Response> =>
  fetch(`http://127.0.0.1:${port}/api/events`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify({ type: "tool.called", data: { tool: "Bash" } }),
  });

test("takes events in as a producer, without anybody behind it, until it is stopped", async () => {
  await using bench = await startBench();
  const front = startFront(ENTRY, quiet);
  const port = await front.listen(optionsOf(bench));
  expect((await publish(port)).status).toBe(200);
  expect(await eventsIn(bench.bus, "WEIR_IN")).toMatchObject([{ type: "tool.called", n: 1 }]);
  expect((await fetch(`http://127.0.0.1:${port}/hooks/nobody`, { method: "POST" })).status).toBe(401);
  expect(front.dropped()).toBe(0);
  await front.stop();
  await expect(publish(port)).rejects.toThrow();
});

test("says why it cannot listen: a port in use, a broker that is away", async () => {
  await using bench = await startBench();
  const [one, two, three] = [1, 2, 3].map(() => startFront(ENTRY, quiet)) as [Front, Front, Front];
  const port = await one.listen(optionsOf(bench));
  await expect(two.listen(optionsOf(bench, { port }))).rejects.toMatchObject({ code: "port_in_use" });
  const url = "nats://127.0.0.1:1";
  await expect(three.listen(optionsOf(bench, { url }))).rejects.toMatchObject({ code: "broker_unreachable" });
  for (const front of [one, two, three]) await front.stop();
});

test("one that is started again and cannot listen ends, so that it is tried once more", async () => {
  await using bench = await startBench();
  const told: FrontTold[] = [];
  const again = new Worker(ENTRY, { workerData: optionsOf(bench, { url: "nats://127.0.0.1:1" }) });
  again.on("message", (message: FrontTold) => told.push(message));
  await new Promise((resolve) => again.once("exit", resolve));
  expect(told).toMatchObject([{ kind: "failed", code: "broker_unreachable" }]);
});
