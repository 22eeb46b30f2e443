import type { Context } from "hono";
import { jsonDepth, keysOf } from "../../base/json-depth.ts";
import { LIMITS } from "../../base/limits.ts";
import { Refused } from "./errors.ts";

/**
 * The body as it comes: from the socket's own stream where there is one, for a web stream around it costs several times as much. A sender that goes away
 * before its end is no fault of weir.
 */
export async function* bodyParts(c: Context): AsyncGenerator<Uint8Array> {
  const { incoming } = (c.env ?? {}) as { incoming?: AsyncIterable<Uint8Array> };
  try {
    yield* incoming ?? ((c.req.raw.body ?? []) as AsyncIterable<Uint8Array>);
  } catch {
    throw new Refused(400, "the body broke off before its end", "send it again");
  }
}

/** The body's bytes, read up to the limit and no further. */
export async function readBytes(c: Context, bytesMax: number = LIMITS.http_body_bytes_max): Promise<Buffer> {
  const tooLarge = () => new Refused(413, `the body is larger than ${bytesMax} bytes`, "send it in parts");
  if (Number(c.req.header("content-length") ?? 0) > bytesMax) throw tooLarge();
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of bodyParts(c)) {
    bytes += part.length;
    if (bytes > bytesMax) throw tooLarge();
    parts.push(part);
  }
  return Buffer.concat(parts, bytes);
}

/** The body's text; compressed bodies are not taken. */
export async function readText(c: Context, bytesMax?: number): Promise<string> {
  const encoding = c.req.header("content-encoding");
  if (encoding !== undefined && encoding.toLowerCase() !== "identity")
    throw new Refused(415, `bodies encoded as ${encoding.slice(0, 40)} are not taken`, "send it unencoded");
  return textOf(await readBytes(c, bytesMax));
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Bytes as UTF-8 text, refused where they are none. */
export function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new Refused(400, "the body is no UTF-8 text");
  }
}

/** The body as JSON, refused where it is nested deeper or has more names than the limits allow. */
export async function readJson(c: Context, bytesMax?: number): Promise<unknown> {
  return parseJson(await readText(c, bytesMax));
}

/** JSON text as a value; its nesting is counted before it is parsed, its names after. */
export function parseJson(text: string): unknown {
  if (jsonDepth(text) > LIMITS.json_depth_max)
    throw new Refused(400, `the JSON is nested deeper than ${LIMITS.json_depth_max}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Refused(400, `the body is no JSON: ${error instanceof Error ? error.message.slice(0, 200) : ""}`);
  }
  for (const part of Array.isArray(value) ? value : [value]) {
    if (keysOf(part) > LIMITS.json_keys_max)
      throw new Refused(400, `an object has more than ${LIMITS.json_keys_max} names`);
  }
  return value;
}
