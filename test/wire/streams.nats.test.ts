import type { StreamConfig } from "@nats-io/jetstream";
import { expect, test } from "vitest";
import { startBroker } from "../../src/wire/broker.ts";
import { connectBroker } from "../../src/wire/connect.ts";
import { isFenced, publishError } from "../../src/wire/publish-error.ts";
import { ensureStreams, markArchived, purgeUpTo, streamConfig, streamIdentity } from "../../src/wire/streams.ts";
import { describeBrokers } from "../support/brokers.ts";
import { type BrokerUnderTest, quiet, testConfig } from "../support/nats.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

const MiB = 1024 * 1024;
const options = { logBytes: 256 * MiB, partitions: 1, natsReplicas: 1 };

async function withEngine(nats: BrokerUnderTest) {
  return nats.connect("engine");
}

const breaking: [string, Partial<StreamConfig>][] = [
  ["storage is memory, wanted file", { storage: "memory" }],
  ["retention is workqueue, wanted limits", { retention: "workqueue", deny_delete: false }],
  ["discard is old, wanted new", { discard: "old" }],
  ["max_age is 3600000000000, wanted 0", { max_age: 3600e9 }],
  ["max_msgs_per_subject is 5, wanted -1", { max_msgs_per_subject: 5 }],
  ["persist_mode is async, wanted default", { persist_mode: "async" }],
  ["compression is s2, wanted none", { compression: "s2" }],
  ["allow_rollup_hdrs is true, wanted false", { allow_rollup_hdrs: true }],
  ["allow_msg_ttl is true, wanted false", { allow_msg_ttl: true }],
  ["subjects is", { subjects: ["weir.in.>"] }],
];

describeBrokers("streams", ({ startBroker }) => {
  test("streams are made with the settings that the guarantees need, and made once", async () => {
    await using nats = await startBroker({ logBytes: options.logBytes });
    await using engine = await withEngine(nats);
    await ensureStreams(engine.jsm, options);
    const created = (await streamIdentity(engine.jsm, "WEIR_EVENTS")).created;
    await ensureStreams(engine.jsm, options);
    expect((await streamIdentity(engine.jsm, "WEIR_EVENTS")).created).toBe(created);
    const bytes = { WEIR_IN: 64 * MiB, WEIR_VALID: 64 * MiB, WEIR_EVENTS: 256 * MiB };
    for (const [name, max_bytes] of Object.entries(bytes)) {
      const { config } = await engine.jsm.streams.info(name);
      expect(config).toMatchObject({
        max_bytes,
        storage: "file",
        retention: "limits",
        discard: "new",
        max_age: 0,
        deny_delete: true,
        allow_direct: true,
        allow_rollup_hdrs: false,
        num_replicas: 1,
        duplicate_window: 120e9,
      });
      expect(config.persist_mode ?? "default").toBe("default");
    }
  });

  test("harmless differences are brought to what weir wants", async () => {
    await using nats = await startBroker({ logBytes: options.logBytes });
    await using engine = await withEngine(nats);
    const { jsm } = engine;
    const other = { ...streamConfig("WEIR_IN", options), max_bytes: MiB, duplicate_window: 1e9, deny_delete: false };
    await jsm.streams.add({ ...other, allow_direct: false, metadata: { team: "blue" }, description: "ours" });
    await ensureStreams(jsm, options);
    const { config } = await jsm.streams.info("WEIR_IN");
    expect(config).toMatchObject({
      max_bytes: 64 * MiB,
      duplicate_window: 120e9,
      deny_delete: true,
      allow_direct: true,
      description: "ours",
      metadata: { team: "blue", weir_partitions: "1" },
    });
  });

  test("a log smaller than what it holds loses nothing", async () => {
    await using nats = await startBroker({ logBytes: options.logBytes });
    await using engine = await withEngine(nats);
    await ensureStreams(engine.jsm, { ...options, logBytes: 64 * MiB });
    const frame = new Uint8Array(MiB);
    for (let i = 0; i < 4; i++) await engine.js.publish("weir.ev.enrich.0", frame);
    const { config } = await engine.jsm.streams.info("WEIR_EVENTS");
    await engine.jsm.streams.update("WEIR_EVENTS", { ...config, max_bytes: 2 * MiB });
    expect(await streamIdentity(engine.jsm, "WEIR_EVENTS")).toMatchObject({ first_seq: 1, last_seq: 4, messages: 4 });
    const thrown = await engine.js.publish("weir.ev.enrich.0", frame).catch((e) => e);
    expect(publishError(thrown)).toMatchObject({ code: "broker_full" });
  });

  test("settings that break a guarantee are refused, naming stream, setting, found and wanted", async () => {
    await using nats = await startBroker({ logBytes: options.logBytes });
    await using engine = await withEngine(nats);
    const { jsm } = engine;
    for (const [text, setting] of breaking) {
      // the server may still be removing the folder of the one before
      const made = { ...streamConfig("WEIR_IN", options), max_bytes: MiB, ...setting };
      await until("the stream is made", () =>
        jsm.streams.add(made).then(
          () => true,
          () => false,
        ),
      );
      const thrown = await ensureStreams(jsm, options).catch((e) => e);
      expect(thrown).toMatchObject({ code: "broker_refused" });
      expect(thrown.message).toContain(`stream WEIR_IN: ${text}`);
      await jsm.streams.delete("WEIR_IN");
    }
    // Refused before anything was made or changed after it.
    await expect(streamIdentity(jsm, "WEIR_EVENTS")).rejects.toMatchObject({ code: "stream_changed" });
  });

  test("the number of partitions is fixed when the log is made", async () => {
    await using nats = await startBroker({ logBytes: options.logBytes });
    await using engine = await withEngine(nats);
    await ensureStreams(engine.jsm, { ...options, partitions: 4 });
    await expect(ensureStreams(engine.jsm, options)).rejects.toMatchObject({
      code: "bad_config",
      hint: expect.stringContaining("WEIR_PARTITIONS=4"),
    });
  });

  test("copies that a single node cannot hold are refused with the broker's words", async () => {
    await using nats = await startBroker({ logBytes: options.logBytes });
    await using engine = await withEngine(nats);
    await expect(ensureStreams(engine.jsm, { ...options, natsReplicas: 3 })).rejects.toMatchObject({
      code: "broker_refused",
      message: expect.stringContaining("WEIR_IN"),
    });
  });

  test("copies are not added to streams of a single node, which would not find them again when it starts", async () => {
    await using nats = await startBroker({ logBytes: options.logBytes });
    await using engine = await withEngine(nats);
    await ensureStreams(engine.jsm, options);
    await expect(ensureStreams(engine.jsm, { ...options, natsReplicas: 3 })).rejects.toMatchObject({
      code: "broker_refused",
      message: "stream WEIR_IN cannot have 3 copies: the broker is no cluster",
    });
    const copies = async () => (await engine.jsm.streams.info("WEIR_IN")).config.num_replicas;
    expect(await copies()).toBe(1);
    // one that has got them otherwise has them taken away while it is still found
    const { config } = await engine.jsm.streams.info("WEIR_IN");
    await engine.jsm.streams.update("WEIR_IN", { ...config, num_replicas: 3 });
    expect(await copies()).toBe(3);
    await ensureStreams(engine.jsm, options);
    expect(await copies()).toBe(1);
  });

  test("trimming goes up to the sequence, keeps other subjects and the newest message", async () => {
    await using nats = await startBroker({ logBytes: options.logBytes });
    await using engine = await withEngine(nats);
    const { js, jsm } = engine;
    await ensureStreams(jsm, { ...options, partitions: 2 });
    expect(await purgeUpTo(jsm, "WEIR_VALID", "weir.valid.0", 5)).toBe(0);
    for (let i = 0; i < 10; i++) await js.publish(`weir.valid.${i % 2}`, String(i)); // subject 0 has the odd sequences
    expect(await purgeUpTo(jsm, "WEIR_VALID", "weir.valid.0", 5)).toBe(3);
    expect(await purgeUpTo(jsm, "WEIR_VALID", "weir.valid.0", 5)).toBe(0);
    expect(await streamIdentity(jsm, "WEIR_VALID")).toMatchObject({ first_seq: 2, last_seq: 10, messages: 7 });
    expect(await purgeUpTo(jsm, "WEIR_VALID", "weir.valid.0", 1_000)).toBe(1);
    const left = await jsm.direct.getMessage("WEIR_VALID", { last_by_subj: "weir.valid.0" });
    expect(left?.seq).toBe(9);
    await expect(js.publish("weir.valid.0", "x", { expect: { lastSubjectSequence: 9 } })).resolves.toMatchObject({
      seq: 11,
    });
  });

  test("a fenced publish is left for the caller to see", async () => {
    await using nats = await startBroker({ logBytes: options.logBytes });
    await using engine = await withEngine(nats);
    await ensureStreams(engine.jsm, options);
    await engine.js.publish("weir.ev.enrich.0", "x", { expect: { lastSubjectSequence: 0 } });
    const thrown = await engine.js
      .publish("weir.ev.enrich.0", "x", { expect: { lastSubjectSequence: 0 } })
      .catch((e) => e);
    expect(isFenced(thrown)).toBe(true);
    expect(publishError(thrown)).toBe(thrown);
    expect(isFenced(new Error("other"))).toBe(false);
  });

  test("other failed publishes get a code", async () => {
    await using nats = await startBroker({ logBytes: options.logBytes });
    await using engine = await withEngine(nats);
    const { js } = engine;
    const failing = (subject: string, bytes = 1) => js.publish(subject, new Uint8Array(bytes)).catch(publishError);
    expect(await failing("weir.in.0")).toMatchObject({ code: "broker_unreachable" }); // there is no stream yet
    await ensureStreams(engine.jsm, options);
    expect(await failing("weir.in.0", 3 * MiB)).toMatchObject({ code: "limit_reached" });
    await nats.broker.stop();
    await engine.close();
    expect(await failing("weir.in.0")).toMatchObject({ code: "broker_unreachable" });
  });
});

test("a log stays the same log when its settings change, whatever creation time the broker gives it after a restart", async () => {
  await using dir = await tempDir();
  const config = testConfig(dir.path);
  const seen = new Set<string>();
  for (const logBytes of [config.logBytes, config.logBytes / 2, config.logBytes / 2]) {
    const broker = await startBroker({ config, log: quiet });
    const { url, credentials } = broker;
    await using engine = await connectBroker({ url, credentials: credentials.engine, name: "test", log: quiet });
    await ensureStreams(engine.jsm, { ...config, logBytes });
    await markArchived(engine.jsm, "WEIR_EVENTS", { id: "a", end: seen.size });
    const identity = await streamIdentity(engine.jsm, "WEIR_EVENTS");
    expect(identity.archive).toEqual({ id: "a", end: seen.size });
    seen.add(identity.created);
    await broker.stop();
  }
  expect(seen.size).toBe(1);
});
