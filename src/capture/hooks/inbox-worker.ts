import { parentPort, workerData } from "node:worker_threads";
import { appendLines } from "./append.ts";

/** The thread that writes an inbox's lines to the disk, and tells after each portion whether it is there; see `inbox.ts`. */
const { folder, bytesMax } = workerData as { readonly folder: string; readonly bytesMax: number };

parentPort!.on("message", ({ lines, count }: { readonly lines: Uint8Array; readonly count: number }) => {
  const bytes = Buffer.from(lines.buffer, lines.byteOffset, lines.byteLength);
  parentPort!.postMessage(appendLines(folder, bytes, count, bytesMax));
});
