/**
 * The process that writes and reads the archive, so that neither the memory nor the time of it is that of who takes events in. The first line
 * of stdin says what it is to do ({@link Work}). It ends when stdin ends, and may be killed at any time: what it writes lies in a folder of its
 * own until the owner of the archive takes it over.
 */
import { setPriority } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { toWeirError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import { createLog } from "../../base/log.ts";
import { connectBroker } from "../../wire/connect.ts";
import { publishError } from "../../wire/publish-error.ts";
import { openReader, type Reader } from "../../wire/read.ts";
import { loadProjections } from "../load.ts";
import { openScratch } from "./parquet.ts";
import { checkSegments, sendMessages } from "./serve.ts";
import type { Ask, Reply, Work } from "./work.ts";
import { SegmentWriter } from "./write.ts";

process.umask(0o077);
const lines = createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY });
const say = (reply: Reply): void => void process.stdout.write(`${JSON.stringify(reply)}\n`);
const refuse = (thrown: unknown): void => {
  const { code, message, hint } = toWeirError(publishError(thrown));
  say({ error: { code, message, hint } });
};

/** Writes the segment that each further line asks for. */
async function write(work: Extract<Work, { do: "write" }>): Promise<void> {
  setPriority(LIMITS.archive_nice);
  const { url, credentials, stream, created, scratch, root } = work;
  const bus = await connectBroker({ url, credentials, name: "archive", log: createLog("archive", "silent") });
  const instance = await openScratch(join(scratch, "duckdb"));
  const writer = new SegmentWriter(await instance.connect(), await loadProjections(root), scratch);
  let reader: Reader | undefined;
  let at = -1;
  let last: Promise<void> = Promise.resolve();
  const next = async ({ after, until, bounds }: Ask): Promise<void> => {
    try {
      if (!reader || at !== after) {
        await reader?.close();
        reader = openReader(bus, stream, { after, created });
      }
      const segment = await writer.write(reader, { after, until, bounds });
      at = segment?.last ?? after;
      say({ segment: segment ?? null });
    } catch (error) {
      at = -1; // what was taken from the reader is asked for again
      refuse(error);
    }
  };
  lines.on("line", (line) => {
    last = last.then(() => next(JSON.parse(line) as Ask));
  });
  say({ ready: true });
}

const end = (): never => process.exit(0);
lines.on("close", end);
process.stdout.on("error", end); // who asked is gone
lines.once("line", (line) => {
  const work = JSON.parse(line) as Work;
  const done =
    work.do === "write"
      ? write(work)
      : work.do === "read"
        ? sendMessages(work).then(end)
        : checkSegments(work, say).then(end);
  done.catch((error: unknown) => {
    refuse(error);
    process.stdout.write("", () => process.exit(1));
  });
});
