import { Packr, Unpackr } from "msgpackr";
import { LIMITS } from "../base/limits.ts";

/** Packs plain MessagePack: no records, no extension types. */
const packr = new Packr({ useRecords: false, variableMapSize: true });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: "auto" as never });

/** A value as plain MessagePack; undefined must not occur in it. */
export const pack = (value: unknown): Uint8Array => packr.pack(value);

/** The value of bytes that {@link skip} has walked over before. 64-bit integers past 2^53 become numbers that fail validation. */
export function unpack(bytes: Uint8Array): unknown {
  return unpackr.unpack(bytes);
}

/** Why bytes are not taken; caught by the reader of frames and told as `frame_invalid`. */
export class Malformed extends Error {}

const fail = (why: string): never => {
  throw new Malformed(why);
};

/** Reads lengths out of MessagePack headers. Every read is checked against the end of the bytes. */
export class Cursor {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  at = 0;
  /** Bytes of the columns walked over so far, each value counted for every row that has it. */
  unpacked = 0;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  private length(width: 1 | 2 | 4): number {
    const at = this.at;
    if (at + width > this.bytes.length) fail("a length is cut off");
    this.at += width;
    return width === 1 ? this.bytes[at]! : width === 2 ? this.view.getUint16(at) : this.view.getUint32(at);
  }

  private header(): number {
    if (this.at >= this.bytes.length) fail("ends too early");
    return this.bytes[this.at++]!;
  }

  mapSize(): number {
    const h = this.header();
    if (h >= 0x80 && h <= 0x8f) return h & 0x0f;
    return h === 0xde ? this.length(2) : h === 0xdf ? this.length(4) : fail("a map was expected");
  }

  arraySize(): number {
    const h = this.header();
    if (h >= 0x90 && h <= 0x9f) return h & 0x0f;
    return h === 0xdc ? this.length(2) : h === 0xdd ? this.length(4) : fail("an array was expected");
  }

  uint(): number {
    const h = this.header();
    if (h <= 0x7f) return h;
    return h === 0xcc
      ? this.length(1)
      : h === 0xcd
        ? this.length(2)
        : h === 0xce
          ? this.length(4)
          : fail("a small whole number was expected");
  }

  text(charsMax: number): string {
    const h = this.header();
    const size =
      h >= 0xa0 && h <= 0xbf
        ? h & 0x1f
        : h === 0xd9
          ? this.length(1)
          : h === 0xda
            ? this.length(2)
            : fail("a short text was expected");
    if (size > charsMax * 4 || this.at + size > this.bytes.length) fail("a text is too long");
    const start = this.at;
    this.at += size;
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + start, size).toString("utf8");
  }

  bin(): Uint8Array {
    const h = this.header();
    const size =
      h === 0xc4
        ? this.length(1)
        : h === 0xc5
          ? this.length(2)
          : h === 0xc6
            ? this.length(4)
            : fail("bytes were expected");
    if (this.at + size > this.bytes.length) fail("bytes are cut off");
    const start = this.at;
    this.at += size;
    return this.bytes.subarray(start, this.at);
  }

  /** Which kind of value comes next, without reading it. */
  peek(): "array" | "map" | "other" {
    const h = this.bytes[this.at] ?? fail("ends too early");
    if ((h >= 0x90 && h <= 0x9f) || h === 0xdc || h === 0xdd) return "array";
    return (h >= 0x80 && h <= 0x8f) || h === 0xde || h === 0xdf ? "map" : "other";
  }

  /**
   * Walks over one value of any kind without building it: refuses extension types, 0xc1, false lengths and deep nesting, so that
   * what follows can be unpacked without harm. Nesting is counted, not recursed.
   */
  skip(): void {
    const { bytes, view } = this;
    const end = bytes.length;
    const open: number[] = [];
    let left = 1;
    let map = false;
    let at = this.at;
    for (;;) {
      while (left === 0) {
        const outer = open.pop();
        if (outer === undefined) {
          this.at = at;
          return;
        }
        // an open map stands on the stack as a negative number
        map = outer < 0;
        left = map ? -1 - outer : outer;
      }
      if (at >= end) fail("ends too early");
      const h = bytes[at++]!;
      if (map && (left & 1) === 0 && !isText(h)) fail("a map has a key that is no text"); // which the decoder would stumble over
      left--;
      let inner = 0;
      if (h <= 0x7f || h >= 0xe0 || h === 0xc0 || h === 0xc2 || h === 0xc3) continue;
      let pairs = false;
      if (h >= 0xa0 && h <= 0xbf) at += h & 0x1f;
      else if (h <= 0x8f) {
        inner = (h & 0x0f) * 2;
        pairs = true;
      } else if (h <= 0x9f) inner = h & 0x0f;
      else {
        const width = WIDTH[h]!;
        if (width < 0) fail("an extension type or reserved byte occurs");
        if (LENGTH[h] === 0) at += width;
        else {
          if (at + width > end) fail("a length is cut off");
          const size = width === 1 ? bytes[at]! : width === 2 ? view.getUint16(at) : view.getUint32(at);
          at += width;
          if (LENGTH[h] === 1) at += size;
          else {
            pairs = LENGTH[h] === 3;
            inner = pairs ? size * 2 : size;
          }
        }
      }
      if (at > end) fail("a length points past the end");
      if (inner > 0) {
        if (inner > end - at) fail("a size points past the end");
        if (open.length >= LIMITS.frame_depth_max) fail("is nested too deep");
        open.push(map ? -1 - left : left);
        left = inner;
        map = pairs;
      }
    }
  }
}

const isText = (h: number): boolean => (h >= 0xa0 && h <= 0xbf) || (h >= 0xd9 && h <= 0xdb);

/** Bytes after the header byte: of the value itself, or of its length. -1: not allowed. */
const WIDTH = new Int8Array(256).fill(-1);
/** What a length counts: 0 nothing (the value has a fixed width), 1 bytes, 2 array entries, 3 map pairs. */
const LENGTH = new Uint8Array(256);
for (const [h, width, length] of [
  [0xc4, 1, 1],
  [0xc5, 2, 1],
  [0xc6, 4, 1],
  [0xca, 4, 0],
  [0xcb, 8, 0],
  [0xcc, 1, 0],
  [0xcd, 2, 0],
  [0xce, 4, 0],
  [0xcf, 8, 0],
  [0xd0, 1, 0],
  [0xd1, 2, 0],
  [0xd2, 4, 0],
  [0xd3, 8, 0],
  [0xd9, 1, 1],
  [0xda, 2, 1],
  [0xdb, 4, 1],
  [0xdc, 2, 2],
  [0xdd, 4, 2],
  [0xde, 2, 3],
  [0xdf, 4, 3],
] as const) {
  WIDTH[h] = width;
  LENGTH[h] = length;
}

/** Writes the few headers a frame needs around values that are packed already. */
export const head = {
  map: (n: number): Uint8Array => (n < 16 ? Uint8Array.of(0x80 | n) : Uint8Array.of(0xde, n >> 8, n & 255)),
  array: (n: number): Uint8Array => (n < 16 ? Uint8Array.of(0x90 | n) : Uint8Array.of(0xdc, n >> 8, n & 255)),
  bin: (data: Uint8Array): Uint8Array => {
    const n = data.length;
    const size = n < 65_536 ? [0xc5, n >> 8, n & 255] : [0xc6, n >>> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255];
    const out = Buffer.allocUnsafe(n + size.length);
    out.set(size);
    out.set(data, size.length);
    return out;
  },
};
