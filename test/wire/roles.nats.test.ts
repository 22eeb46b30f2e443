import { DeliverPolicy } from "@nats-io/jetstream";
import { expect, test } from "vitest";
import { connectBroker } from "../../src/wire/connect.ts";
import { publishError } from "../../src/wire/publish-error.ts";
import { ensureStreams } from "../../src/wire/streams.ts";
import { INSTANCES_SUBJECT } from "../../src/wire/subjects.ts";
import { describeBrokers, type Place } from "../support/brokers.ts";
import { quiet } from "../support/nats.ts";

async function brokerWithOneFrame(startBroker: Place["startBroker"]) {
  const nats = await startBroker();
  await using engine = await nats.connect("engine");
  await ensureStreams(engine.jsm, nats.config);
  await engine.js.publish("weir.ev.enrich.0", "one");
  return nats;
}

const denied = /[Pp]ermissions [Vv]iolation/;

describeBrokers("roles", ({ startBroker }) => {
  test("a producer publishes, and can do nothing else", async () => {
    await using nats = await brokerWithOneFrame(startBroker);
    await using producer = await nats.connect("producer");
    expect(await producer.js.publish("weir.in.0", "x")).toMatchObject({ stream: "WEIR_IN", seq: 1 });
    for (const subject of ["weir.valid.0", "weir.ev.enrich.0", "other"]) {
      const thrown = await producer.js.publish(subject, "x").catch((e) => e);
      expect(publishError(thrown)).toMatchObject({ code: "broker_refused" });
    }
    const { jsm } = producer;
    await expect(jsm.streams.info("WEIR_EVENTS")).rejects.toThrow(denied);
    await expect(jsm.direct.getMessage("WEIR_EVENTS", { seq: 1 })).rejects.toThrow(denied);
    await expect(jsm.consumers.add("WEIR_EVENTS", { name: "spy" })).rejects.toThrow(denied);
    await expect(jsm.streams.purge("WEIR_EVENTS")).rejects.toThrow(denied);
    await expectNoSubscription(producer.nc, "weir.>");
    await expectNoSubscription(producer.nc, "_INBOX_engine.>");
    await expectNoSubscription(producer.nc, ">");
  });

  test("a reader reads streams, and changes nothing", async () => {
    await using nats = await brokerWithOneFrame(startBroker);
    await using reader = await nats.connect("reader");
    const { js, jsm, nc } = reader;
    expect((await jsm.streams.info("WEIR_EVENTS")).state.last_seq).toBe(1);
    expect((await jsm.direct.getMessage("WEIR_EVENTS", { seq: 1 }))?.string()).toBe("one");
    expect((await jsm.direct.getMessage("WEIR_EVENTS", { last_by_subj: "weir.ev.enrich.0" }))?.seq).toBe(1);
    const ordered = await js.consumers.get("WEIR_EVENTS", { deliver_policy: DeliverPolicy.All });
    const messages = await ordered.consume();
    for await (const message of messages) {
      expect(message.string()).toBe("one");
      break;
    }
    for (const subject of ["weir.in.0", "weir.valid.0", "weir.ev.enrich.0"]) {
      await expect(js.publish(subject, "x")).rejects.toThrow(denied);
    }
    await expect(jsm.streams.purge("WEIR_EVENTS")).rejects.toThrow(denied);
    await expect(jsm.streams.delete("WEIR_EVENTS")).rejects.toThrow(denied);
    await expect(jsm.streams.add({ name: "MINE", subjects: ["mine"] })).rejects.toThrow(denied);
    await expectNoSubscription(nc, "_INBOX_engine.>");
  });

  test("a reader cannot make the server write for it", async () => {
    await using nats = await brokerWithOneFrame(startBroker);
    await using engine = await nats.connect("engine");
    await using reader = await nats.connect("reader");
    // Nobody may listen there, and to an address without listeners a push consumer does not deliver.
    await expectNoSubscription(engine.nc, "weir.in.>");
    for (const [i, target] of [
      "weir.in.0",
      "$JS.API.STREAM.PURGE.WEIR_IN",
      "$JS.API.STREAM.DELETE.WEIR_VALID",
    ].entries()) {
      const name = `push${i}`;
      await reader.jsm.consumers.add("WEIR_EVENTS", {
        name,
        deliver_subject: target,
        deliver_policy: "all",
        ack_policy: "none",
      });
    }
    // A listener that is allowed gets the same frame, so the server has had its time to deliver to the others.
    const inbox = `${nats.broker.credentials.reader.inbox}.here`;
    const got = new Promise((resolve) => reader.nc.subscribe(inbox, { max: 1, callback: resolve }));
    await reader.nc.flush();
    await reader.jsm.consumers.add("WEIR_EVENTS", {
      name: "mine",
      deliver_subject: inbox,
      deliver_policy: "all",
      ack_policy: "none",
    });
    await got;
    for (const name of ["push0", "push1", "push2"]) {
      expect((await engine.jsm.consumers.info("WEIR_EVENTS", name)).delivered.consumer_seq).toBe(0);
    }
    expect((await engine.jsm.streams.info("WEIR_IN")).state.last_seq).toBe(0);
    await engine.jsm.streams.info("WEIR_VALID");
  });

  test("only those who work on the log hear and tell who works on what", async () => {
    await using nats = await startBroker();
    await using engine = await nats.connect("engine");
    await using other = await nats.connect("engine");
    const heard = new Promise((resolve) =>
      engine.nc.subscribe(INSTANCES_SUBJECT, { max: 1, callback: (_, message) => resolve(message.string()) }),
    );
    await engine.nc.flush();
    for (const role of ["producer", "reader"] as const) {
      await using client = await nats.connect(role);
      await expectNoSubscription(client.nc, INSTANCES_SUBJECT);
      await expect(client.nc.request(INSTANCES_SUBJECT, role)).rejects.toThrow(denied);
    }
    other.nc.publish(INSTANCES_SUBJECT, "engine");
    expect(await heard).toBe("engine");
    engine.nc.subscribe(INSTANCES_SUBJECT, { callback: (_, message) => void message.respond("here") });
    await engine.nc.flush();
    expect((await other.nc.request(INSTANCES_SUBJECT, "who is there?")).string()).toBe("here");
  });

  test("admin asks the server about itself, and cannot order it around", async () => {
    await using nats = await startBroker();
    await using admin = await nats.connect("admin");
    const id = admin.nc.info!.server_id;
    expect((await admin.nc.request(`$SYS.REQ.SERVER.${id}.HEALTHZ`)).json()).toMatchObject({ data: { status: "ok" } });
    await expect(admin.nc.request(`$SYS.REQ.SERVER.${id}.RELOAD`)).rejects.toThrow(denied);
    await expect(admin.nc.request("weir.in.0")).rejects.toThrow(denied);
  });

  test("nobody gets in without the right password, and no message shows a secret", async () => {
    await using nats = await startBroker();
    const { url, credentials } = nats.broker;
    const wrong = { ...credentials.engine, password: "not-the-password" };
    for (const given of [undefined, wrong]) {
      const thrown = await connectBroker({ url, credentials: given, name: "x", log: quiet }).catch((e) => e);
      expect(thrown).toMatchObject({ code: "broker_refused" });
      expect(`${thrown.line()}${thrown.stack}`).not.toContain("not-the-password");
    }
    const { user, password } = credentials.engine;
    await using byUrl = await connectBroker({
      url: url.replace("//", `//${user}:${password}@`),
      name: "x",
      log: quiet,
    }).catch((e) => e);
    // The usual inbox prefix of an outside broker is not this role's: it gets in, and nothing more.
    expect(byUrl.nc.info).toMatchObject({ jetstream: true });
  });
});

async function expectNoSubscription(nc: Awaited<ReturnType<typeof connectBroker>>["nc"], subject: string) {
  const subscription = nc.subscribe(subject);
  await expect(subscription.closed.then((error) => Promise.reject(error))).rejects.toThrow(denied);
}
