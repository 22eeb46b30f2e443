import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LIMITS } from "../../src/base/limits.ts";
import { eventsWaiting, type Mark, openSpool, type Spool, type Spooled } from "../../src/sdk/spool.ts";
import { spoolsFolder, spoolsWaiting } from "../../src/sdk/spools.ts";
import { mountSmall, smallDisk } from "../support/small-disk.ts";
import { tempDir } from "../support/temp.ts";

const item = (n: number, size = 50): Spooled => ({
  partition: n % 3,
  id: `p.1.${n}`,
  count: 1 + (n % 4),
  frame: Buffer.alloc(size, n % 251),
});
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, k) => from + k);
const plain = (spooled: Spooled) => ({ ...spooled, frame: Buffer.from(spooled.frame) });

/** Takes everything that waits, oldest first. */
function drain(spool: Spool): ReturnType<typeof plain>[] {
  const out = [];
  for (let next = spool.peek(); next; next = spool.peek()) {
    out.push(plain(next));
    spool.taken();
  }
  return out;
}
const segment = (folder: string, k = 1): string => join(folder, `${String(k).padStart(8, "0")}.seg`);

describe("the spool", () => {
  test("gives back what was appended, in order, however often it is closed and opened", () => {
    const act = fc.oneof(
      fc.record({ put: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ take: fc.integer({ min: 1, max: 7 }) }),
      fc.constant({ reopen: true }),
    );
    return fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 25 }), async (acts) => {
        await using dir = await tempDir();
        const folder = join(dir.path, "spool");
        let spool = openSpool(folder);
        let next = 0;
        const waiting: Spooled[] = [];
        for (const a of acts) {
          if ("put" in a) {
            const items = range(next, next + a.put - 1).map((n) => item(n));
            next += a.put;
            spool.append(items);
            waiting.push(...items);
          } else if ("take" in a) {
            for (let k = 0; k < a.take && waiting.length > 0; k++) {
              expect(plain(spool.peek()!)).toEqual(waiting.shift());
              spool.taken();
            }
          } else {
            spool.close();
            spool = openSpool(folder);
          }
          expect(spool.events).toBe(waiting.reduce((sum, i) => sum + i.count, 0));
        }
        expect(drain(spool)).toEqual(waiting);
        expect(spool).toMatchObject({ events: 0, bytes: 0, broken: 0 });
        spool.close();
        expect(existsSync(folder)).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  test.skipIf(!smallDisk)("empties on a disk that others filled, and takes more when there is room again", async () => {
    await using dir = await tempDir();
    await using _ = mountSmall(join(dir.path, "disk"), "2m");
    const folder = join(dir.path, "disk", "spool");
    const filler = join(dir.path, "disk", "filler");
    const spool = openSpool(folder);
    for (const n of range(1, 40)) spool.append([item(n)]);
    expect(() => writeFileSync(filler, Buffer.alloc(4_000_000))).toThrow("ENOSPC");
    spool.taken(10);
    // a producer that is killed here: what was sent is sent again, the rest is whole
    expect(openSpool(folder).peek()!.id).toBe("p.1.1");
    expect(drain(spool).map(({ id }) => id)).toEqual(range(11, 40).map((n) => item(n).id));
    expect(spool).toMatchObject({ events: 0, bytes: 0 });
    rmSync(filler);
    spool.append([item(41)]);
    expect(openSpool(folder).peek()!.id).toBe("p.1.41");
    expect(drain(spool).map(({ id }) => id)).toEqual(["p.1.41"]);
    spool.close();
    expect(existsSync(folder)).toBe(false);
  });

  test("a position that names a segment that is gone hides nothing of the next one", async () => {
    await using dir = await tempDir();
    writeFileSync(join(dir.path, "position.json"), JSON.stringify({ segment: 1, offset: 500 }));
    const spool = openSpool(dir.path);
    spool.append([item(1)]);
    expect(drain(spool).map(({ id }) => id)).toEqual(["p.1.1"]);
  });

  test("what is kept waits again when it is rewound or opened again, until it is released", () => {
    const ids = (items: readonly Spooled[]): string[] => items.map(({ id, frame }) => `${id} ${frame.length}`);
    const act = fc.oneof(
      fc.record({ put: fc.integer({ min: 1, max: 4 }), big: fc.boolean() }),
      fc.record({ take: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ release: fc.nat({ max: 3 }) }),
      fc.constantFrom({ rewind: true }, { reopen: true }),
    );
    return fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 20 }), async (acts) => {
        await using dir = await tempDir();
        const folder = join(dir.path, "spool");
        let spool = openSpool(folder);
        let next = 0;
        let marks: { mark: Mark; ids: number }[] = [];
        let kept: Spooled[] = [];
        let waiting: Spooled[] = [];
        const again = (): void => {
          waiting = [...kept, ...waiting];
          kept = [];
          marks = [];
        };
        for (const a of acts) {
          if ("put" in a) {
            const items = range(next, next + a.put - 1).map((n) => item(n, a.big && n % 4 === 0 ? 5_000_000 : 50));
            next += a.put;
            spool.append(items);
            waiting.push(...items);
          } else if ("take" in a) {
            const run = spool.peekRun(a.take);
            expect(ids(run)).toEqual(ids(waiting.slice(0, run.length)));
            spool.taken(run.length, true);
            kept.push(...waiting.splice(0, run.length));
            marks.push({ mark: spool.mark(), ids: kept.length });
          } else if ("release" in a) {
            const found = marks[a.release];
            if (!found) continue;
            spool.release(found.mark);
            kept = kept.slice(found.ids);
            marks = marks.slice(a.release + 1).map(({ mark, ids }) => ({ mark, ids: ids - found.ids }));
          } else if ("rewind" in a) {
            spool.rewind();
            again();
          } else {
            spool.close();
            spool = openSpool(folder);
            again();
          }
          const sum = (items: readonly Spooled[]): number => items.reduce((all, i) => all + i.count, 0);
          expect([spool.events, spool.kept]).toEqual([sum(waiting), sum(kept)]);
          expect(eventsWaiting(folder, { owned: true }) > 0).toBe(waiting.length > 0);
          expect(eventsWaiting(folder, { owned: false }) > 0).toBe(waiting.length + kept.length > 0);
        }
        spool.rewind();
        expect(ids(drain(spool))).toEqual(ids([...kept, ...waiting]));
        expect(spool).toMatchObject({ events: 0, kept: 0, bytes: 0, broken: 0 });
        spool.close();
        expect(existsSync(folder)).toBe(false);
      }),
      { numRuns: 30 },
    );
  });

  test("what was looked at but not acknowledged comes again", async () => {
    await using dir = await tempDir();
    const spool = openSpool(dir.path);
    spool.append([item(1), item(2)]);
    expect(spool.peek()).toBe(spool.peek());
    spool.taken();
    spool.peek();
    spool.close();
    expect(drain(openSpool(dir.path))).toEqual([item(2)]);
  });

  test("goes on to further segments, and removes those that are sent", async () => {
    await using dir = await tempDir();
    const spool = openSpool(dir.path);
    for (const n of range(1, 20)) spool.append([item(n, 1_000_000)]);
    const segments = (): number => readdirSync(dir.path).filter((name) => name.endsWith(".seg")).length;
    expect(segments()).toBeGreaterThanOrEqual(2);
    spool.close();
    const again = openSpool(dir.path);
    expect(drain(again).map((i) => i.id)).toEqual(range(1, 20).map((n) => `p.1.${n}`));
    expect(segments()).toBe(0);
    again.append([item(21)]);
    expect(drain(again)).toEqual([item(21)]);
    again.close();
  });

  test("at its limit it takes nothing more, says so, and takes again when there is room", async () => {
    await using dir = await tempDir();
    const spool = openSpool(dir.path, 1_000);
    spool.append([item(1, 400), item(2, 400)]);
    expect(() => spool.append([item(3, 10), item(4, 400)])).toThrow(expect.objectContaining({ code: "spool_full" }));
    expect(spool.events).toBe(item(1).count + item(2).count);
    spool.peek();
    spool.taken();
    spool.append([item(3, 400)]);
    expect(drain(spool)).toEqual([item(2, 400), item(3, 400)]);
    spool.close();
  });

  test("cuts a torn end, wherever it was torn, and appends behind what is whole", async () => {
    await using dir = await tempDir();
    const whole = join(dir.path, "whole");
    const spool = openSpool(whole);
    spool.append([item(1), item(2)]);
    const size = statSync(segment(whole)).size;
    spool.append([item(3)]);
    const bytes = readFileSync(segment(whole));
    for (let cut = size; cut < bytes.length; cut += 3) {
      const folder = join(dir.path, `cut-${cut}`);
      openSpool(folder).append([item(9)]);
      writeFileSync(segment(folder), bytes);
      truncateSync(segment(folder), cut);
      const torn = openSpool(folder);
      torn.append([item(4)]);
      torn.close();
      expect(drain(openSpool(folder))).toEqual([item(1), item(2), item(4)]);
    }
    spool.close();
  });

  test("skips and counts broken bytes in the middle, whichever they are, and loses no other record", async () => {
    await using dir = await tempDir();
    const spool = openSpool(dir.path);
    const sizes = [0];
    for (const n of range(1, 5)) {
      spool.append([item(n)]);
      sizes.push(statSync(segment(dir.path)).size);
    }
    spool.close();
    const bytes = readFileSync(segment(dir.path));
    for (let at = sizes[1]!; at < sizes[2]!; at++) {
      for (const flip of [0x01, 0x80, 0xff]) {
        const bad = Buffer.from(bytes);
        bad[at]! ^= flip;
        writeFileSync(segment(dir.path), bad);
        const broken = openSpool(dir.path);
        expect({ at, flip, broken: broken.broken }).toEqual({ at, flip, broken: 1 });
        expect({ at, flip, ids: drain(broken).map((i) => i.id) }).toEqual({
          at,
          flip,
          ids: [1, 3, 4, 5].map((n) => `p.1.${n}`),
        });
        expect(broken.events).toBe(0);
        writeFileSync(join(dir.path, "position.json"), "");
      }
    }
  });

  test("an unreadable position only makes it send again", async () => {
    for (const text of ["", "{", '{"segment":"x"}', '{"segment":1,"offset":7}', '{"segment":1,"offset":0,"sent":7}']) {
      await using dir = await tempDir();
      const spool = openSpool(dir.path);
      spool.append([item(1), item(2)]);
      spool.peek();
      spool.taken();
      spool.close();
      writeFileSync(join(dir.path, "position.json"), text);
      const ids = drain(openSpool(dir.path)).map((i) => i.id);
      expect(ids.at(-1)).toBe("p.1.2");
    }
  });

  test("a disk that is full in the middle of an append leaves what was appended before, and after", async () => {
    await using dir = await tempDir();
    // the limit on file size stands for a full disk: the first bytes of the append still fit
    const script = `
      import { openSpool } from "./src/sdk/spool.ts";
      const spool = openSpool(process.argv[1]);
      const item = (n, size) => ({ partition: 0, id: "p.1." + n, count: 1, frame: Buffer.alloc(size, n) });
      const put = (n, size) => { try { spool.append([item(n, size)]); return n; } catch (error) { return error.code; } };
      console.log(JSON.stringify([put(1, 2_000), put(2, 60_000), put(3, 2_000), spool.events]));
    `;
    const child = spawn(
      "bash",
      [
        "-c",
        `trap '' XFSZ; ulimit -f 16; exec "$0" --import tsx --input-type=module -e "$1" "$2"`,
        process.execPath,
        script,
        dir.path,
      ],
      {
        stdio: ["ignore", "pipe", "inherit"],
        env: { ...process.env, TSX_DISABLE_CACHE: "1" },
      },
    );
    let out = "";
    child.stdout.on("data", (text) => {
      out += text;
    });
    await new Promise((resolve) => child.once("close", resolve));
    const [first, second, third, events] = JSON.parse(out);
    expect([first, typeof second, third, events]).toEqual([1, "string", 3, 2]);
    expect(drain(openSpool(dir.path)).map((i) => i.id)).toEqual(["p.1.1", "p.1.3"]);
  });

  test("a writer that is killed loses nothing that append returned for", async () => {
    await using dir = await tempDir();
    const script = `
      import { openSpool } from "./src/sdk/spool.ts";
      import { writeSync } from "node:fs";
      const spool = openSpool(process.argv[1]);
      for (let n = 1; ; n++) {
        spool.append([{ partition: 0, id: "p.1." + n, count: 1, frame: Buffer.alloc(1 + (n * 7_919) % 60_000, n % 251) }]);
        writeSync(1, n + "\\n");
      }
    `;
    for (const until of [1, 7, 40]) {
      const folder = join(dir.path, `killed-${until}`);
      const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script, folder], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      let last = 0;
      createInterface({ input: child.stdout }).on("line", (line) => {
        last = Number(line);
        if (last === until) child.kill("SIGKILL");
      });
      await new Promise((resolve) => child.once("close", resolve));
      const spool = openSpool(folder);
      const ids = drain(spool).map((i) => Number(i.id.slice(4)));
      expect(ids.slice(0, last)).toEqual(range(1, last));
      expect(ids.length - last).toBeLessThanOrEqual(1);
      expect(spool.broken).toBe(0);
    }
  });

  test("its limits fit each other", () => {
    expect(LIMITS.spool_segment_bytes_max * 4).toBeLessThan(LIMITS.spool_bytes_max);
  });
});

test("what waits is counted in events, from outside, while it is written and sent", async () => {
  await using dir = await tempDir();
  expect(spoolsWaiting(dir.path)).toEqual({ spools: 0, events: 0 });
  const [one, two] = ["sdk.1.a", "sdk.2.b"].map((name) => join(spoolsFolder(dir.path), name)) as [string, string];
  const first = openSpool(one);
  const second = openSpool(two);
  // several segments, the first of them half sent
  for (let n = 1; n <= 12; n++) first.append([item(n, LIMITS.spool_segment_bytes_max / 4)]);
  second.append(range(1, 100).map((n) => item(n)));
  for (const act of [
    () => {},
    () => first.taken(2),
    () => second.taken(99),
    () => first.taken(6),
    () => second.append([item(5)]),
  ]) {
    act();
    expect([eventsWaiting(one, { owned: true }), eventsWaiting(two, { owned: true })]).toEqual([
      first.events,
      second.events,
    ]);
    expect(spoolsWaiting(dir.path)).toEqual({ spools: 2, events: first.events + second.events });
  }
  first.taken(12);
  second.taken(2);
  expect(spoolsWaiting(dir.path)).toEqual({ spools: 0, events: 0 });
  first.close();
  second.close();
});
