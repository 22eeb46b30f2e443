import { open } from "node:fs/promises";
import { LIMITS } from "../base/limits.ts";
import type { FoundFile } from "./discover.ts";
import { timeOf } from "./loose.ts";

const TIMESTAMP = /"timestamp"\s*:\s*"([^"\\]{10,40})"/g;

/**
 * Older files first: by the first time in the file, then the last one, then the file's own time, then its name. A resumed session
 * repeats the history of another; whichever is fed first owns it. A copy can begin with the same time as its origin, but then ends later.
 */
export async function byAge(files: readonly FoundFile[]): Promise<FoundFile[]> {
  const aged: { file: FoundFile; first: number; last: number }[] = [];
  for (const file of files) aged.push({ file, ...(await edgesOf(file)) });
  const ordered = aged.sort(
    (a, b) =>
      a.first - b.first ||
      a.last - b.last ||
      a.file.mtime_ms - b.file.mtime_ms ||
      (a.file.path < b.file.path ? -1 : a.file.path > b.file.path ? 1 : 0),
  );
  return ordered.map(({ file }) => file);
}

/** First and last time that stand near the start and the end of a file; a file without any sorts by its own time. */
async function edgesOf(file: FoundFile): Promise<{ first: number; last: number }> {
  const own = file.mtime_ms * 1000;
  const none = { first: own, last: own };
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
      return { first, last: tail.at(-1) ?? first };
    } finally {
      await handle.close();
    }
  } catch {
    return none; // reading it will tell why
  }
}
