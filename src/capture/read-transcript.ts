import { open } from "node:fs/promises";
import { basename } from "node:path";
import { LIMITS } from "../base/limits.ts";
import type { Draft } from "../define/event.ts";
import type { FoundFile, TranscriptKind } from "./discover.ts";
import { MAPPINGS } from "./kinds.ts";
import { type Line, type ReadAt, readLines } from "./lines.ts";
import { markOf, type Position, type Positions } from "./positions.ts";
import { type ImportReport, noteBadLine, noteUnreadable } from "./report.ts";

/** What reading a transcript needs from the import around it. */
export interface Reading {
  readonly kind: TranscriptKind;
  readonly host?: string;
  readonly positions: Positions;
  readonly report: ImportReport;
  readonly signal?: AbortSignal;
  emit(drafts: readonly Draft[]): Promise<void>;
  /** Called after each line with its bytes; true where positions are to be saved now. */
  advance(bytes: number): boolean;
  save(): Promise<void>;
}

/** Reads what is new in one transcript. A file that cannot be opened or read is reported; errors of sink and positions are not its own. */
export async function readTranscript(reading: Reading, file: FoundFile): Promise<void> {
  let fault: unknown;
  const noting = async <T>(work: Promise<T>): Promise<T> =>
    work.catch((thrown: unknown) => {
      fault = thrown;
      throw thrown;
    });
  try {
    const handle = await noting(open(file.path, "r"));
    try {
      const { size, mtimeMs } = await noting(handle.stat());
      const readAt: ReadAt = async (into, position) =>
        (await noting(handle.read(into, 0, into.length, position))).bytesRead;
      await readNew(reading, { path: file.path, size, mtime_ms: Math.floor(mtimeMs) }, readAt);
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    if (thrown !== fault) throw thrown;
    noteUnreadable(reading.report, file.path, (thrown as NodeJS.ErrnoException).code ?? String(thrown));
  }
}

/** Where to go on in a file: its known position while it is the same file, else its start. */
async function positionIn(reading: Reading, file: FoundFile, readAt: ReadAt): Promise<Position> {
  const { kind, host } = reading;
  const { size, mtime_ms } = file;
  const known = reading.positions.get(file.path);
  if (known?.kind === kind && known.offset <= size && (await markOf(readAt, known.offset)) === known.mark) {
    return { ...known, size, mtime_ms };
  }
  const state = MAPPINGS[kind].start({ name: basename(file.path), host });
  return { kind, size, mtime_ms, offset: 0, line: 0, open: false, mark: "", state };
}

async function readNew(reading: Reading, file: FoundFile, readAt: ReadAt): Promise<void> {
  const { report, signal } = reading;
  const from = await positionIn(reading, file, readAt);
  const state = from.state as object;
  let at = { offset: from.offset, line: from.line, open: from.open };
  const keep = async (size: number): Promise<void> => {
    // positions keep a copy: an error further on does not leave a state that is ahead of its offset
    const position = { ...from, ...at, size, mark: await markOf(readAt, at.offset), state };
    reading.positions.set(file.path, position);
  };
  for await (const line of readLines(readAt, { ...at, limit: file.size })) {
    await reading.emit(draftsOf(reading, file.path, state, line));
    at = { offset: line.end, line: line.line, open: line.open };
    report.lines += 1;
    report.bytes += line.end - line.offset;
    // the size kept here is what was read, so that a crash does not make the file look unchanged
    if (reading.advance(line.end - line.offset)) {
      await keep(at.offset);
      await reading.save();
    }
    if (signal?.aborted) break;
  }
  await reading.emit(MAPPINGS[reading.kind].end(state));
  if (at.offset === from.offset) report.files_skipped_unchanged += 1;
  else report.files += 1;
  await keep(signal?.aborted ? at.offset : file.size);
}

function draftsOf(reading: Reading, path: string, state: object, line: Line): Draft[] {
  if (line.text === undefined) {
    noteBadLine(reading.report, path, line.line, `longer than ${LIMITS.line_bytes_max} bytes`);
    return [];
  }
  if (line.text.trim() === "") return [];
  let record: unknown;
  try {
    record = JSON.parse(line.text);
  } catch {
    noteBadLine(reading.report, path, line.line, "not JSON");
    return [];
  }
  if (typeof record !== "object" || record === null || Array.isArray(record)) {
    noteBadLine(reading.report, path, line.line, "not a JSON object");
    return [];
  }
  return MAPPINGS[reading.kind].map(state, record, line.line);
}
