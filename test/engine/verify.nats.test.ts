import { expect, test } from "vitest";
import { clock } from "../../src/base/clock.ts";
import { newId } from "../../src/base/id.ts";
import type { Event } from "../../src/define/event.ts";
import { findLeft, findUnattended, unattendedAdvice } from "../../src/engine/unattended.ts";
import { verify } from "../../src/engine/verify.ts";
import { encodeEvents } from "../../src/wire/encode.ts";
import { publishFrame } from "../../src/wire/publish.ts";
import { eventsSubject, inSubject, validSubject } from "../../src/wire/streams.ts";
import { runProcessors, runTables, startBench } from "../support/pipeline.ts";
import { until } from "../support/until.ts";

test("nothing is found missing while events go through, and it ends", async () => {
  await using bench = await startBench();
  await using _run = runProcessors(bench, ["validate", "enrich", "detect", "alert"]);
  await using tables = await runTables(bench);
  let sent = 0;
  let sending = true;
  const flow = (async () => {
    for (; sending; sent++) {
      const time = clock.nowUs();
      const event = {
        id: newId(time),
        source: "test://x",
        time,
        session: `s${sent % 5}`,
        producer: "p",
        epoch: 1,
        n: sent + 1,
        type: "tool.called",
        v: 1,
        data: { tool: "Bash", call_id: `call_${sent}` },
      };
      await publishFrame(bench.bus, inSubject(0), encodeEvents([event as unknown as Event]), { count: 1 });
    }
  })();
  const connection = await tables.store().instance.connect();
  const look = () => verify({ bus: bench.bus, connection, quiet: tables.quiet, partitions: 1 });
  try {
    await until("some are in the tables", () => tables.status.events > 50);
    for (let k = 0; k < 20; k++) {
      const found = await look();
      expect(found.laws.filter((l) => !l.holds)).toEqual([]);
      expect(found.ok).toBe(true);
    }
    sending = false;
    await flow;
    await until("all are in the tables", () => tables.status.events >= sent);
    const found = await look();
    expect(found).toMatchObject({ ok: true, missing: [] });
    expect(found.laws[0]).toMatchObject({ left: sent, right: sent });
    expect(found.laws[1]).toMatchObject({ left: sent, right: sent });
  } finally {
    sending = false;
    connection.closeSync();
  }
});

test("what waits in a partition that nobody works on is named", async () => {
  await using bench = await startBench();
  await using tables = await runTables(bench);
  const producer = await bench.nats.connect("producer");
  const connection = await tables.store().instance.connect();
  const look = () => verify({ bus: bench.bus, connection, quiet: tables.quiet, partitions: 1 });
  try {
    expect(await look()).toMatchObject({ ok: true, unattended: [] });
    await producer.js.publish(inSubject(7), "x");
    await producer.js.publish("weir.in.nobody", "x");
    expect(await look()).toMatchObject({
      ok: false,
      unattended: [
        { stream: "WEIR_IN", subject: "weir.in.7", messages: 1 },
        { stream: "WEIR_IN", subject: "weir.in.nobody", messages: 1 },
      ],
    });
    expect(await findUnattended(bench.bus, 8)).toMatchObject([{ subject: "weir.in.nobody" }]);
    expect(unattendedAdvice(4)).toContain("give producers WEIR_PARTITIONS=4"); // a log keeps the number it was made with
  } finally {
    connection.closeSync();
    await producer.close();
  }
});

test("what was worked on while there were more partitions does not count as waiting", async () => {
  await using bench = await startBench();
  const frame = encodeEvents([]);
  const { seq: input } = await publishFrame(bench.bus, validSubject(3), frame, { count: 0 });
  expect(await findUnattended(bench.bus, 1)).toEqual([{ stream: "WEIR_VALID", subject: "weir.valid.3", messages: 1 }]);
  await publishFrame(bench.bus, eventsSubject("enrich", 3), frame, { count: 0, input });
  expect(await findUnattended(bench.bus, 1)).toEqual([]);
});

test("what waits for a processor that is run elsewhere, or nowhere, is found until it is worked on", async () => {
  await using bench = await startBench();
  const left = async (...here: string[]) =>
    (await findLeft(bench.bus, 2, new Set(here))).map(({ processor, partition }) => [processor, partition]);
  expect(await left()).toEqual([]);
  const time = clock.nowUs();
  const event = { id: newId(time), source: "test://x", time, type: "tool.called", v: 1, data: { tool: "Bash" } };
  await publishFrame(bench.bus, inSubject(0), encodeEvents([event as unknown as Event]), { count: 1 });
  expect(await left("enrich")).toEqual([["validate", 0]]);
  expect(await left("validate", "enrich")).toEqual([]);
  const [waiting] = await findLeft(bench.bus, 2, new Set());
  expect(Math.abs(waiting!.since_us - time)).toBeLessThan(60_000_000);
  {
    await using _run = runProcessors(bench, ["validate"]);
    await until("it is validated", async () => String(await left()) === "enrich,0");
  }
  await using _run = runProcessors(bench, ["enrich"]);
  await until("it is enriched", async () => (await left()).length === 0);
});
