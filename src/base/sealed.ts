import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";

/** Bytes of the sum in front of a sealed file. */
const HEAD = 4;

/**
 * Writes a cache with the CRC-32 of its bytes in front, so that a damaged one is known for what it is: after a crash either the old or the new file
 * is there, and with `sync` also after a power cut.
 */
export function writeSealed(file: string, parts: readonly Uint8Array[], { sync = false } = {}): void {
  const head = Buffer.allocUnsafe(HEAD);
  head.writeUInt32LE(parts.reduce<number>((sum, part) => crc32(part, sum), 0));
  const fd = openSync(`${file}.tmp`, "w", 0o600);
  try {
    for (const part of [head, ...parts]) for (let at = 0; at < part.length; ) at += writeSync(fd, part, at);
    if (sync) fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(`${file}.tmp`, file);
}

/** The bytes of a sealed file; undefined where there is none, or where it is damaged. */
export function readSealed(file: string): Buffer | undefined {
  try {
    const bytes = readFileSync(file);
    const body = bytes.subarray(HEAD);
    return bytes.length >= HEAD && crc32(body) === bytes.readUInt32LE() ? body : undefined;
  } catch {
    return undefined; // whoever reads a cache can do without it
  }
}
