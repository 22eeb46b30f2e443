import { createBrotliDecompress, createGunzip, createInflate, constants as zlib } from "node:zlib";
import { LIMITS } from "../../../base/limits.ts";

/** Undoes the content encoding of one answer. What it gives may come later than what it was given. */
export interface Decoder {
  push(chunk: Uint8Array): void;
  /** Calls `done` when everything was given out: whether it could be read. */
  end(done: (readable: boolean) => void): void;
}

const FLUSH = { flush: zlib.Z_SYNC_FLUSH, finishFlush: zlib.Z_SYNC_FLUSH };
const MAKERS: Readonly<Record<string, () => ReturnType<typeof createGunzip>>> = {
  gzip: () => createGunzip(FLUSH),
  "x-gzip": () => createGunzip(FLUSH),
  deflate: () => createInflate(FLUSH),
  br: () =>
    createBrotliDecompress({
      flush: zlib.BROTLI_OPERATION_FLUSH,
      finishFlush: zlib.BROTLI_OPERATION_FLUSH,
    }) as unknown as ReturnType<typeof createGunzip>,
};

/** Makes the decoder of a content encoding; undefined where it is one that cannot be read. */
export function createDecoder(encoding: string | undefined, give: (chunk: Uint8Array) => void): Decoder | undefined {
  if (encoding === undefined || encoding.toLowerCase() === "identity") return { push: give, end: (done) => done(true) };
  const make = MAKERS[encoding.toLowerCase()];
  if (!make) return undefined;
  const stream = make();
  let room: number = LIMITS.mcp_inflated_bytes_max;
  let readable = true;
  const closed = new Promise<void>((resolve) => void stream.once("close", resolve));
  stream.on("error", () => {
    readable = false;
  });
  stream.on("data", (chunk: Buffer) => {
    room -= chunk.length;
    if (room >= 0) return give(chunk);
    readable = false;
    stream.destroy();
  });
  return {
    push(chunk) {
      room += chunk.length * LIMITS.mcp_inflate_ratio_max;
      if (!stream.destroyed) stream.write(chunk);
    },
    end(done) {
      if (!stream.destroyed) stream.end();
      void closed.then(() => done(readable));
    },
  };
}
