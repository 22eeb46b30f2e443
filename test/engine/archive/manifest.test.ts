import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Cut } from "../../../src/engine/archive/cut.ts";
import {
  appendLine,
  dayOf,
  faultOfSegment,
  filesOf,
  Manifest,
  manifestFile,
  mendManifest,
  type Origin,
  type Segment,
} from "../../../src/engine/archive/manifest.ts";
import { headerList, packRecord, Records } from "../../../src/engine/archive/records.ts";
import { BASE_US } from "../../support/generate.ts";
import { tempDir } from "../../support/temp.ts";

const ORIGIN: Origin = { weir_archive: 1, id: "a1", stream: "WEIR_EVENTS", created: "2026-11-28T00:00:00Z", begins: 1 };

function segment(first: number, last: number, day = "2026-11-28"): Segment {
  const names = filesOf(day, first, last);
  const note = (file: string) => ({ file, bytes: 100, sha256: "0".repeat(64) });
  const messages = last - first + 1;
  return {
    ...{ first, last, day, messages, events: messages * 2, frame_bytes: 1_000, digest: "1".repeat(64) },
    frames: note(names.frames),
    rows: note(names.rows),
  };
}

describe("the manifest", () => {
  test("grows line by line, and is read as it grows", async () => {
    await using dir = await tempDir();
    const manifest = new Manifest(dir.path);
    expect(manifest.refresh()).toMatchObject({ origin: undefined, segments: [], end: 0 });
    await appendLine(dir.path, { ...ORIGIN, begins: 5 });
    expect(manifest.refresh()).toMatchObject({ origin: { id: "a1" }, end: 4 });
    await appendLine(dir.path, segment(5, 10));
    await appendLine(dir.path, segment(11, 11));
    await appendLine(dir.path, segment(12, 20, "2026-11-29"));
    expect(manifest.refresh().end).toBe(20);
    expect(manifest.totals).toEqual({ messages: 16, events: 32, bytes: 600, days: 2 });
    expect(new Manifest(dir.path).refresh()).toMatchObject({ end: 20, totals: manifest.totals });
  });

  test("another file in its place is read from its beginning, though it has the same size, and perhaps the number of the one before", async () => {
    await using dir = await tempDir();
    const manifest = new Manifest(dir.path);
    for (const id of ["a1", "b2", "c3", "d4"]) {
      await rm(manifestFile(dir.path), { force: true });
      await appendLine(dir.path, { ...ORIGIN, id });
      expect(manifest.refresh().origin?.id).toBe(id);
    }
  });

  test("a line whose writer died counts for nothing, and is taken off", async () => {
    await using dir = await tempDir();
    await appendLine(dir.path, ORIGIN);
    await appendLine(dir.path, segment(1, 10));
    const whole = readFileSync(manifestFile(dir.path), "utf8");
    const manifest = new Manifest(dir.path);
    for (const half of ['{"first":11', JSON.stringify(segment(11, 20))]) {
      appendFileSync(manifestFile(dir.path), half);
      expect(manifest.refresh().end).toBe(10);
      await mendManifest(dir.path);
      expect(readFileSync(manifestFile(dir.path), "utf8")).toBe(whole);
    }
    await appendLine(dir.path, segment(11, 12));
    expect(manifest.refresh().end).toBe(12);
  });

  test("a line that makes no sense is an error that names it, and stays one", async () => {
    await using dir = await tempDir();
    const good = [ORIGIN, segment(1, 10), segment(11, 20)].map((line) => JSON.stringify(line));
    for (const [k, bad, why] of [
      [0, "{}", "no archive that this weir knows"],
      [0, JSON.stringify({ ...ORIGIN, stream: "" }), "does not say whose"],
      [1, "nonsense", "not JSON"],
      [2, JSON.stringify(segment(12, 20)), "begins at sequence 12, the one before ends at 10"],
      [2, JSON.stringify(segment(5, 20)), "begins at sequence 5"],
      [
        2,
        JSON.stringify({ ...segment(11, 20), frames: { file: "../../etc/passwd", bytes: 1, sha256: "0".repeat(64) } }),
        "called otherwise",
      ],
      [2, JSON.stringify({ ...segment(11, 20), rows: { ...segment(11, 20).rows, sha256: "x" } }), "not named"],
      [2, JSON.stringify({ ...segment(11, 20), messages: 11 }), "holds 11 messages of 10"],
      [2, JSON.stringify({ ...segment(11, 20), events: -1 }), "no segment"],
    ] as const) {
      writeFileSync(manifestFile(dir.path), good.map((line, at) => `${at === k ? bad : line}\n`).join(""));
      const manifest = new Manifest(dir.path);
      for (let look = 0; look < 2; look++)
        expect(() => manifest.refresh()).toThrow(new RegExp(`line ${k + 1}: .*${why}`));
    }
    writeFileSync(manifestFile(dir.path), good.map((line) => `${line}\n`).join(""));
    expect(new Manifest(dir.path).refresh().end).toBe(20);
  });
});

const messages = fc.array(
  fc.record({
    stored_us: fc.integer({ min: 0, max: 3 * 86_400_000_000 }).map((us) => BASE_US + us),
    bytes: fc.integer({ min: 0, max: 400 }),
    events: fc.integer({ min: 0, max: 40 }),
  }),
  { minLength: 1, maxLength: 200 },
);

test("segments take every message once, in order, within their bounds and one day", () => {
  fc.assert(
    fc.property(messages, fc.boolean(), (list, sorted) => {
      const all = sorted ? list.toSorted((a, b) => a.stored_us - b.stored_us) : list;
      const bounds = { bytes: 1_000, events: 100 };
      const cuts: Cut[] = [];
      let segments: Segment[] = [];
      all.forEach((message, k) => {
        if (!cuts.at(-1)?.fits(message)) {
          cuts.push(new Cut(bounds));
          segments.push(segment(k + 1, k + 1, dayOf(message.stored_us)));
        }
        const cut = cuts.at(-1)!;
        cut.add(message);
        expect(cut.day).toBe(dayOf(message.stored_us));
        segments = [...segments.slice(0, -1), segment(segments.at(-1)!.first, k + 1, cut.day)];
      });
      expect(cuts.reduce((sum, cut) => sum + cut.messages, 0)).toBe(all.length);
      cuts.forEach((cut, k) => {
        expect(cut.messages === 1 || (cut.bytes <= bounds.bytes && cut.events <= bounds.events)).toBe(true);
        expect(faultOfSegment(segments[k]!, (segments[k - 1]?.last ?? 0) + 1)).toBeUndefined();
      });
    }),
  );
});

test("records come together again from any pieces", () => {
  const head = fc.record({
    seq: fc.nat(),
    subject: fc.constantFrom("weir.ev.enrich.0", "weir.ev.alert.12"),
    stored_us: fc.integer({ min: 0, max: 2 ** 52 }),
    headers: fc.option(
      fc.array(fc.tuple(fc.string(), fc.array(fc.string({ unit: "grapheme" }), { minLength: 1, maxLength: 2 })), {
        maxLength: 3,
      }),
    ),
  });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(head, fc.uint8Array({ maxLength: 300 })), { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 5 }),
      (sent, sizes) => {
        const bytes = Buffer.concat([...sent.map(([h, data]) => packRecord(h, data)), packRecord({ end: true })]);
        const records = new Records();
        const got: unknown[] = [];
        for (let at = 0, k = 0; at < bytes.length; k++) {
          const size = sizes[k % sizes.length]!;
          records.push(bytes.subarray(at, at + size));
          at += size;
          for (let record = records.next(); record; record = records.next())
            got.push(
              "seq" in record
                ? [{ ...record, headers: headerList(record.headers), data: undefined }, [...record.data]]
                : record,
            );
        }
        expect(got).toEqual([
          ...sent.map(([h, data]) => [{ ...h, pending: 0, data: undefined }, [...data]]),
          { end: true },
        ]);
      },
    ),
  );
});
