import { describe, expect, test } from "vitest";
import { derivedId } from "../../../src/base/id.ts";
import type { Event } from "../../../src/define/event.ts";
import { openLog } from "../../../src/engine/archive/read-log.ts";
import { encodeEvents } from "../../../src/wire/encode.ts";
import { publishFrame } from "../../../src/wire/publish.ts";
import { openReader, type Reader } from "../../../src/wire/read.ts";
import { eventsSubject } from "../../../src/wire/streams.ts";
import { runArchiver } from "../../support/archive.ts";
import { BASE_US } from "../../support/generate.ts";
import { type Bench, startBench } from "../../support/pipeline.ts";

let made = 0;
const event = (): Event => {
  const time = BASE_US + ++made;
  return {
    id: derivedId(time, "e", made),
    source: "test://x",
    time,
    session: "s",
    type: "tool.called",
    v: 1,
    data: { tool: "Bash", call_id: `c${made}` },
    fact: `tool:c${made}`,
  } as unknown as Event;
};
const put = (bench: Bench, writer = "enrich", events = [event(), event()]) =>
  publishFrame(bench.bus, eventsSubject(writer, 0), encodeEvents(events), {
    count: events.length,
    trace: "t",
    id: `m${made}`,
  });

async function all(reader: Reader, until: number): Promise<unknown[]> {
  const out: unknown[] = [];
  try {
    while (await reader.ready()) {
      const { seq, subject, data, stored_us, headers } = reader.shift()!;
      out.push({ seq, subject, stored_us, data: Buffer.from(data).toString("hex"), headers: [...(headers ?? [])] });
      if (seq >= until) break;
    }
  } finally {
    await reader.close();
  }
  return out;
}

describe("archiving", () => {
  test("what was archived is read as it was, and the log holds the rest", async () => {
    await using bench = await startBench();
    for (let k = 0; k < 30; k++) await put(bench, k % 7 === 3 ? "alert" : "enrich");
    const before = await all(openReader(bench.bus, "WEIR_EVENTS", { after: 0 }), 30);
    await using archiver = runArchiver(bench, { until: () => 20 });
    expect(await archiver.now()).toMatchObject({ segments: 1, messages: 20, events: 40, end: 20 });
    expect((await bench.bus.jsm.streams.info("WEIR_EVENTS")).state).toMatchObject({ messages: 10, last_seq: 30 });
    expect(await all(openLog(bench.bus, archiver.archive, { after: 0 }), 30)).toEqual(before);
    expect(await archiver.archive.check()).toEqual([]);
  });
});
