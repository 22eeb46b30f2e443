import { toWeirError } from "../base/errors.ts";
import type { Archive } from "../engine/archive/archive.ts";
import type { ArchiverStatus } from "../engine/archive/archiver.ts";
import type { Status } from "../read/status.ts";

/** The archive where nothing is archived yet. */
export const NO_ARCHIVE: Status["archive"] = {
  state: "waiting",
  first_seq: 0,
  last_seq: 0,
  segments: 0,
  events: 0,
  bytes: 0,
  days: 0,
  first_day: null,
  last_day: null,
  problem: null,
};

/** How the archive is doing, as the status has it. What cannot be read is part of the answer. */
export function archiveStatus(archive: Archive, archiver: ArchiverStatus | undefined): Status["archive"] {
  let problem = archiver?.failed?.line() ?? null;
  let held: Partial<Status["archive"]> = {};
  try {
    const { segments, totals } = archive.look();
    const [first, last] = [segments[0], segments.at(-1)];
    const { events, bytes, days } = totals;
    held = { segments: segments.length, events, bytes, days };
    if (first && last)
      held = { ...held, first_seq: first.first, last_seq: last.last, first_day: first.day, last_day: last.day };
  } catch (error) {
    problem = toWeirError(error).line();
  }
  return { ...NO_ARCHIVE, ...held, state: problem === null ? (archiver?.state ?? "waiting") : "failed", problem };
}
