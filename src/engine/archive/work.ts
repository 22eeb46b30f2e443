import { type ChildProcess, spawn } from "node:child_process";
import type { ErrorCode } from "../../base/errors.ts";
import type { Credential } from "../../wire/credentials.ts";
import type { SegmentBounds } from "./cut.ts";
import type { Segment } from "./manifest.ts";
import type { Fault } from "./records.ts";

/** What the archive's process is started for. */
export type Work =
  | {
      readonly do: "write";
      readonly url: string;
      readonly credentials: Credential | undefined;
      readonly stream: string;
      /** The making of the log that the archive belongs to: another one is not written into it. */
      readonly created: string | undefined;
      /** Folder of the archive that is the writer's own. */
      readonly scratch: string;
      /** Folder of the definitions. */
      readonly root: string;
    }
  | {
      readonly do: "read";
      readonly folder: string;
      readonly segments: readonly Segment[];
      /** Messages behind this sequence, up to that one. */
      readonly after: number;
      readonly until: number;
      /** Subjects with `*` for a token; all where absent. */
      readonly subjects?: readonly string[] | undefined;
      /** Goes on behind a segment that cannot be read, after it was told. */
      readonly tolerant: boolean;
    }
  | { readonly do: "check"; readonly folder: string; readonly segments: readonly Segment[] };

/** What a writer is asked for, again and again: the segment behind `after`. */
export interface Ask {
  readonly after: number;
  readonly until: number;
  readonly bounds: SegmentBounds;
}

/** What it answers, one JSON text a line. */
export type Reply =
  | { readonly ready: true }
  | { readonly segment: Segment | null }
  | { readonly checked: number; readonly faults: readonly Fault[] }
  | { readonly error: { code: ErrorCode; message: string; hint: string } };

/** Starts the archive's process (`entry`, .ts in development) on a piece of work. It ends when its stdin is ended. */
export function startWork(entry: string, work: Work): ChildProcess {
  const loader = entry.endsWith(".ts") ? ["--import", "tsx"] : [];
  const child = spawn(process.execPath, ["--max-old-space-size=512", "--max-semi-space-size=8", ...loader, entry], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin!.on("error", () => {}); // it ended; the exit tells
  child.stdin!.write(`${JSON.stringify(work)}\n`);
  return child;
}
