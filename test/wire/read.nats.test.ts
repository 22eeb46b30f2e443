import { join } from "node:path";
import { expect, test } from "vitest";
import { LIMITS } from "../../src/base/limits.ts";
import { type Connection, connectBroker } from "../../src/wire/connect.ts";
import { openReader, type Reader } from "../../src/wire/read.ts";
import { ensureStreams } from "../../src/wire/streams.ts";
import { quiet, startOutsideServer, startTestBroker } from "../support/nats.ts";
import { until } from "../support/until.ts";

const SUBJECT = "weir.in.0";

/** Sends that many small messages, whose bytes are their numbers from `first` on. */
async function send(bus: Connection, count: number, first = 1): Promise<void> {
  const numbers = Array.from({ length: count }, (_, k) => String(first + k));
  for (const number of numbers) await bus.js.publish(SUBJECT, number);
}

/** The next messages as texts, as soon as there are so many. */
async function take(reader: Reader, count: number): Promise<string[]> {
  const out: string[] = [];
  while (out.length < count && (await reader.ready())) out.push(Buffer.from(reader.shift()!.data).toString());
  return out;
}

const numbersTo = (count: number, first = 1): string[] => Array.from({ length: count }, (_, k) => String(first + k));

test("more messages than one request asks for come in their order, from where the reader begins", async () => {
  await using nats = await startTestBroker();
  await using bus = await nats.connect("engine");
  await ensureStreams(bus.jsm, nats.config);
  const count = LIMITS.reader_messages_max * 2 + 30;
  await send(bus, count);
  const reader = openReader(bus, "WEIR_IN", { after: 10 });
  expect(await take(reader, count - 10)).toEqual(numbersTo(count - 10, 11));
  await send(bus, 3, count + 1); // an open request brings what comes later at once
  expect(await take(reader, 3)).toEqual(numbersTo(3, count + 1));
  expect(reader.waiting).toBe(0);
  await reader.close();
  expect(await reader.ready()).toBe(false);
});

test("what waits in memory is bounded, and goes on when there is room", async () => {
  await using nats = await startTestBroker();
  await using bus = await nats.connect("engine");
  await ensureStreams(bus.jsm, nats.config);
  const size = 400_000;
  for (let k = 0; k < 30; k++) await bus.js.publish(SUBJECT, Buffer.alloc(size, k));
  const reader = openReader(bus, "WEIR_IN", { after: 0 });
  await until("it is full", async () => reader.bytes > LIMITS.reader_bytes_max);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(reader.bytes).toBeLessThanOrEqual(LIMITS.reader_bytes_max + LIMITS.broker_payload_bytes_max + size);
  for (let k = 0; k < 30; k++) {
    await reader.ready();
    expect(reader.shift()!.data[0]).toBe(k);
  }
  await reader.close();
});

test("a message that is lost on the way is read all the same", async () => {
  await using nats = await startTestBroker();
  await using bus = await nats.connect("engine");
  await ensureStreams(bus.jsm, nats.config);
  await send(bus, 40);
  let seen = 0;
  const subscribe: typeof bus.nc.subscribe = (subject, options) =>
    bus.nc.subscribe(subject, {
      ...options,
      callback: (error, message) => {
        if (Buffer.from(message.data).toString() === "17" && seen++ === 0) return; // the first time only
        options?.callback?.(error, message);
      },
    });
  const nc = new Proxy(bus.nc, {
    get: (of, name) => {
      const value = name === "subscribe" ? subscribe : Reflect.get(of, name);
      return typeof value === "function" ? value.bind(of) : value;
    },
  });
  const reader = openReader({ ...bus, nc }, "WEIR_IN", { after: 0 });
  expect(await take(reader, 40)).toEqual(numbersTo(40));
  expect(seen).toBe(2); // lost once, brought again
  await reader.close();
});

test("a consumer that is gone, and a broker that was away, cost nothing", async () => {
  await using nats = await startTestBroker();
  await using bus = await nats.connect("engine");
  await ensureStreams(bus.jsm, nats.config);
  await send(bus, 5);
  const reader = openReader(bus, "WEIR_IN", { after: 0 });
  expect(await take(reader, 5)).toEqual(numbersTo(5));
  for await (const { name } of bus.jsm.consumers.list("WEIR_IN")) await bus.jsm.consumers.delete("WEIR_IN", name);
  await send(bus, 5, 6);
  expect(await take(reader, 5)).toEqual(numbersTo(5, 6));
  await bus.nc.reconnect();
  await until("it is connected again", () =>
    bus.jsm.getAccountInfo().then(
      () => true,
      () => false,
    ),
  );
  await send(bus, 5, 11);
  expect(await take(reader, 5)).toEqual(numbersTo(5, 11));
  await reader.close();
});

test("a message larger than one of weir's can be is read alone, and those behind it", async () => {
  const conf = (store: string): string => `max_payload: 8MB\njetstream { store_dir: "${join(store)}" }`;
  await using server = await startOutsideServer(conf);
  await using bus = await connectBroker({ url: server.url, name: "test", log: quiet });
  await bus.jsm.streams.add({ name: "WEIR_IN", subjects: ["weir.in.*"] });
  await send(bus, 1);
  await bus.js.publish(SUBJECT, Buffer.alloc(LIMITS.broker_payload_bytes_max * 2, "x"));
  await send(bus, 1, 2);
  const reader = openReader(bus, "WEIR_IN", { after: 0 });
  const [first, large, last] = await take(reader, 3);
  expect([first, large!.length, last]).toEqual(["1", LIMITS.broker_payload_bytes_max * 2, "2"]);
  await reader.close();
});
