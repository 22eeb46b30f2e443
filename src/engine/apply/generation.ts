import { LIMITS } from "../../base/limits.ts";
import type { SealedFile } from "../../base/sealed.ts";

const PROBES = 14;
const BITS_PER_KEY = 28;
/** Bytes in front of a generation's bits, in its file: how many keys, and the range of sequences. */
const HEAD_BYTES = 24;
/** A byte of bits that could not be read: what may be in is looked up in the table. */
const UNREAD = 0xff;

const one = new Uint8Array(1);

/**
 * Keys first written in a range of log sequences, as bits: 28 a key, 14 of which each key sets. One that stands in a file can rest: its bits are
 * read from there one by one, until it is asked often or takes a key.
 */
export class Generation {
  /** Whether it took keys since it was saved. */
  changed = false;
  keys = 0;
  from_seq = 0;
  to_seq = 0;
  private readonly mask: number;
  private readonly capacity: number;
  private bits: Uint8Array | undefined;
  private file: SealedFile | undefined;
  private asked = 0;

  private constructor(bits: number) {
    this.mask = bits - 1;
    this.capacity = Math.floor(bits / BITS_PER_KEY);
  }

  /** One without keys, of so many bits, for keys from `seq` on. */
  static empty(bits: number, seq: number): Generation {
    const g = new Generation(bits);
    g.from_seq = g.to_seq = seq;
    g.bits = new Uint8Array(bits / 8);
    return g;
  }

  /** What was saved, at rest; undefined where the file is of another size. */
  static from(file: SealedFile, bits: number): Generation | undefined {
    if (file.bytes !== HEAD_BYTES + bits / 8) return undefined;
    const head = Buffer.alloc(HEAD_BYTES);
    if (file.read(head, 0) !== HEAD_BYTES) return undefined;
    const g = new Generation(bits);
    g.keys = head.readDoubleLE(0);
    g.from_seq = head.readDoubleLE(8);
    g.to_seq = head.readDoubleLE(16);
    g.file = file;
    return g;
  }

  get full(): boolean {
    return this.keys >= this.capacity;
  }

  /** Whether a key of these hashes may be in. */
  has(h1: number, h2: number): boolean {
    if (!this.bits && ++this.asked > LIMITS.resting_keys_asked_max) this.wake();
    const { bits, mask } = this;
    let at = h1;
    for (let k = 0; k < PROBES; k++) {
      const bit = at & mask;
      if (((bits ? bits[bit >>> 3]! : this.byte(bit >>> 3)) & (1 << (bit & 7))) === 0) return false;
      at = (at + h2) | 0;
    }
    return true;
  }

  /** Takes a key first written at `seq`. */
  add(h1: number, h2: number, seq: number): void {
    const bits = this.wake();
    if (this.file) this.close(); // it has not what is added
    this.changed = true;
    let at = h1;
    for (let k = 0; k < PROBES; k++) {
      const bit = at & this.mask;
      bits[bit >>> 3]! |= 1 << (bit & 7);
      at = (at + h2) | 0;
    }
    this.keys++;
    this.from_seq = Math.min(this.from_seq, seq);
    this.to_seq = Math.max(this.to_seq, seq);
  }

  /** Lets go of the bits where a file has them. */
  rest(saved: () => SealedFile | undefined): void {
    this.asked = 0;
    this.file ??= saved();
    if (this.file) this.bits = undefined;
  }

  close(): void {
    this.file?.close();
    this.file = undefined;
  }

  /** What its file holds. */
  bytes(): Uint8Array[] {
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeDoubleLE(this.keys, 0);
    head.writeDoubleLE(this.from_seq, 8);
    head.writeDoubleLE(this.to_seq, 16);
    return [head, this.wake()];
  }

  private wake(): Uint8Array {
    if (this.bits) return this.bits;
    const bits = new Uint8Array((this.mask + 1) / 8).fill(UNREAD);
    this.file!.read(bits, HEAD_BYTES);
    this.bits = bits;
    return bits;
  }

  private byte(at: number): number {
    one[0] = UNREAD;
    this.file!.read(one, HEAD_BYTES + at);
    return one[0]!;
  }
}
