import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { openKeys } from "../../../src/base/keys.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { createLog } from "../../../src/base/log.ts";
import { appendLines, DROPPED, INBOX } from "../../../src/capture/hooks/append.ts";
import { hooksWaiting, startHookDrain } from "../../../src/capture/hooks/drain.ts";
import { createInbox } from "../../../src/capture/hooks/inbox.ts";
import { lineOf, readLine, recordOf } from "../../../src/capture/hooks/record.ts";
import type { Draft } from "../../../src/define/event.ts";
import { makeCanaries } from "../../support/canaries.ts";
import { mountSmall, smallDisk } from "../../support/small-disk.ts";
import { tempDir } from "../../support/temp.ts";
import { until } from "../../support/until.ts";

const WRITER = new URL("../../../src/capture/hooks/inbox-worker.ts", import.meta.url).pathname;
const KEYS = openKeys("/nonexistent", { make: false });
const LOG = createLog("test", "silent");
const origin = (k: number) => ({ id: `r${k}`, assistant: "claude-code", at: 1_790_000_000_000_000 + k });
const stop = (k: number) =>
  Buffer.from(JSON.stringify({ session_id: "s", hook_event_name: "Stop", last_assistant_message: `m${k}` }));
const line = (k: number): Buffer => lineOf(recordOf(origin(k), stop(k)));
const lineIn = (data: Buffer): string => data.toString("utf8").trim();

/** Takes what waits in a folder; `want` events must come. */
async function drained(folder: string, want: number): Promise<Draft[]> {
  const drafts: Draft[] = [];
  const sink = {
    emitUnchecked: async (draft: Draft) => void drafts.push(draft),
    flush: async () => ({ published: 0, spooled: 0 }),
  };
  const drain = startHookDrain({ folder, sink, keys: KEYS, log: LOG });
  await until("all is taken", () => drafts.length >= want && readdirSync(folder).length === 0);
  await drain.close();
  return drafts;
}
const messages = (drafts: readonly Draft[]) => drafts.map((d) => (d.data as { message?: string }).message);

describe("a record", () => {
  test("any bytes make one line that is read again", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 300 }),
          fc.jsonValue().map((v) => Buffer.from(JSON.stringify(v))),
        ),
        (bytes) => {
          const data = Buffer.from(bytes);
          const text = lineIn(lineOf(recordOf(origin(1), data)));
          expect(text).not.toContain("\n");
          const record = readLine(text)!;
          expect(record).toMatchObject({ ...origin(1), bytes: data.length });
          expect("payload" in record !== "raw" in record).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("a line cut anywhere, or with anything changed before its end, is none", () => {
    const text = lineIn(line(1));
    fc.assert(
      fc.property(fc.nat(text.length - 1), (cut) => {
        expect(readLine(text.slice(0, cut))).toBeUndefined();
      }),
    );
  });

  test("holds no secret, in a text, under a name, in a key, or in what is no JSON", () => {
    for (const { secret, text } of makeCanaries(7, 1)) {
      const payload = { tool_input: { command: `export X\n${text}\n` }, list: [text], [`k ${text}`]: 1 };
      expect(recordOf(origin(1), Buffer.from(JSON.stringify(payload)))).not.toContain(secret);
      expect(recordOf(origin(1), Buffer.from(`{ broken ${text}\n`))).not.toContain(secret);
    }
  });

  test("a secret at the place where a long text is cut does not stay in half", () => {
    const [canary] = makeCanaries(3, 1);
    for (const before of [20, 60, 90]) {
      const text =
        "a b ".repeat(LIMITS.hook_text_chars_max / 4).slice(0, LIMITS.hook_text_chars_max - before) + canary!.text;
      const record = recordOf(origin(1), Buffer.from(JSON.stringify({ a: `${text} tail` })));
      expect(record).not.toContain(canary!.secret.slice(0, 20));
      expect(record).toContain("characters cut]");
    }
  });

  test("the largest payloads are bounded: long texts, many of them, deep nesting, too many bytes", () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, k) => [`k${k}`, "x y ".repeat(20_000)]));
    for (const data of [
      Buffer.from(JSON.stringify({ a: "x".repeat(5_000_000) })),
      Buffer.from(JSON.stringify(many)),
      Buffer.from("[".repeat(200_000) + "]".repeat(200_000)),
      Buffer.alloc(LIMITS.hook_body_bytes_max + 1, "x"),
    ])
      expect(recordOf(origin(1), data).length).toBeLessThanOrEqual(LIMITS.hook_record_chars_max);
  });
});

describe("the spool", () => {
  test("what is appended is taken once, in its order, and leaves nothing behind", async () => {
    await using dir = await tempDir();
    const folder = join(dir.path, "hooks");
    for (let k = 0; k < 20; k++) expect(appendLines(folder, line(k), 1)).toBe(true);
    expect(hooksWaiting(folder)).toMatchObject({ events: 20, dropped: 0 });
    expect(messages(await drained(folder, 20))).toEqual(Array.from({ length: 20 }, (_, k) => `m${k}`));
    expect(hooksWaiting(folder)).toMatchObject({ events: 0, since_ms: undefined });
  });

  test("what cannot be read waits, and nothing behind it does", async () => {
    await using dir = await tempDir();
    mkdirSync(join(dir.path, "00000001.taken"));
    appendLines(dir.path, line(2), 1);
    const drafts: Draft[] = [];
    const sink = {
      emitUnchecked: async (draft: Draft) => void drafts.push(draft),
      flush: async () => ({ published: 0, spooled: 0 }),
    };
    const drain = startHookDrain({ folder: dir.path, sink, keys: KEYS, log: LOG });
    await until("the rest is taken", () => readdirSync(dir.path).length === 1);
    await drain.close();
    expect(messages(drafts)).toEqual(["m2"]);
    expect(hooksWaiting(dir.path)).toMatchObject({ events: 1 });
  });

  test("a file that a killed weir had taken comes first, and makes the same events again", async () => {
    await using dir = await tempDir();
    for (let k = 0; k < 3; k++) appendLines(dir.path, line(k), 1);
    renameSync(join(dir.path, INBOX), join(dir.path, "00000007.taken"));
    const copy = readFileSync(join(dir.path, "00000007.taken"));
    appendLines(dir.path, line(3), 1);
    const first = await drained(dir.path, 4);
    expect(messages(first)).toEqual(["m0", "m1", "m2", "m3"]);
    writeFileSync(join(dir.path, "00000001.taken"), copy);
    expect((await drained(dir.path, 3)).map((d) => d.id)).toEqual(first.slice(0, 3).map((d) => d.id));
  });

  test("a torn line costs itself alone, and is told", async () => {
    await using dir = await tempDir();
    appendLines(dir.path, line(1), 1);
    appendFileSync(join(dir.path, INBOX), line(2).subarray(0, 60));
    appendLines(dir.path, line(3), 1);
    const drafts = await drained(dir.path, 3);
    expect(drafts.map((d) => d.type)).toEqual(["turn.ended", "input.rejected", "turn.ended"]);
    expect(drafts[1]!.data).toMatchObject({ reason: "undecodable" });
  });

  test("at its limit payloads are dropped, counted, and told", async () => {
    await using dir = await tempDir();
    const size = line(1).length;
    expect([1, 2, 3, 4].map((k) => appendLines(dir.path, line(k), 1, 2 * size))).toEqual([true, true, false, false]);
    expect(hooksWaiting(dir.path)).toMatchObject({ events: 2, dropped: 2 });
    const drafts = await drained(dir.path, 3);
    expect(drafts.at(-1)).toMatchObject({ type: "events.dropped", data: { where: "hook_spool_full", count: 2 } });
  });

  test.skipIf(!smallDisk)("a full disk counts what found no room, though not one byte can be written", async () => {
    await using dir = await tempDir();
    using _disk = mountSmall(join(dir.path, "disk"), "64k");
    const folder = join(dir.path, "disk", "hooks");
    let kept = 0;
    while (appendLines(folder, line(kept), 1)) kept++;
    for (let k = 0; k < 4; k++) expect(appendLines(folder, line(k), 1)).toBe(false);
    expect(hooksWaiting(folder)).toMatchObject({ dropped: 5 });
  });

  test("a folder that cannot be is no error of the one who appends", () => {
    expect(appendLines("/proc/nowhere/hooks", line(1), 1)).toBe(false);
  });

  test("appending through the process that goes on: everything at once, in its order, with few writes", async () => {
    await using dir = await tempDir();
    const inbox = createInbox({ folder: dir.path, entry: WRITER });
    const kept = await Promise.all(Array.from({ length: 300 }, (_, k) => inbox.append(line(k))));
    expect(kept.every(Boolean)).toBe(true);
    expect(messages(await drained(dir.path, 300))).toEqual(Array.from({ length: 300 }, (_, k) => `m${k}`));
    const full = createInbox({ folder: dir.path, entry: WRITER, bytesMax: 10 });
    expect(await full.append(line(1))).toBe(false);
    expect(existsSync(join(dir.path, DROPPED))).toBe(true);
    await Promise.all([inbox.close(), full.close()]);
  });

  test("lines are written though the thread that writes them cannot begin, or was ended", async () => {
    await using dir = await tempDir();
    const broken = createInbox({ folder: dir.path, entry: join(dir.path, "missing.js") });
    expect(await Promise.all([0, 1, 2].map((k) => broken.append(line(k))))).toEqual([true, true, true]);
    await broken.close();
    const inbox = createInbox({ folder: dir.path, entry: WRITER });
    const first = inbox.append(line(3));
    await inbox.close();
    expect(await first).toBe(true);
    expect(await inbox.append(line(4))).toBe(true); // it begins again
    await inbox.close();
    expect(messages(await drained(dir.path, 5))).toEqual(Array.from({ length: 5 }, (_, k) => `m${k}`));
  });

  test("nothing is lost between one who appends and one who takes away", async () => {
    await using dir = await tempDir();
    mkdirSync(dir.path, { recursive: true });
    const seen = new Map<string, Draft>();
    const order: string[] = [];
    const sink = {
      emitUnchecked: async (draft: Draft) => {
        if (!seen.has(draft.id!)) order.push((draft.data as { message: string }).message);
        seen.set(draft.id!, draft);
      },
      flush: async () => ({ published: 0, spooled: 0 }),
    };
    const drain = startHookDrain({ folder: dir.path, sink, keys: KEYS, log: LOG });
    const inbox = createInbox({ folder: dir.path, entry: WRITER });
    for (let k = 0; k < 80; k++) {
      // both ways in turn, each durable before the next, as an assistant does
      if (k % 2 === 0) appendLines(dir.path, line(k), 1);
      else await inbox.append(line(k));
    }
    await until("all are seen", () => seen.size === 80);
    await drain.close();
    await inbox.close();
    expect(order).toEqual(Array.from({ length: 80 }, (_, k) => `m${k}`));
  }); // each is a disk sync, and a disk that others use may take its time
});
