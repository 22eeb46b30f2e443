import { expect, test } from "vitest";
import { createLog } from "../../src/base/log.ts";
import { brokerTrouble, checkBroker, enforce, judgeSync } from "../../src/wire/check.ts";
import { connectBroker, parseBrokerUrl, publicUrl } from "../../src/wire/connect.ts";
import { describeBrokers } from "../support/brokers.ts";
import { quiet } from "../support/nats.ts";

async function findingsOf(url: string, profile: "safe" | "fast") {
  await using connection = await connectBroker({ url, name: "test", log: quiet });
  return await checkBroker({ connection, config: { profile }, url, log: quiet });
}

describeBrokers("an outside broker", ({ startServer }) => {
  test("with everything wrong is refused with everything that is wrong", async () => {
    await using server = await startServer(() => "max_payload: 65536");
    const findings = await findingsOf(server.url, "safe");
    const refused = findings.filter((f) => f.level === "refuse").map((f) => f.text);
    expect(refused).toEqual([expect.stringContaining("max_payload is 65536"), expect.stringContaining("JetStream")]);
    expect(() => enforce(findings, publicUrl(server.url), quiet)).toThrow(
      expect.objectContaining({ code: "broker_refused", message: expect.stringMatching(/max_payload.*JetStream/) }),
    );
  });

  test("that fits is accepted with a warning about what a client cannot see", async () => {
    await using server = await startServer(
      (dir) => `max_payload: 2097152\njetstream { store_dir: ${JSON.stringify(dir)} }`,
    );
    const findings = await findingsOf(server.url, "safe");
    expect(findings).toEqual([
      { level: "warn", text: expect.stringMatching(/power cut is not known.*sync_interval: always/) },
    ]);
    const warned: unknown[] = [];
    const log = createLog("test", "silent");
    log.warn = ((...line: unknown[]) => warned.push(line[1])) as typeof log.warn;
    enforce(findings, publicUrl(server.url), log);
    expect(warned).toEqual([findings[0]?.text]);
  });

  test("lets in who its URL names", async () => {
    await using server = await startServer(
      (dir) =>
        `jetstream { store_dir: ${JSON.stringify(dir)} }\nauthorization { users: [ { user: "a@b", password: "p:/%", permissions: { subscribe: ["_INBOX.>"] } } ] }`,
    );
    const url = server.url.replace("//", `//${encodeURIComponent("a@b")}:${encodeURIComponent("p:/%")}@`);
    await using connection = await connectBroker({ url, name: "test", log: quiet });
    expect(await connection.jsm.getAccountInfo()).toMatchObject({ streams: 0 });
  });
});

describeBrokers("weir's own broker", ({ startBroker }) => {
  test("has nothing to complain about", async () => {
    await using nats = await startBroker();
    await using connection = await nats.connect("engine");
    const { url, credentials } = nats.broker;
    expect(
      await checkBroker({ connection, config: { profile: "safe" }, url, admin: credentials.admin, log: quiet }),
    ).toEqual([]);
    expect(await brokerTrouble({ url, admin: credentials.admin, log: quiet })).toBeUndefined();
  });
});

test("a broker that is not there is unreachable, and the message has no secret", async () => {
  const thrown = await connectBroker({ url: "nats://me:hidden@127.0.0.1:1", name: "x", log: quiet }).catch((e) => e);
  expect(thrown).toMatchObject({ code: "broker_unreachable", message: expect.stringContaining("127.0.0.1:1") });
  expect(thrown.line()).not.toContain("hidden");
});

test("sync settings are judged by profile", () => {
  const at = (interval_ms: number) => ({ always: false, interval_ms });
  const levels = (sync: Parameters<typeof judgeSync>[0], profile: "safe" | "fast") =>
    judgeSync(sync, profile).map((f) => f.level);
  expect(levels({ always: true, interval_ms: 120_000 }, "safe")).toEqual([]);
  expect(levels(at(100), "safe")).toEqual(["refuse"]);
  expect(levels(at(100), "fast")).toEqual([]);
  expect(levels(at(120_000), "fast")).toEqual(["warn"]);
  expect(levels(undefined, "fast")).toEqual(["warn"]);
});

test("addresses are taken apart", () => {
  expect(parseBrokerUrl("nats://u:p@a:1,b")).toEqual({ servers: ["a:1", "b:4222"], tls: false, user: "u", pass: "p" });
  expect(parseBrokerUrl("tls://[::1]:5")).toEqual({ servers: ["[::1]:5"], tls: true });
  expect(publicUrl("nats://u:p@a:1")).toBe("nats://a:1");
  for (const bad of ["http://a", "nats://u:secret@", "nats://u:secret@a:x", ""]) {
    expect(() => parseBrokerUrl(bad)).toThrow(expect.objectContaining({ code: "bad_config" }));
    expect(() => parseBrokerUrl(bad)).not.toThrow("secret");
  }
});
