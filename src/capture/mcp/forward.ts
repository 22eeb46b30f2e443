import type { Readable, Writable } from "node:stream";

/** Passes each chunk of a stream to `pass`, and reads on only while `to` has room. */
export function forwardTo(to: Writable, from: Readable, pass: (chunk: Buffer) => boolean): void {
  from.on("data", (chunk: Buffer) => {
    if (pass(chunk) || to.destroyed) return;
    from.pause();
    to.once("drain", () => from.resume());
  });
  from.resume(); // whoever read from it before may have paused it
}
