import { closeSync, fstatSync, fsyncSync, openSync, readFileSync, readSync, renameSync, writeSync } from "node:fs";
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

/** A sealed file that stays open, also once another one has its name. */
export interface SealedFile {
  /** Bytes in it. */
  readonly bytes: number;
  /** Fills `into` with its bytes from `at` on as far as they can be read, and tells how many these were. */
  read(into: Uint8Array, at: number): number;
  close(): void;
}

const PART_BYTES = 65_536;

/** Opens a sealed file without taking all of it into memory; undefined where there is none, or where it is damaged. */
export function openSealed(file: string): SealedFile | undefined {
  let fd: number;
  try {
    fd = openSync(file, "r");
  } catch {
    return undefined;
  }
  const opened: SealedFile = {
    bytes: fstatSync(fd).size - HEAD,
    read(into, at) {
      let got = 0;
      try {
        for (let n = 1; n > 0 && got < into.length; got += n)
          n = readSync(fd, into, got, into.length - got, HEAD + at + got);
      } catch {
        // as far as it can be read
      }
      return got;
    },
    close: () => closeSync(fd),
  };
  const sum = Buffer.alloc(HEAD);
  const part = Buffer.allocUnsafe(PART_BYTES);
  let found = 0;
  for (let at = 0; at < opened.bytes; at += PART_BYTES) found = crc32(part.subarray(0, opened.read(part, at)), found);
  if (opened.read(sum, -HEAD) === HEAD && sum.readUInt32LE() === found) return opened;
  opened.close();
  return undefined;
}
