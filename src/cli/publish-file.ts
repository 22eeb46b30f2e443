import { type FileHandle, open } from "node:fs/promises";
import { WeirError } from "../base/errors.ts";
import { jsonDepth, keysOf } from "../base/json-depth.ts";
import { LIMITS } from "../base/limits.ts";
import { type ReadAt, readLines } from "../capture/lines.ts";
import type { Publishing } from "../read/context.ts";
import { client } from "./ask.ts";
import { note, say, sayJson } from "./print.ts";

/** Events sent in one request, and their bytes as JSON. */
const BATCH_EVENTS = 500;
const BATCH_BYTES = 400_000;
/** An event alone in a request, with the brackets around it. */
const EVENT_BYTES_MAX = LIMITS.http_body_bytes_max - 2;

interface Rejection {
  readonly line: number;
  readonly id: string | null;
  readonly error: string;
}

/** `weir publish --file events.jsonl`: CloudEvents, one a line; `-` reads stdin. Ends with 1 where a line was rejected. */
export async function publishFile(file: string, { json }: { json?: boolean }): Promise<void> {
  const asked = client();
  await using source = await openSource(file);
  const { accepted, rejected } = await publishLines(source.readAt, asked);
  if (json) sayJson({ accepted, rejected });
  else {
    say(`${accepted} events accepted, ${rejected.length} rejected`);
    for (const { line, error } of rejected.slice(0, 20)) note(`  line ${line}: ${error}`);
  }
  if (rejected.length > 0) process.exitCode = 1;
}

/** Sends lines in batches, in their order. What no request could carry is rejected here, everything else by the running weir, which keeps it. */
async function publishLines(readAt: ReadAt, asked: Publishing): Promise<{ accepted: number; rejected: Rejection[] }> {
  const rejected: Rejection[] = [];
  let accepted = 0;
  let batch: { readonly line: number; readonly value: unknown }[] = [];
  let bytes = 0;
  const send = async (): Promise<void> => {
    if (batch.length === 0) return;
    const sent = batch;
    [batch, bytes] = [[], 0];
    const results = await asked.publish(sent.map(({ value }) => value));
    for (const [k, { status, id, error }] of results.entries()) {
      if (status === "accepted") accepted++;
      else rejected.push({ line: sent[k]!.line, id, error: error ?? "rejected" });
    }
  };
  for await (const { line, text } of readLines(readAt, { line_bytes_max: EVENT_BYTES_MAX, whole: true })) {
    if (text?.trim() === "") continue;
    const read = text === undefined ? `longer than ${EVENT_BYTES_MAX} bytes` : eventIn(text);
    if (typeof read === "string") {
      rejected.push({ line, id: null, error: read });
      continue;
    }
    if (batch.length >= BATCH_EVENTS || bytes + read.bytes > BATCH_BYTES) await send();
    batch.push({ line, value: read.value });
    bytes += read.bytes;
  }
  await send();
  rejected.sort((a, b) => a.line - b.line);
  return { accepted, rejected };
}

/** A line as a value with its size in a request; a text that is no JSON is recorded as rejected input like everything else that is no event. */
function eventIn(text: string): { readonly value: unknown; readonly bytes: number } | string {
  if (jsonDepth(text) > LIMITS.json_depth_max) return `nested deeper than ${LIMITS.json_depth_max}`;
  let value: unknown = text;
  try {
    value = JSON.parse(text);
  } catch {
    // sent as the text it is
  }
  if (keysOf(value) > LIMITS.json_keys_max) return `it has more than ${LIMITS.json_keys_max} names`;
  const bytes = Buffer.byteLength(JSON.stringify(value)) + 1;
  return bytes > EVENT_BYTES_MAX ? `longer than ${EVENT_BYTES_MAX} bytes as JSON` : { value, bytes };
}

/** What is read: a file, or stdin, whose bytes come in order. */
async function openSource(file: string): Promise<{ readAt: ReadAt; [Symbol.asyncDispose](): Promise<void> }> {
  if (file === "-") return { readAt: inOrder(process.stdin), [Symbol.asyncDispose]: async () => {} };
  let handle: FileHandle | undefined;
  try {
    handle = await open(file);
    if ((await handle.stat()).isDirectory()) throw new Error("it is a folder");
  } catch (cause) {
    await handle?.close();
    const { code, message } = cause as NodeJS.ErrnoException;
    const hint = "name a file of CloudEvents, one a line, or - for stdin";
    if (code === "ENOENT") throw new WeirError("bad_input", `${file} does not exist`, { cause, hint });
    throw new WeirError("file_unusable", `${file} cannot be read: ${message}`, { cause, hint });
  }
  // a stream: pipes and devices have no positions
  return {
    readAt: inOrder(handle.createReadStream({ autoClose: false })),
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

function inOrder(stream: AsyncIterable<Uint8Array>): ReadAt {
  const parts = stream[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array();
  return async (into) => {
    while (rest.length === 0) {
      const { value, done } = await parts.next();
      if (done) return 0;
      rest = value;
    }
    const taken = rest.subarray(0, into.length);
    into.set(taken);
    rest = rest.subarray(taken.length);
    return taken.length;
  };
}
