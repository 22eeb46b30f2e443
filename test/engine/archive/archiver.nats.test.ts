import { randomBytes } from "node:crypto";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Archive } from "../../../src/engine/archive/archive.ts";
import { prepareArchive, replaceArchive } from "../../../src/engine/archive/keep.ts";
import { manifestFile } from "../../../src/engine/archive/manifest.ts";
import { openLog } from "../../../src/engine/archive/read-log.ts";
import { openReader } from "../../../src/wire/read.ts";
import { ensureStreams, eventsSubject, streamIdentity } from "../../../src/wire/streams.ts";
import { archiveOf, runArchiver, WORKER } from "../../support/archive.ts";
import { fillLog, messagesOf } from "../../support/archive-events.ts";
import { type Bench, startBench } from "../../support/pipeline.ts";
import { mountSmall, smallDisk } from "../../support/small-disk.ts";

const stream = (bench: Bench, after = 0) => openReader(bench.bus, "WEIR_EVENTS", { after });
const state = async (bench: Bench) => (await bench.bus.jsm.streams.info("WEIR_EVENTS")).state;

/** A log of `frames`, what it held, and the archive of its beginning in segments that end at the given sequences. */
async function archived(bench: Bench, frames: number, ends: readonly number[]) {
  await fillLog(bench, frames);
  const before = await messagesOf(stream(bench), frames);
  let until = 0;
  const archive = archiveOf(bench);
  {
    await using archiver = runArchiver(bench, { archive, until: () => until });
    for (until of ends) await archiver.now();
  }
  return { archive, before };
}

describe("an archive", () => {
  test("gives what was archived as it was, and the log holds the rest", async () => {
    await using bench = await startBench();
    const { archive, before } = await archived(bench, 30, [12, 20]);
    expect(archive.look().segments).toMatchObject([
      { first: 1, last: 12, messages: 12, events: 24 },
      { first: 13, last: 20, messages: 8, events: 16 },
    ]);
    expect(await state(bench)).toMatchObject({ messages: 10, last_seq: 30 });
    expect(await messagesOf(openLog(bench.bus, archive, { after: 0 }), 30)).toEqual(before);
    expect(await messagesOf(openLog(bench.bus, archive, { after: 15 }), 30)).toEqual(before.slice(15));
    const subjects = [eventsSubject("alert", 0)];
    const [some, last] = [before.filter(({ seq }) => (seq - 1) % 7 === 3), 25];
    expect(await messagesOf(openLog(bench.bus, archive, { after: 0, subjects }), last)).toEqual(some);
    expect(await messagesOf(openLog(bench.bus, archive, { after: 0, subjects: ["weir.ev.*.0"] }), 30)).toEqual(before);
    expect(await archive.check()).toEqual([]);
  });

  test("keeps the newest message of each subject in the log, so that stages find their place", async () => {
    await using bench = await startBench();
    const { archive } = await archived(bench, 30, [30]);
    expect(await state(bench)).toMatchObject({ messages: 2, first_seq: 25, last_seq: 30 });
    await fillLog(bench, 1);
    const all = await messagesOf(openLog(bench.bus, archive, { after: 0 }), 31);
    expect(all.map(({ seq }) => seq)).toEqual(Array.from({ length: 31 }, (_, k) => k + 1));
  });

  test("a reader that is overtaken by the trimming misses nothing", async () => {
    await using bench = await startBench();
    // more than a reader reads ahead
    await fillLog(bench, 100, 50_000);
    const before = await messagesOf(stream(bench), 100);
    await using archiver = runArchiver(bench, { until: () => 90 });
    const subjects = [eventsSubject("alert", 0)];
    const slow = openLog(bench.bus, archiver.archive, { after: 0 });
    const filtered = openLog(bench.bus, archiver.archive, { after: 0, subjects });
    for (const reader of [slow, filtered]) {
      await reader.ready();
      reader.shift();
    }
    await archiver.now();
    expect(await messagesOf(slow, 100)).toEqual(before.slice(1));
    const some = before.filter(({ seq }) => (seq - 1) % 7 === 3);
    expect(await messagesOf(filtered, some.at(-1)!.seq)).toEqual(some.slice(1));
  });

  test("what a broker lost is missing in the archive too, and nothing else is", async () => {
    await using bench = await startBench();
    await fillLog(bench, 30);
    await bench.bus.jsm.streams.purge("WEIR_EVENTS", { filter: eventsSubject("alert", 0) });
    await using archiver = runArchiver(bench, { until: () => 30 });
    await archiver.now();
    expect(archiver.archive.look().segments).toMatchObject([{ first: 1, last: 30, messages: 26 }]);
    const read = await messagesOf(openLog(bench.bus, archiver.archive, { after: 0 }), 30);
    expect(read.map(({ seq }) => seq)).toEqual(
      Array.from({ length: 30 }, (_, k) => k + 1).filter((seq) => (seq - 1) % 7 !== 3),
    );
  });
});

describe("after a crash", () => {
  test("what was not finished is taken away, and what was entered is trimmed", async () => {
    await using bench = await startBench();
    const { archive, before } = await archived(bench, 30, [10]);
    const { folder } = archive.place;
    const segment = archive.look().segments[0]!;
    // a writer that was killed, a segment in its place that was not entered, a line that was not finished
    mkdirSync(join(folder, ".writing-1-abc"));
    writeFileSync(join(folder, ".writing-1-abc/frames.parquet"), "half");
    for (const kind of ["frames", "events"])
      copyFileSync(
        join(folder, segment.frames.file),
        join(folder, segment.frames.file.replace(/frames-.*/, `${kind}-000000000011-000000000020.parquet`)),
      );
    appendFileSync(manifestFile(folder), '{"first":11,"la');
    await prepareArchive(bench.bus, archive);
    expect(existsSync(join(folder, ".writing-1-abc"))).toBe(false);
    expect(existsSync(join(folder, segment.frames.file))).toBe(true);
    expect(existsSync(join(folder, `day=${segment.day}/frames-000000000011-000000000020.parquet`))).toBe(false);
    expect(readFileSync(manifestFile(folder), "utf8").split("\n")).toHaveLength(3);

    // entered, and killed before the log was trimmed: another bench's trimming never came
    await using archiver = runArchiver(bench, { archive, until: () => 20 });
    await archiver.now();
    expect(await state(bench)).toMatchObject({ messages: 10 });
    expect(await messagesOf(openLog(bench.bus, archive, { after: 0 }), 30)).toEqual(before);
  });

  test("a segment that was entered, and not trimmed, is trimmed at the next start", async () => {
    await using bench = await startBench();
    const { archive, before } = await archived(bench, 30, [10]);
    const { folder } = archive.place;
    // the same archive over a log that was not trimmed: as if the owner had been killed between manifest and log
    const lines = readFileSync(manifestFile(folder), "utf8");
    await using other = await startBench();
    const { created } = await streamIdentity(other.bus.jsm, "WEIR_EVENTS");
    for (let k = 0; k < 12; k++) await fillLog(other, 1);
    writeFileSync(manifestFile(folder), lines.replace(/"created":"[^"]+"/, `"created":"${created}"`));
    const moved = new Archive({ folder, entry: WORKER });
    await expect(prepareArchive(other.bus, moved)).resolves.toBeUndefined();
    expect(await state(other)).toMatchObject({ first_seq: 11, last_seq: 12, messages: 2 });
    expect((await streamIdentity(other.bus.jsm, "WEIR_EVENTS")).archive).toMatchObject({ end: 10 });
    expect(await messagesOf(openLog(other.bus, moved, { after: 0 }), 10)).toEqual(before.slice(0, 10));
  });
});

describe("an archive that is not what it was", () => {
  test("a file that was changed, cut or removed is one clear error, and nothing of it is given out", async () => {
    await using bench = await startBench();
    const { archive } = await archived(bench, 30, [10, 20]);
    const { folder } = archive.place;
    const [first, second] = archive.look().segments;
    const file = join(folder, second!.frames.file);
    const whole = readFileSync(file);
    const flipped = Buffer.from(whole);
    flipped[flipped.length >> 1]! ^= 1;
    for (const [bytes, why] of [
      [flipped, "its content is not what was written"],
      [whole.subarray(0, -10), `it has ${whole.length - 10} bytes, ${whole.length} were written`],
      [undefined, "it is missing"],
    ] as const) {
      if (bytes) writeFileSync(file, bytes);
      else rmSync(file);
      const reader = openLog(bench.bus, archive, { after: 0 });
      const read: number[] = [];
      const thrown = await (async () => {
        while (await reader.ready()) read.push(reader.shift()!.seq);
      })().catch((error: unknown) => error);
      await reader.close();
      expect(read).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      expect(thrown).toMatchObject({
        code: "archive_broken",
        message: `${file}, sequences 11 to 20 of the log: ${why}`,
        hint: expect.stringContaining("put the file back from a backup"),
      });
      expect(await archive.check()).toEqual([{ file: second!.frames.file, first: 11, last: 20, why }]);
      const tolerant = openLog(bench.bus, archive, { after: 0, tolerant: true });
      expect((await messagesOf(tolerant, 30)).map(({ seq }) => seq)).toEqual(
        Array.from({ length: 30 }, (_, k) => k + 1).filter((seq) => seq <= 10 || seq > 20),
      );
      expect(tolerant.faults).toMatchObject([{ first: 11, last: 20, why }]);
    }
    writeFileSync(file, whole);
    writeFileSync(join(folder, first!.rows.file), "x");
    expect(await archive.check()).toMatchObject([{ file: first!.rows.file, first: 1, last: 10 }]);
  });

  test("an archive of another log, a missing one and an old copy are refused, and nothing is removed", async () => {
    await using bench = await startBench();
    const { archive } = await archived(bench, 30, [10, 20]);
    const { folder } = archive.place;
    const manifest = readFileSync(manifestFile(folder), "utf8");
    const begin = () => messagesOf(openLog(bench.bus, new Archive(archive.place), { after: 0 }), 30);
    const refused = async (what: object): Promise<void> => {
      await expect(begin()).rejects.toMatchObject(what);
      await expect(prepareArchive(bench.bus, new Archive(archive.place))).rejects.toMatchObject(what);
      await using archiver = runArchiver(bench, { archive: new Archive(archive.place), until: () => 30 });
      await expect(archiver.now()).rejects.toMatchObject(what);
      expect(archiver.status).toMatchObject({ state: "failed", failed: what });
    };
    writeFileSync(manifestFile(folder), `${manifest.split("\n").slice(0, 2).join("\n")}\n`);
    await refused({ code: "archive_broken", message: expect.stringContaining("archived up to sequence 20") });
    writeFileSync(manifestFile(folder), manifest.replace('"first":11', '"first":12'));
    await refused({ code: "archive_broken", message: expect.stringContaining("line 3") });
    rmSync(manifestFile(folder));
    await refused({ code: "archive_broken", hint: expect.stringContaining("weir archive --new") });
    renameSync(folder, `${folder}.away`);
    await refused({ code: "archive_broken" });
    rmSync(folder, { recursive: true, force: true });
    renameSync(`${folder}.away`, folder);
    writeFileSync(manifestFile(folder), manifest);
    expect((await begin()).length).toBe(30);

    await bench.bus.jsm.streams.delete("WEIR_EVENTS");
    await ensureStreams(bench.bus.jsm, bench.nats.config);
    await fillLog(bench, 3);
    await refused({ code: "stream_changed", hint: expect.stringContaining("move") });
    for (const { frames, rows } of archive.look().segments)
      for (const { file } of [frames, rows]) expect(existsSync(join(folder, file))).toBe(true);
  });

  test("one that is lost for good is replaced on the user's word, and what it held stays missing", async () => {
    await using bench = await startBench();
    const { archive, before } = await archived(bench, 30, [20]);
    rmSync(archive.place.folder, { recursive: true });
    const fresh = new Archive(archive.place);
    expect(await replaceArchive(bench.bus, fresh)).toEqual({ aside: null, begins: 21 });
    await using archiver = runArchiver(bench, { archive: fresh, until: () => 30 });
    await archiver.now();
    expect(await messagesOf(openLog(bench.bus, fresh, { after: 0 }), 30)).toEqual(before.slice(20));
  });
});

describe.skipIf(!smallDisk)(`a full disk${smallDisk ? "" : " (skipped: no file system can be mounted here)"}`, () => {
  test("the log keeps what it has, says what to do, and is archived once there is room", async () => {
    await using bench = await startBench();
    await fillLog(bench, 20, 20_000);
    const before = await messagesOf(stream(bench), 20);
    const folder = join(bench.nats.config.dataDir, "archive");
    await using _disk = mountSmall(folder, "1m");
    const ballast = join(folder, "ballast");
    expect(() => {
      for (;;) appendFileSync(ballast, randomBytes(4_096));
    }).toThrow(/ENOSPC/);
    const archive = archiveOf(bench);
    await using archiver = runArchiver(bench, { archive, until: () => 20 });
    await expect(archiver.now()).rejects.toMatchObject({
      code: "store_failed",
      message: expect.stringContaining(`the disk of ${folder} is full`),
      hint: expect.stringContaining("free disk space"),
    });
    expect(archiver.status).toMatchObject({ state: "failed", failed: { code: "store_failed" } });
    expect(readdirSync(folder).filter((name) => name.startsWith("."))).toEqual([]);
    expect(await messagesOf(stream(bench), 20)).toEqual(before);
    rmSync(ballast);
    expect(await archiver.now()).toMatchObject({ messages: 20 });
    expect(archiver.status).toMatchObject({ state: "waiting", failed: undefined });
    expect(await messagesOf(openLog(bench.bus, archive, { after: 0 }), 20)).toEqual(before);
  });
});
