import { join } from "node:path";
import { expect, test } from "vitest";
import { createWeir } from "../../src/sdk/index.ts";
import { type Connection, connectBroker } from "../../src/wire/connect.ts";
import { startCluster } from "../support/cluster.ts";
import { quiet } from "../support/nats.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { PATIENT, startWeir } from "../support/weir.ts";

const EVENTS = 6_000;
const STREAMS = ["WEIR_IN", "WEIR_VALID", "WEIR_EVENTS"];

/** Name of the node that leads a stream, and how many copies are up to date; undefined while none leads. */
async function leader(bus: Connection, stream: string): Promise<{ name: string; current: number } | undefined> {
  const { cluster } = await bus.jsm.streams.info(stream).catch(() => ({ cluster: undefined }));
  if (!cluster?.leader) return undefined;
  return { name: cluster.leader, current: 1 + (cluster.replicas ?? []).filter((r) => r.current && !r.offline).length };
}

test("three nodes: the one that leads is killed while events come, and comes back; nothing is lost, nothing is doubled", async () => {
  await using cluster = await startCluster();
  await using dir = await tempDir();
  const env = { WEIR_NATS_URL: cluster.url("weir"), WEIR_NATS_REPLICAS: "3", WEIR_PARTITIONS: "2" };
  const bus = await until(
    "the cluster answers",
    () =>
      connectBroker({ url: cluster.url("weir"), name: "test", log: quiet }).then(
        async (connection) => {
          if (await connection.jsm.getAccountInfo().catch(() => undefined)) return connection;
          await connection.close();
          return undefined;
        },
        () => undefined,
      ),
    PATIENT,
  );
  const weir = await startWeir({ dataDir: join(dir.path, "data"), env });
  process.env.WEIR_LOG_LEVEL = "silent";
  // as on another machine: a folder of its own, and a user that may only send
  const sdk = createWeir({
    dataDir: join(dir.path, "elsewhere"),
    natsUrl: cluster.url("producer"),
    partitions: 2,
    name: "far",
    frameEventsMax: 20,
  });
  try {
    for (const stream of STREAMS) {
      const { config } = await bus.jsm.streams.info(stream);
      expect(config).toMatchObject({ num_replicas: 3, storage: "file" });
    }
    const kills = ["WEIR_IN", "WEIR_EVENTS"];
    for (let k = 0; k < EVENTS; k++) {
      await sdk.emit({ type: "tool.called", session: `s${k % 20}`, data: { tool: "Bash", call_id: `c${k}` } });
      if (k % (EVENTS / 3) !== EVENTS / 6 || kills.length === 0) continue;
      const stream = kills.shift()!;
      await until("some went through", () => sdk.stats().published > k / 2, PATIENT);
      const { name } = await until("somebody leads", () => leader(bus, stream), PATIENT);
      const node = cluster.nodes.find((n) => n.name === name)!;
      await node.kill();
      for (
        let n = 0;
        n < 200;
        n++ // while it is away
      )
        await sdk.emit({ type: "metric.measured", data: { name: `without.${stream}`, value: n } });
      await until(
        "another one leads",
        async () => (await leader(bus, stream))?.name !== name && leader(bus, stream),
        PATIENT,
      );
      node.start();
      await until(
        "all copies are up to date",
        async () => {
          const led = await Promise.all(STREAMS.map((s) => leader(bus, s)));
          return led.every((l) => l?.current === 3);
        },
        PATIENT,
      );
    }
    await sdk.flush();
    await until("the spool is sent", () => sdk.stats().spooled === 0 && sdk.stats().buffered === 0, PATIENT);
    const counts = `select (select count(*) from tool_calls)::int as calls, (select count(distinct call) from tool_calls)::int as ids,
      (select count(*) from measurements where name like 'without.%')::int as measured`;
    const wanted = { calls: EVENTS, ids: EVENTS, measured: 400 };
    await until(
      "all is in the tables",
      async () => JSON.stringify((await weir.sql(counts))[0]) === JSON.stringify(wanted),
      PATIENT,
    );
    await until("verify is clean", async () => (await weir.run(["verify"])).code === 0);
    const { broker, health } = await weir.json<{ broker: unknown; health: unknown }>(["status", "--json"]);
    expect({ broker, health }).toMatchObject({ broker: { ok: true }, health: { state: "ok", reasons: [] } });
    expect(JSON.stringify(broker)).not.toContain("w_secret");
    const ended = await weir.stop();
    expect(ended).toMatchObject({ code: 0, stderr: expect.stringContaining("sync_interval: always") });
    expect(ended.stderr).not.toContain("w_secret");
  } finally {
    await sdk.close();
    await weir[Symbol.asyncDispose]();
    await bus.close();
  }
});

test("fewer nodes than copies are asked for is one clear error", async () => {
  await using cluster = await startCluster();
  await using dir = await tempDir();
  const url = cluster.url("weir");
  const bus = await until("a node answers", () =>
    connectBroker({ url, name: "test", log: quiet }).catch(() => undefined),
  );
  await until("the cluster has a leader", () => bus.jsm.getAccountInfo().catch(() => undefined), PATIENT);
  await bus.close();
  const started = startWeir({ dataDir: join(dir.path, "data"), env: { WEIR_NATS_URL: url, WEIR_NATS_REPLICAS: "5" } });
  await expect(started).rejects.toThrow(/error: broker_refused: stream WEIR_IN cannot be made/);
});
