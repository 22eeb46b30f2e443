import { readFile, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { WeirError } from "../../src/base/errors.ts";
import { startBroker } from "../../src/wire/broker.ts";
import { checkBroker } from "../../src/wire/check.ts";
import { connectBroker } from "../../src/wire/connect.ts";
import { brokerDir } from "../../src/wire/folder.ts";
import { ensureStreams, inSubject, publishError, streamIdentity } from "../../src/wire/streams.ts";
import { quiet, startOutsideServer, startTestBroker, testConfig } from "../support/nats.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

const alive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test("it starts, answers, and stops without leaving anything running", async () => {
  await using nats = await startTestBroker();
  const { broker } = nats;
  expect(broker.url).toBe(`nats://127.0.0.1:${broker.port}`);
  expect(broker.version).toMatch(/^2\.\d+\.\d+/);
  expect(broker.logTail().join("\n")).toContain("Server is ready");
  {
    await using engine = await nats.connect("engine");
    expect(engine.nc.info).toMatchObject({ host: "127.0.0.1", jetstream: true, auth_required: true });
  }
  await broker.stop();
  await broker.stop();
  await broker.exited;
  expect(alive(broker.pid)).toBe(false);
  await expect(readFile(join(brokerDir(nats.config.dataDir), "broker.json"))).rejects.toThrow("ENOENT");
});

test("what stands in nats.conf and in the options is what the server runs with", async () => {
  await using nats = await startTestBroker({ logBytes: 256 * 1024 * 1024 });
  await using admin = await nats.connect("admin");
  const answer = await admin.nc.request("$SYS.REQ.SERVER.PING.VARZ", "", { timeout: 5_000 });
  const { data } = answer.json<{ data: Record<string, unknown> }>();
  expect(data).toMatchObject({ max_payload: 2_097_152, write_deadline: 10e9, host: "127.0.0.1" });
  expect(data.jetstream).toMatchObject({
    config: { sync_always: true, strict: true, max_storage: (256 + 64 + 64 + 256) * 1024 * 1024 },
  });
});

test("profile fast syncs at intervals", async () => {
  await using nats = await startTestBroker({ profile: "fast" });
  await using engine = await nats.connect("engine");
  const check = (profile: "safe" | "fast") => {
    const { url, credentials } = nats.broker;
    return checkBroker({ connection: engine, config: { profile }, url, admin: credentials.admin, log: quiet });
  };
  expect(await check("fast")).toEqual([]);
  expect(await check("safe")).toEqual([{ level: "refuse", text: expect.stringContaining("every 100 ms") }]);
});

test("after kill -9 nothing acknowledged is gone, and clients come back to the same port", async () => {
  await using dir = await tempDir();
  const config = testConfig(dir.path);
  await using first = await startBroker({ config, log: quiet });
  await using engine = await connectBroker({
    url: first.url,
    credentials: first.credentials.engine,
    name: "test",
    log: quiet,
  });
  await ensureStreams(engine.jsm, config);
  const before = await streamIdentity(engine.jsm, "WEIR_IN");
  let acked = 0;
  const publishing = (async () => {
    for (;;) acked = (await engine.js.publish(inSubject(0), "x".repeat(100), { timeout: 200 })).seq;
  })().catch(publishError); // it ends with the broker
  while (acked < 50) await engine.nc.flush();
  process.kill(first.pid, "SIGKILL");
  expect(await first.exited).toEqual({ code: null, signal: "SIGKILL" });
  // Sent before the connection broke: its answer never comes. Sent after: it cannot go out.
  expect(["timeout", "broker_unreachable"]).toContain(((await publishing) as WeirError).code);

  await using second = await startBroker({ config, log: quiet, port: first.port });
  expect(second.port).toBe(first.port);
  expect(second.credentials).toEqual(first.credentials);
  await until("the client coming back", () =>
    engine.nc.flush().then(
      () => true,
      () => false,
    ),
  );
  const after = await streamIdentity(engine.jsm, "WEIR_IN");
  expect(after.created).toBe(before.created);
  expect(after.last_seq).toBeGreaterThanOrEqual(acked);
  expect(after).toMatchObject({ first_seq: 1, messages: after.last_seq, num_deleted: 0 });
});

test("a port that is taken is an error naming it", async () => {
  await using dir = await tempDir();
  const taken = createServer();
  const port = await new Promise<number>((resolve) => {
    taken.listen(0, "127.0.0.1", () => resolve((taken.address() as { port: number }).port));
  });
  await expect(startBroker({ config: testConfig(dir.path, { natsPort: port }), log: quiet })).rejects.toMatchObject({
    code: "port_in_use",
    message: expect.stringContaining(String(port)),
  });
  await new Promise((resolve) => taken.close(resolve));
});

test("a missing program and an unusable folder are told apart", async () => {
  await using dir = await tempDir();
  const missing = testConfig(dir.path, { natsServer: join(dir.path, "absent") });
  await expect(startBroker({ config: missing, log: quiet })).rejects.toMatchObject({ code: "broker_missing" });
  const unusable = testConfig("/dev/null/weir");
  await expect(startBroker({ config: unusable, log: quiet })).rejects.toMatchObject({ code: "data_dir_unusable" });
});

test("config and credentials are private, and credentials stay over a restart", async () => {
  await using nats = await startTestBroker();
  const dir = brokerDir(nats.config.dataDir);
  const mode = async (path: string) => (await stat(path)).mode & 0o777;
  expect(await mode(dir)).toBe(0o700);
  for (const file of ["credentials.json", "users.conf", "server.conf", "broker.json"]) {
    expect([file, await mode(join(dir, file))]).toEqual([file, 0o600]);
  }
  const passwords = Object.values(nats.broker.credentials).map((c) => c.password);
  expect(new Set(passwords).size).toBe(4);
  expect(passwords.every((p) => p.length >= 43)).toBe(true);
});

test("nats.conf alone starts a node by hand that weir accepts", async () => {
  const text = await readFile(new URL("../../nats.conf", import.meta.url), "utf8");
  const byHand = (dir: string) =>
    text.replace("127.0.0.1:4222", "127.0.0.1:-1").replace('"./weir-nats"', JSON.stringify(dir));
  await using server = await startOutsideServer(byHand);
  await using connection = await connectBroker({ url: server.url, name: "test", log: quiet });
  const findings = await checkBroker({ connection, config: { profile: "safe" }, url: server.url, log: quiet });
  expect(findings.map((f) => f.level)).toEqual(["warn"]); // only what a client cannot see
  await ensureStreams(connection.jsm, testConfig("/unused")); // max_file_store takes the default sizes
});
