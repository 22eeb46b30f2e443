import { createHash } from "node:crypto";
import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { LIMITS } from "../base/limits.ts";
import type { ReadAt } from "./lines.ts";
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
  readonly state: unknown;
}

/** Positions by path. */
export type Positions = Map<string, Position>;

const isPosition = (value: unknown): value is Position =>
  isLoose(value) &&
  typeof value.kind === "string" &&
  [value.size, value.mtime_ms, value.offset, value.line].every((n) => Number.isSafeInteger(n) && (n as number) >= 0) &&
  typeof value.open === "boolean" &&
  typeof value.mark === "string" &&
  isLoose(value.state) &&
  value.state.v === 1;

/**
 * Reads the file of positions. A missing or damaged one is none: everything is read again, which ids make harmless. `damaged` says
 * why it was not used.
 */
export async function loadPositions(file: string): Promise<{ positions: Positions; damaged?: string }> {
  try {
    if ((await stat(file)).size > LIMITS.import_positions_bytes_max)
      return { positions: new Map(), damaged: "too large" };
    const whole: unknown = JSON.parse(await readFile(file, "utf8"));
    if (!isLoose(whole) || whole.v !== 1 || !isLoose(whole.files))
      return { positions: new Map(), damaged: "another format" };
    return {
      positions: new Map(
        Object.entries(whole.files).filter((entry): entry is [string, Position] => isPosition(entry[1])),
      ),
    };
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return { positions: new Map() };
    return { positions: new Map(), damaged: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}

/** Writes the file of positions so that a crash leaves the old or the new one, readable by its owner only. */
export async function savePositions(file: string, positions: Positions): Promise<void> {
  const dir = dirname(file);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const temporary = `${file}.${process.pid}.tmp`;
  await rm(temporary, { force: true });
  const handle = await open(temporary, "wx", 0o600);
  try {
    await handle.writeFile(JSON.stringify({ v: 1, files: Object.fromEntries(positions) }));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
  await syncDir(dir);
}

/** Makes a rename durable; where folders cannot be opened (Windows) the file system sees to it. */
async function syncDir(dir: string): Promise<void> {
  const handle = await open(dir, "r").catch(() => undefined);
  try {
    await handle?.sync();
  } catch (thrown) {
    if (!["EPERM", "EINVAL", "EISDIR"].includes((thrown as NodeJS.ErrnoException).code ?? "")) throw thrown;
  } finally {
    await handle?.close();
  }
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
