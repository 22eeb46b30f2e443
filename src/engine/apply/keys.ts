import type { Caches } from "./caches.ts";

/**
 * Tells, without asking the database, that a key was never written: a Bloom filter in generations (Bloom: "Space/time trade-offs in
 * hash coding with allowable errors", CACM 13(7), 1970; probes by double hashing after Kirsch and Mitzenmacher, 2006).
 * With 28 bits and 14 probes a key, one in 300,000 new keys is suspected wrongly and looked up in vain. A generation covers a range
 * of log sequences, so that a look-up reads that part of the table only. It is a cache: what is missing is read from the table.
 */
interface Generation {
  readonly bits: Uint8Array;
  readonly mask: number;
  readonly capacity: number;
  keys: number;
  from_seq: number;
  to_seq: number;
}

const PROBES = 14;
const BITS_PER_KEY = 28;
const FIRST_BITS = 2 ** 18;
const NEXT_BITS = 2 ** 25;

const generation = (bits: number, from_seq: number): Generation => ({
  bits: new Uint8Array(bits / 8),
  mask: bits - 1,
  capacity: Math.floor(bits / BITS_PER_KEY),
  keys: 0,
  from_seq,
  to_seq: from_seq,
});

let h1 = 0;
let h2 = 0;
/** Two 32-bit hashes of a text in one pass (FNV-1a and a multiplicative one), each finished with the mix of MurmurHash3. */
function hash(key: string): void {
  let a = 0x811c9dc5;
  let b = 0x9747b28c;
  for (let i = 0; i < key.length; i++) {
    const c = key.charCodeAt(i);
    a = Math.imul(a ^ c, 0x01000193);
    b = Math.imul(b ^ c, 0x5bd1e995);
    b ^= b >>> 15;
  }
  h1 = mix(a);
  h2 = mix(b) | 1;
}
function mix(h: number): number {
  let x = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}

/** Keys of one table. */
export class KeyIndex {
  private readonly generations: Generation[] = [];
  private saved = 0;

  /** Range of log sequences in which the key may have been first written; undefined: it never was. */
  find(key: string): readonly [number, number] | undefined {
    hash(key);
    let from = -1;
    let to = -1;
    for (const g of this.generations) {
      let at = h1;
      let k = 0;
      for (; k < PROBES; k++) {
        const bit = at & g.mask;
        if ((g.bits[bit >>> 3]! & (1 << (bit & 7))) === 0) break;
        at = (at + h2) | 0;
      }
      if (k === PROBES) {
        from = from < 0 ? g.from_seq : Math.min(from, g.from_seq);
        to = Math.max(to, g.to_seq);
      }
    }
    return from < 0 ? undefined : [from, to];
  }

  /** Remembers a key first written at `seq`. Within one batch sequences may go back: rows that are done are told before those that stay open. */
  add(key: string, seq: number): void {
    let g = this.generations.at(-1);
    if (!g || g.keys >= g.capacity) {
      g = generation(g ? NEXT_BITS : FIRST_BITS, seq);
      this.generations.push(g);
    }
    hash(key);
    let at = h1;
    for (let k = 0; k < PROBES; k++) {
      const bit = at & g.mask;
      g.bits[bit >>> 3]! |= 1 << (bit & 7);
      at = (at + h2) | 0;
    }
    g.keys++;
    g.from_seq = Math.min(g.from_seq, seq);
    g.to_seq = Math.max(g.to_seq, seq);
  }

  /** Last sequence whose keys are in. */
  get seq(): number {
    return this.generations.at(-1)?.to_seq ?? 0;
  }

  /**
   * Saves generations that are full and not saved yet; `all` saves the unfinished one too. What cannot be written is tried the next time: on a full
   * disk the tables must not stop because of a cache.
   */
  save(caches: Caches, table: string, identity: string, all: boolean): void {
    const until = all ? this.generations.length : this.generations.length - 1;
    try {
      for (; this.saved < until; this.saved++)
        caches.write(fileOf(table, this.saved), identity, bytesOf(this.generations[this.saved]!));
    } catch {
      return;
    }
    // the unfinished one will be written again when it is full
    if (all) this.saved = Math.max(0, this.generations.length - 1);
  }

  /** Reads what was saved of a store whose log stands at `seq`. Anything odd is ignored: the table is read instead. */
  static load(caches: Caches, table: string, identity: string, seq: number): KeyIndex {
    const index = new KeyIndex();
    for (let k = 0; ; k++) {
      const bytes = caches.read(fileOf(table, k), identity);
      const bits = k === 0 ? FIRST_BITS : NEXT_BITS;
      if (bytes?.length !== bits / 8 + 24) break;
      const g = generation(bits, bytes.readDoubleLE(8));
      g.keys = bytes.readDoubleLE(0);
      g.to_seq = bytes.readDoubleLE(16);
      if (g.to_seq > seq) break; // ahead of the tables: it speaks of rows that were never committed
      g.bits.set(bytes.subarray(24));
      index.generations.push(g);
      index.saved = k;
    }
    return index;
  }
}

const fileOf = (table: string, generation: number): string => `${table}-${generation}.bloom`;

function bytesOf(g: Generation): Uint8Array[] {
  const head = Buffer.alloc(24);
  head.writeDoubleLE(g.keys, 0);
  head.writeDoubleLE(g.from_seq, 8);
  head.writeDoubleLE(g.to_seq, 16);
  return [head, g.bits];
}
