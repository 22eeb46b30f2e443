import { open } from "node:fs/promises";
import { LIMITS } from "../base/limits.ts";
import type { FoundFile } from "./discover.ts";
import { timeOf } from "./loose.ts";

const TIMESTAMP = /"timestamp"\s*:\s*"([^"\\]{10,40})"/g;

/**
 * Older files first: by the first time in the file, then the last one, then the file's own time, then its name. A resumed session
 * repeats the history of another; whichever is fed first owns it. A copy can begin with the same time as its origin, but then ends later.
 */
export const byAge = async (files: readonly FoundFile[]): Promise<FoundFile[]> =>
  (await withEdges(files)).sort(olderFirst).map(({ file }) => file);

/**
 * Newer files first, as far as it makes no difference to who owns a repeated record. A file only holds records of the time it spans, copies
 * of others included. So files whose times overlap are a group that is read by age; groups do not overlap, and the newest goes first.
 */
export async function newestGroupsFirst(files: readonly FoundFile[]): Promise<FoundFile[]> {
  const groups: Aged[][] = [];
  let end = Number.NEGATIVE_INFINITY;
  for (const aged of (await withEdges(files)).sort((a, b) => a.oldest - b.oldest)) {
    if (aged.oldest > end) groups.push([]);
    groups.at(-1)!.push(aged);
    end = Math.max(end, aged.newest);
  }
  return groups.reverse().flatMap((group) => group.sort(olderFirst).map(({ file }) => file));
}

interface Edges {
  readonly first: number;
  readonly last: number;
  /** The smallest and largest time; a resumed session begins with its own time and goes on with the history it copied. */
  readonly oldest: number;
  readonly newest: number;
}
interface Aged extends Edges {
  readonly file: FoundFile;
}

const olderFirst = (a: Aged, b: Aged): number =>
  a.first - b.first ||
  a.last - b.last ||
  a.file.mtime_ms - b.file.mtime_ms ||
  (a.file.path < b.file.path ? -1 : a.file.path > b.file.path ? 1 : 0);

async function withEdges(files: readonly FoundFile[]): Promise<Aged[]> {
  const out: Aged[] = [];
  for (const file of files) out.push({ file, ...(await edgesOf(file)) });
  return out;
}

/** First and last time that stand near the start and the end of a file; a file without any sorts by its own time. */
async function edgesOf(file: FoundFile): Promise<Edges> {
  const own = file.mtime_ms * 1000;
  const none = { first: own, last: own, oldest: own, newest: own };
  try {
    const handle = await open(file.path, "r");
    try {
      const part = Math.min(LIMITS.edge_bytes_max, file.size);
      const bytes = Buffer.alloc(part);
      const timesAt = async (position: number): Promise<number[]> => {
        const { bytesRead } = await handle.read(bytes, 0, part, position);
        const found = bytes.toString("latin1", 0, bytesRead).matchAll(TIMESTAMP);
        return [...found].flatMap((match) => timeOf(match[1]) ?? []);
      };
      const head = await timesAt(0);
      const tail = file.size > part ? await timesAt(file.size - part) : head;
      const first = head[0] ?? own;
      const times = [...head, ...tail];
      if (times.length === 0) return none;
      return { first, last: tail.at(-1) ?? first, oldest: Math.min(...times), newest: Math.max(...times) };
    } finally {
      await handle.close();
    }
  } catch {
    return none; // reading it will tell why
  }
}
