import { randomBytes } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { clock } from "../../base/clock.ts";
import { WeirError } from "../../base/errors.ts";
import { makeFolder, syncFolderAside } from "../../base/folder.ts";
import type { Connection } from "../../wire/connect.ts";
import { markArchived, streamIdentity, trimUpTo } from "../../wire/streams.ts";
import type { Archive } from "./archive.ts";
import { appendLine, filesOf, manifestFile, mendManifest, type Segment } from "./manifest.ts";
import { LOG } from "./read-log.ts";

const SCRATCH = ".writing-";

/** A folder of the archive for what one writer has not finished. */
export const scratchIn = (folder: string): string =>
  join(folder, `${SCRATCH}${process.pid}-${randomBytes(4).toString("hex")}`);

/**
 * Makes ready to archive a log: takes away what a killed writer left, begins the archive where there is none, and does again what was not finished
 * after the last segment. Only the owner of the tables may call it. Throws where the archive there is not that of the log.
 */
export async function prepareArchive(bus: Connection, archive: Archive): Promise<void> {
  const { folder } = archive.place;
  makeFolder(folder, 0o700);
  for (const name of readdirSync(folder))
    if (name.startsWith(SCRATCH)) await rm(join(folder, name), { recursive: true, force: true });
  await mendManifest(folder);
  const log = await streamIdentity(bus.jsm, LOG);
  archive.belongsTo(log);
  const { origin: of, segments } = archive.look();
  const another = of !== undefined && segments.length === 0 && of.created !== log.created;
  if (another) await rm(manifestFile(folder), { force: true });
  if (!of || another) {
    if (daysIn(folder).length > 0)
      throw new WeirError("archive_broken", `${folder} holds files, but its manifest is missing`, {
        hint: "put the manifest back from a backup, or move the folder away",
      });
    await beginArchive(bus, archive);
  }
  const { origin, end } = archive.look();
  await removeUnknown(folder, end);
  if (!origin || end < origin.begins) return;
  if ((log.archive?.end ?? 0) < end) await markArchived(bus.jsm, LOG, { id: origin.id, end });
  await trimUpTo(bus.jsm, LOG, end);
}

/** Puts the folder of an archive that is lost or broken out of the way, where there is one, and begins a new one. */
export async function replaceArchive(
  bus: Connection,
  archive: Archive,
): Promise<{ aside: string | null; begins: number }> {
  const { folder } = archive.place;
  const aside = existsSync(folder) && readdirSync(folder).length > 0 ? `${folder}.aside-${clock.nowMs()}` : null;
  if (aside) await rename(folder, aside);
  await beginArchive(bus, archive);
  return { aside, begins: archive.look().origin!.begins };
}

/**
 * Begins an archive with what the log holds. What an archive before it held is lost to weir from then on: the log says so by the first sequence
 * that is not missing.
 */
export async function beginArchive(bus: Connection, archive: Archive): Promise<void> {
  const { stream, created, archive: before } = await streamIdentity(bus.jsm, LOG);
  const id = randomBytes(8).toString("hex");
  const begins = (before?.end ?? 0) + 1;
  await appendLine(archive.place.folder, { weir_archive: 1, id, stream, created, begins });
  await markArchived(bus.jsm, LOG, { id, end: begins - 1 });
}

const daysIn = (folder: string): string[] => readdirSync(folder).filter((name) => /^day=\d{4}-\d\d-\d\d$/.test(name));

/** Files of a segment that was never entered: its messages are still in the log, since trimming comes last. */
async function removeUnknown(folder: string, end: number): Promise<void> {
  for (const day of daysIn(folder))
    for (const name of readdirSync(join(folder, day))) {
      const [, first] = /^(?:frames|events)-(\d{12,})-\d{12,}\.parquet$/.exec(name) ?? [];
      if (first !== undefined && Number(first) > end) await rm(join(folder, day, name), { force: true });
    }
}

/**
 * Takes a segment over from its writer: files in their place, then the manifest, each durable before the next. Only after it may the log be
 * trimmed.
 */
export async function enterSegment(archive: Archive, segment: Segment, scratch: string): Promise<void> {
  const { folder } = archive.place;
  const names = filesOf(segment.day, segment.first, segment.last);
  const day = dirname(join(folder, names.frames));
  makeFolder(day, 0o700);
  await rename(join(scratch, "frames.parquet"), join(folder, names.frames));
  await rename(join(scratch, "events.parquet"), join(folder, names.rows));
  await syncFolderAside(day);
  await appendLine(folder, segment);
}

/** Trims what is archived, after the log itself says so. Answers how many messages went. */
export async function trimArchived(bus: Connection, archive: Archive): Promise<number> {
  const log = await streamIdentity(bus.jsm, LOG);
  archive.belongsTo(log); // also that nobody else archives this log
  const { origin, end } = archive.look();
  if (!origin) throw new WeirError("archive_broken", `${archive.place.folder} has lost its manifest`);
  if ((log.archive?.end ?? 0) < end) await markArchived(bus.jsm, LOG, { id: origin.id, end });
  return trimUpTo(bus.jsm, LOG, end);
}
