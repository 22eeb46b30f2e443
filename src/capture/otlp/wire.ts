/** Bytes that are no protobuf message, or go past a limit. */
export class Malformed extends Error {}

/** Texts up to this length are looked up among those read before: names of attributes come again and again. */
const NAME_BYTES_MAX = 64;
const NAMES = 2_048;
/** Up to this length a loop over ASCII is faster than a call into the runtime. */
const LOOP_BYTES_MAX = 24;

const names: ({ readonly bytes: Uint8Array; readonly text: string } | undefined)[] = new Array(NAMES);
const HEX = Array.from({ length: 256 }, (_, k) => k.toString(16).padStart(2, "0"));

/**
 * Reads protobuf's wire format from one buffer, without copies: a message inside a message is a stretch of it. A tag is compared whole
 * (`field * 8 + wire type`), so a known field of another wire type is skipped like an unknown one.
 *
 * @example
 * const end = reader.enter(outerEnd);
 * while (reader.pos < end) { const tag = reader.tag(end); if (tag === 10) text = reader.text(end); else reader.skip(tag, end); }
 */
export class WireReader {
  pos = 0;
  readonly bytes: Buffer;
  private readonly view: DataView;
  private lastId = "";
  private lastIdAt = -1;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** The next tag of a message that ends at `end`. */
  tag(end: number): number {
    const tag = this.varint(end);
    if (tag < 8) throw new Malformed("has a field without number");
    return tag;
  }

  /** An unsigned varint; what is above 2^53 loses its lowest bits. */
  varint(end: number): number {
    let byte = this.byte(end);
    if (byte < 128) return byte;
    let value = byte & 127;
    for (let factor = 128, k = 1; k < 10; factor *= 128, k++) {
      byte = this.byte(end);
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    throw new Malformed("has a number of more than ten bytes");
  }

  /** A varint as a signed 64-bit integer: a number where it is exact, else decimal text. */
  int64(end: number): number | string {
    const from = this.pos;
    const value = this.varint(end);
    if (value <= Number.MAX_SAFE_INTEGER) return value;
    let exact = 0n;
    for (let k = from, shift = 0n; k < this.pos; k++, shift += 7n) exact |= BigInt(this.bytes[k]! & 127) << shift;
    return exactOr(BigInt.asIntN(64, exact));
  }

  /** A varint in zigzag form. */
  sint32(end: number): number {
    const value = this.varint(end) >>> 0;
    return (value >>> 1) ^ -(value & 1);
  }

  /** Eight bytes as an unsigned integer of nanoseconds, in whole microseconds. */
  micros(end: number): number {
    const { low, high } = this.eight(end);
    // exact: the product of both parts stays below 2^53
    return high * 4_294_967 + Math.floor((high * 296 + low) / 1_000);
  }

  /** Eight bytes as an unsigned integer; what is above 2^53 loses its lowest bits. */
  fixed64(end: number): number {
    const { low, high } = this.eight(end);
    return high * 4_294_967_296 + low;
  }

  /** Eight bytes as a signed integer. */
  sfixed64(end: number): number | string {
    this.need(8, end);
    const value = this.view.getBigInt64(this.pos, true);
    this.pos += 8;
    return exactOr(value);
  }

  double(end: number): number {
    this.need(8, end);
    const value = this.view.getFloat64(this.pos, true);
    this.pos += 8;
    return value;
  }

  /** Steps into a field with a length; returns where it ends. */
  enter(end: number): number {
    const length = this.varint(end);
    this.need(length, end);
    return this.pos + length;
  }

  /** A text; bytes that are no UTF-8 become U+FFFD. */
  text(end: number): string {
    const stop = this.enter(end);
    const from = this.pos;
    this.pos = stop;
    if (stop - from > LOOP_BYTES_MAX) return this.bytes.toString("utf8", from, stop);
    let text = "";
    for (let k = from; k < stop; k++) {
      const byte = this.bytes[k]!;
      if (byte > 127) return this.bytes.toString("utf8", from, stop);
      text += String.fromCharCode(byte);
    }
    return text;
  }

  /** A text that is likely to come again. */
  name(end: number): string {
    const { bytes } = this;
    const from = this.pos;
    const stop = this.enter(end);
    const at = this.pos;
    const length = stop - at;
    if (length === 0 || length > NAME_BYTES_MAX) {
      this.pos = from;
      return this.text(end);
    }
    this.pos = stop;
    const slot = (length * 31 + bytes[at]! * 7 + bytes[stop - 1]! * 131 + bytes[at + (length >> 1)]! * 17) % NAMES;
    const known = names[slot];
    if (known && known.bytes.length === length) {
      let k = 0;
      while (k < length && known.bytes[k] === bytes[at + k]) k++;
      if (k === length) return known.text;
    }
    const text = bytes.toString("utf8", at, stop);
    names[slot] = { bytes: Uint8Array.prototype.slice.call(bytes, at, stop), text };
    return text;
  }

  /** Bytes as hexadecimal text; the same bytes as last time give the same text. */
  hex(end: number): string {
    const stop = this.enter(end);
    const from = this.pos;
    this.pos = stop;
    const length = stop - from;
    const { bytes, lastIdAt } = this;
    if (lastIdAt >= 0 && this.lastId.length === length * 2) {
      let k = 0;
      while (k < length && bytes[lastIdAt + k] === bytes[from + k]) k++;
      if (k === length) return this.lastId;
    }
    if (length > 16) return bytes.toString("hex", from, stop);
    let text = "";
    for (let k = from; k < stop; k++) text += HEX[bytes[k]!]!;
    if (length === 16) {
      this.lastId = text;
      this.lastIdAt = from;
    }
    return text;
  }

  /** Steps over a field of this tag. */
  skip(tag: number, end: number): void {
    switch (tag % 8) {
      case 0:
        this.varint(end);
        return;
      case 1:
        this.need(8, end);
        this.pos += 8;
        return;
      case 2:
        this.pos = this.enter(end);
        return;
      case 5:
        this.need(4, end);
        this.pos += 4;
        return;
      default:
        throw new Malformed("has a field of a kind that protobuf no longer has");
    }
  }

  private byte(end: number): number {
    if (this.pos >= end) throw new Malformed("ends too early");
    return this.bytes[this.pos++]!;
  }

  private need(bytes: number, end: number): void {
    if (bytes > end - this.pos) throw new Malformed("ends too early");
  }

  private eight(end: number): { low: number; high: number } {
    this.need(8, end);
    const low = this.view.getUint32(this.pos, true);
    const high = this.view.getUint32(this.pos + 4, true);
    this.pos += 8;
    return { low, high };
  }
}

const exactOr = (value: bigint): number | string =>
  value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : String(value);
