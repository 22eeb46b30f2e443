import { derivedId } from "../../src/base/id.ts";
import type { Event } from "../../src/define/event.ts";
import { encodeEvents } from "../../src/wire/encode.ts";
import { publishFrame } from "../../src/wire/publish.ts";
import type { Reader } from "../../src/wire/read.ts";
import { eventsSubject } from "../../src/wire/streams.ts";
import { BASE_US } from "./generate.ts";
import type { Place } from "./pipeline.ts";

let made = 0;
const event = (chars: number): Event => {
  const time = BASE_US + ++made;
  const data = { tool: "Bash", call_id: `c${made}`, ...(chars > 0 && { output: "x".repeat(chars) }) };
  const envelope = { id: derivedId(time, "e", made), source: "test://x", time, session: "s" };
  return { ...envelope, type: "tool.called", v: 1, data, fact: `tool:c${made}` } as unknown as Event;
};

/** Puts frames of two events into the log, every seventh by another writer; `chars`: size of a text in each event. */
export async function fillLog(bench: Pick<Place, "bus">, frames: number, chars = 0): Promise<void> {
  for (let k = 0; k < frames; k++)
    await publishFrame(
      bench.bus,
      eventsSubject(k % 7 === 3 ? "alert" : "enrich", 0),
      encodeEvents([event(chars), event(chars)]),
      {
        count: 2,
        trace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        id: `m${made}`,
      },
    );
}

/** What a reader gives up to a sequence, in a form that can be compared. */
export async function messagesOf(reader: Reader, until: number): Promise<{ seq: number }[]> {
  const out: { seq: number }[] = [];
  try {
    while (await reader.ready()) {
      const { seq, subject, data, stored_us, headers } = reader.shift()!;
      out.push({
        seq,
        ...{ subject, stored_us, data: Buffer.from(data).toString("hex"), headers: [...(headers ?? [])] },
      });
      if (seq >= until) break;
    }
  } finally {
    await reader.close();
  }
  return out;
}
