import { spawn } from "node:child_process";
import { renameSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Hono } from "hono";
import { streamText } from "hono/streaming";
import { clock } from "../base/clock.ts";
import { type Config, environment } from "../base/config.ts";
import { type ErrorCode, toWeirError, WeirError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Archive } from "../engine/archive/archive.ts";
import type { Archiver } from "../engine/archive/archiver.ts";
import { replaceArchive } from "../engine/archive/keep.ts";
import type { Projecting } from "../engine/engine.ts";
import type { Definitions } from "../engine/load.ts";
import { type ReplayProgress, removeStore } from "../engine/replay.ts";
import { verify } from "../engine/verify.ts";
import { setAsideStore } from "../store/open.ts";
import type { Connection } from "../wire/connect.ts";
import { streamIdentity } from "../wire/streams.ts";
import { entry } from "./root.ts";

/** What long operations are handed. */
export interface OperationParts {
  readonly config: Config;
  readonly definitions: Definitions;
  readonly bus: Connection;
  readonly archive: Archive;
  readonly archiver: Archiver;
  readonly projecting: Projecting;
  readonly log: Log;
  /** A copy of the tables as they stand, for programs that read them directly. */
  readonly snapshot: () => Promise<string>;
}

/**
 * Long operations that only the owner of the tables can do, as POST routes that answer with lines of JSON: `{"progress": …}` while they work, then
 * `{"result": …}` or `{"error": {code, message, hint}}`.
 */
export function addOperations(app: Hono, parts: OperationParts): void {
  let busy = false;
  const operation = (name: string, run: (progress: (value: unknown) => void) => Promise<unknown>): void => {
    app.post(`/api/${name}`, (c) => {
      if (busy)
        throw new WeirError("conflict", "another long operation is under way", { hint: "try again when it has ended" });
      busy = true;
      c.header("Content-Type", "application/x-ndjson");
      return streamText(c, async (stream) => {
        const line = (value: unknown): void => void stream.writeln(JSON.stringify(value));
        let last = 0;
        try {
          const result = await run((progress) => {
            if (performance.now() - last < 100) return;
            last = performance.now();
            line({ progress });
          });
          await stream.writeln(JSON.stringify({ result }));
        } catch (thrown) {
          const { code, message, hint } = toWeirError(thrown);
          parts.log.warn({ err: thrown, operation: name }, "an operation failed");
          await stream.writeln(JSON.stringify({ error: { code, message, hint } }));
        } finally {
          busy = false;
        }
      });
    });
  };
  operation("verify", async (progress) => {
    const connection = await parts.projecting.store().instance.connect();
    try {
      const found = await verify({
        bus: parts.bus,
        archive: parts.archive,
        connection,
        quiet: parts.projecting.quiet,
        partitions: parts.config.partitions,
        onProgress: (seq, head) => progress({ done: seq, total: head }),
      });
      parts.projecting.status.verified = found.ok;
      return found;
    } finally {
      connection.closeSync();
    }
  });
  operation("archive", (progress) => parts.archiver.now((seq, end) => progress({ done: seq, total: end })));
  operation("archive/new", () => parts.archiver.quiet(() => replaceArchive(parts.bus, parts.archive)));
  operation("rebuild", (progress) => rebuild(parts, progress));
  operation("snapshot", async () => ({ file: await parts.snapshot(), seq: parts.projecting.status.seq }));
}

/** What became of a rebuild. */
export interface Rebuilt extends ReplayProgress {
  /** Where the tables of before lie, where they know events that the log has lost. */
  readonly kept?: string;
}

/**
 * Makes the tables again beside the live ones, which go on answering; when the new ones have caught up, both stand still for the moment it
 * takes to swap the files. A process of its own does the work, so that this one stays responsive.
 */
async function rebuild(parts: OperationParts, progress: (value: unknown) => void): Promise<Rebuilt> {
  const { config, projecting } = parts;
  const next = join(config.dataDir, "weir.next.duckdb");
  const file = entry("src/cli");
  const child = spawn(
    process.execPath,
    [...(file.endsWith(".ts") ? ["--import", "tsx"] : []), file, "rebuild", "--into", next],
    {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...environment(), WEIR_DATA_DIR: config.dataDir },
    },
  );
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  // tables that stand still because the log was cut are ahead of what there is to read
  const end = projecting.stopped ? (await streamIdentity(parts.bus.jsm, "WEIR_EVENTS")).last_seq : undefined;
  const goal = (): number => end ?? projecting.status.seq;
  try {
    let last: ReplayProgress = { seq: 0, head: 0, events: 0, lost: [] };
    let told: WeirError | undefined;
    const failed = (code: number | null): WeirError =>
      told ?? new WeirError("store_failed", `the rebuild ended with code ${code}`);
    const caughtUp = new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stdout }).on("line", (text) => {
        const said = JSON.parse(text) as ReplayProgress | { error: { code: ErrorCode; message: string; hint: string } };
        if ("error" in said) {
          told = new WeirError(said.error.code, said.error.message, said.error);
          return;
        }
        last = said;
        progress({ done: last.seq, total: Math.max(last.head, goal()), events: last.events });
        if (last.seq >= goal()) resolve();
      });
      void ended.then((code) => (code === 0 ? resolve() : reject(failed(code))));
    });
    if (goal() > 0) await caughtUp;
    const { applied, repeated } = projecting.position();
    const knew = applied + repeated;
    return await projecting.pause(async (live) => {
      child.stdin.end(`${goal()}\n`);
      const code = await ended;
      if (code !== 0) throw failed(code);
      const kept = last.events < knew ? setAsideStore(live, String(clock.nowMs())) : undefined;
      removeStore(live);
      for (const suffix of ["", ".keys"]) renameSync(`${next}${suffix}`, `${live}${suffix}`);
      projecting.status.lost.splice(
        0,
        projecting.status.lost.length,
        ...last.lost.map(([a, b]): [number, number] => [a, b]),
      );
      return { ...last, ...(kept && { kept }) };
    });
  } finally {
    child.kill("SIGKILL");
    await ended;
    removeStore(next);
  }
}
