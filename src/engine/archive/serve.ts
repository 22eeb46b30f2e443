import { once } from "node:events";
import { statSync } from "node:fs";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import type { FileNote, Segment } from "./manifest.ts";
import { fileDigest, openScratch, quoted, readMessages } from "./parquet.ts";
import { type Fault, type Head, packRecord, type Told } from "./records.ts";
import type { Reply, Work } from "./work.ts";

/** What is wrong with a file, or nothing. */
async function faultOf(folder: string, { file, bytes, sha256 }: FileNote): Promise<string | undefined> {
  const found = statSync(join(folder, file), { throwIfNoEntry: false });
  if (!found) return "it is missing";
  if (found.size !== bytes) return `it has ${found.size} bytes, ${bytes} were written`;
  return (await fileDigest(join(folder, file))) === sha256 ? undefined : "its content is not what was written";
}

const told = (file: string, { first, last }: Segment, why: string): Fault => ({ file, first, last, why });

/** Looks at every file of some segments. */
export async function checkSegments(
  { folder, segments }: Extract<Work, { do: "check" }>,
  say: (reply: Reply) => void,
): Promise<void> {
  for (const segment of segments) {
    const faults: Fault[] = [];
    for (const note of [segment.frames, segment.rows]) {
      const why = await faultOf(folder, note).catch((error: unknown) => String(error));
      if (why) faults.push(told(note.file, segment, why));
    }
    say({ checked: segment.last, faults });
  }
}

/** Writes to stdout no faster than it is read. */
async function send(head: Head | Told, data?: Uint8Array): Promise<void> {
  if (!process.stdout.write(packRecord(head, data))) await once(process.stdout, "drain");
}

/** A subject with `*` for a token as SQL has it. */
const likeOf = (subject: string): string =>
  `regexp_full_match(subject, ${quoted(subject.replaceAll(".", "\\.").replaceAll("*", "[^.]+"))})`;

/** Sends the messages of segments as records, each segment once its file was found to be what was written. */
export async function sendMessages(work: Extract<Work, { do: "read" }>): Promise<void> {
  const { folder, segments, tolerant } = work;
  const instance = await openScratch(join(folder, ".none"));
  const connection = await instance.connect();
  for (const segment of segments) {
    const { file } = segment.frames;
    let why = await faultOf(folder, segment.frames);
    if (!why) {
      try {
        await sendSegment(connection, join(folder, file), work);
      } catch (error) {
        why = `it cannot be read: ${error instanceof Error ? error.message.split("\n")[0] : error}`;
      }
    }
    if (!why) continue;
    await send({ fault: told(file, segment, why) });
    if (!tolerant) return;
  }
  await send({ end: true });
  await new Promise<void>((resolve) => process.stdout.write("", () => resolve()));
}

async function sendSegment(
  connection: DuckDBConnection,
  path: string,
  { after, until, subjects }: Extract<Work, { do: "read" }>,
): Promise<void> {
  const only = subjects ? ` and (${subjects.map(likeOf).join(" or ")})` : "";
  const where = ` where seq > ${after} and seq <= ${until}${only}`;
  for await (const { data, ...head } of readMessages(connection, path, where)) await send(head, data);
}
