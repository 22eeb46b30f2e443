import { createHash } from "node:crypto";
import { appendFile, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { LIMITS } from "../base/limits.ts";
import { type ReadAt, readLines } from "./lines.ts";
import { isLoose } from "./loose.ts";

/** How far a transcript was read, and what its mapping remembers. */
export interface Position {
  readonly kind: string;
  readonly size: number;
  readonly mtime_ms: number;
  /** Bytes read; the next run begins here. */
  readonly offset: number;
  /** Lines before the offset. */
  readonly line: number;
  /** The last line was taken without its newline. */
  readonly open: boolean;
  /** Hash of the start of the file and of what stands before the offset: whether it is still the same file. */
  readonly mark: string;
  /** Kept in clear whatever the privacy level: texts of persons and tools only redacted, and only while they wait for their event. */
  readonly state: unknown;
}

const isPosition = (value: unknown): value is Position =>
  isLoose(value) &&
  typeof value.kind === "string" &&
  [value.size, value.mtime_ms, value.offset, value.line].every((n) => Number.isSafeInteger(n) && (n as number) >= 0) &&
  typeof value.open === "boolean" &&
  typeof value.mark === "string" &&
  isLoose(value.state) &&
  value.state.v === 1;

/** Positions by path, see {@link openPositions}. */
export interface Positions extends Iterable<[string, Position]> {
  /** Why the file there was is not used, or only in part. */
  readonly damaged: string | undefined;
  get(path: string): Position | undefined;
  /** Keeps a copy. */
  set(path: string, position: Position): void;
  delete(path: string): void;
  /** Takes in what another process wrote since; what was changed here and not saved yet stays. */
  refresh(): Promise<void>;
  /** Waits for `durable`, then writes what had changed before the call: a saved position is never ahead of what it stands for. */
  save(durable: () => Promise<unknown>): Promise<void>;
}

/** Before 3 a state could hold titles and errors as they came. */
const HEADER = { positions: 3 };

/**
 * Opens a file of positions: a journal of JSON lines, one a change, the last one of a path counts. Following and importing may share it at
 * once: each appends whole lines and takes in the other's. It is a cache. A line that was cut by a crash, or lost while another process
 * made the file short again, makes something be read twice, which ids make harmless; so nothing here waits for the disk.
 */
export async function openPositions(file: string): Promise<Positions> {
  const map = new Map<string, Position>();
  const changed = new Set<string>();
  let at = { ino: 0, offset: 0 };
  let damaged: string | undefined;
  let saving: Promise<void> = Promise.resolve();

  const refresh = async (): Promise<void> => {
    const handle = await open(file, "r").catch((thrown: NodeJS.ErrnoException) => {
      if (thrown.code !== "ENOENT") damaged = thrown.message;
    });
    if (!handle) return;
    try {
      const { ino, size } = await handle.stat();
      if (size > LIMITS.import_positions_bytes_max) {
        damaged = "too large";
        return;
      }
      const offset = ino === at.ino && size >= at.offset ? at.offset : 0;
      if (size === offset) return;
      const readAt: ReadAt = async (into, position) => (await handle.read(into, 0, into.length, position)).bytesRead;
      let end = offset;
      for await (const line of readLines(readAt, { offset, limit: size })) {
        if (line.open) break; // still being written
        end = line.end;
        const problem = takeLine(line.text, line.offset === 0);
        if (problem) damaged ??= problem;
        if (problem === "another format") break;
      }
      at = { ino, offset: end };
    } finally {
      await handle.close();
    }
  };
  const takeLine = (text: string | undefined, first: boolean): string | undefined => {
    if (text === "") return undefined;
    const entry = parsed(text);
    if (!isLoose(entry)) return first ? "another format" : "a line is not whole";
    if (first) return entry.positions === HEADER.positions ? undefined : "another format";
    const { path, position } = entry;
    if (entry.positions !== undefined) return undefined;
    if (typeof path !== "string" || (position !== null && !isPosition(position))) return "a line is no position";
    if (changed.has(path)) return undefined;
    if (position === null) map.delete(path);
    else map.set(path, packed(position));
    return undefined;
  };
  const write = async (saved: ReadonlyMap<string, Position | undefined>): Promise<void> => {
    const size = (await stat(file).catch(() => undefined))?.size ?? 0;
    // most of a long journal is entries that newer ones replaced
    if (size === 0 || damaged !== undefined || size > LIMITS.positions_slack_bytes + 3 * live(size)) {
      await rewrite(file, entriesWith(saved));
      damaged = undefined;
      at = { ino: 0, offset: 0 };
      return;
    }
    // the newline before: a line that a crash cut short must not take the next one with it
    const text = [...saved].map(([path, position]) => entryOf(path, position)).join("");
    await appendFile(file, `\n${text}`, { mode: 0o600 });
  };
  /** All that may be saved: what moved on since is left out, its events may not be durable. */
  function* entriesWith(saved: ReadonlyMap<string, Position | undefined>): Generator<string> {
    for (const [path, position] of map) {
      if (saved.has(path)) continue;
      if (!changed.has(path)) yield entryOf(path, position);
    }
    for (const [path, position] of saved) if (position) yield entryOf(path, position);
  }
  /** About what the file would take if it was written anew. */
  const live = (size: number): number => {
    let [count, chars] = [0, 0];
    for (const [path, position] of map) {
      if (count >= 64) break;
      count += 1;
      chars += entryOf(path, position).length;
    }
    return count === 0 ? 0 : Math.min(size, (chars / count) * map.size);
  };

  await refresh();
  return {
    get damaged() {
      return damaged;
    },
    get: (path) => map.get(path),
    set(path, position) {
      map.set(path, packed(position));
      changed.add(path);
    },
    delete(path) {
      if (map.delete(path)) changed.add(path);
    },
    refresh,
    save(durable) {
      const run = async (): Promise<void> => {
        const paths = [...changed];
        if (paths.length === 0) return void (await durable());
        // what these paths stand for now; they may move on while the events become durable
        const positions = new Map(paths.map((path) => [path, map.get(path)]));
        await durable();
        await mkdir(dirname(file), { recursive: true, mode: 0o700 });
        await write(positions);
        for (const path of paths) if (map.get(path) === positions.get(path)) changed.delete(path);
      };
      saving = saving.then(run, run);
      return saving;
    },
    [Symbol.iterator]: () => map[Symbol.iterator](),
  };
}

/** A position whose state is kept as text: ten thousand of them take a third of the memory, and few are ever asked for. */
function packed(position: Position): Position {
  const { kind, size, mtime_ms, offset, line, open, mark } = position;
  const text = JSON.stringify(position.state);
  return {
    kind,
    size,
    mtime_ms,
    offset,
    line,
    open,
    mark,
    get state() {
      return JSON.parse(text) as unknown;
    },
  };
}

const entryOf = (path: string, position: Position | undefined): string =>
  `${JSON.stringify({ path, position: position ?? null })}\n`;

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
}

/** Writes a journal anew, so that a crash leaves the old or the new one, readable by its owner only. */
async function rewrite(file: string, entries: Iterable<string>): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  await rm(temporary, { force: true });
  const handle = await open(temporary, "wx", 0o600);
  try {
    let text = `${JSON.stringify(HEADER)}\n`;
    for (const entry of entries) {
      text += entry;
      if (text.length < LIMITS.read_chunk_bytes) continue;
      await handle.appendFile(text);
      text = "";
    }
    await handle.appendFile(text);
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
}

/** Hash of the first bytes of a file and of the last ones before `offset`. */
export async function markOf(readAt: ReadAt, offset: number): Promise<string> {
  const hash = createHash("sha256");
  const part = Math.min(LIMITS.mark_bytes_max, offset);
  for (const from of [0, offset - part]) {
    const bytes = Buffer.alloc(part);
    let got = 0;
    while (got < part) {
      const more = await readAt(bytes.subarray(got), from + got);
      if (more === 0) break;
      got += more;
    }
    hash.update(bytes.subarray(0, got));
  }
  return hash.digest("hex").slice(0, 32);
}
