import type { Caches } from "./caches.ts";
import { Generation } from "./generation.ts";

const FIRST_BITS = 2 ** 18;
const NEXT_BITS = 2 ** 25;

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

/**
 * Keys of one table. Tells, without asking the database, that a key was never written: a Bloom filter in generations (Bloom: "Space/time trade-offs in
 * hash coding with allowable errors", CACM 13(7), 1970; probes by double hashing after Kirsch and Mitzenmacher, 2006).
 * With 28 bits and 14 probes a key, one in 300,000 new keys is suspected wrongly and looked up in vain. A generation covers a range
 * of log sequences, so that a look-up reads that part of the table only. It is a cache: what is missing is read from the table.
 */
export class KeyIndex {
  private readonly generations: Generation[] = [];

  /** Range of log sequences in which the key may have been first written; undefined: it never was. */
  find(key: string): readonly [number, number] | undefined {
    hash(key);
    let from = -1;
    let to = -1;
    for (const g of this.generations) {
      if (!g.has(h1, h2)) continue;
      from = from < 0 ? g.from_seq : Math.min(from, g.from_seq);
      to = Math.max(to, g.to_seq);
    }
    return from < 0 ? undefined : [from, to];
  }

  /** Whether a row of the key would be looked for at `seq`. */
  has(key: string, seq: number): boolean {
    const range = this.find(key);
    return range !== undefined && range[0] <= seq && seq <= range[1];
  }

  /** Remembers a key first written at `seq`. Within one batch sequences may go back: rows that are done are told before those that stay open. */
  add(key: string, seq: number): void {
    let g = this.generations.at(-1);
    if (!g || g.full) {
      g = Generation.empty(g ? NEXT_BITS : FIRST_BITS, seq);
      this.generations.push(g);
    }
    hash(key);
    g.add(h1, h2, seq);
  }

  /** Last sequence whose keys are in. */
  get seq(): number {
    return this.generations.at(-1)?.to_seq ?? 0;
  }

  /**
   * Saves generations that are full; `all` saves the unfinished one too. What cannot be written is tried the next time: on a full
   * disk the tables must not stop because of a cache.
   */
  save(caches: Caches, table: string, identity: string, all: boolean): void {
    try {
      this.generations.forEach((g, k) => {
        if (!g.changed || !(all || g.full)) return;
        caches.write(fileOf(table, k), identity, g.bytes());
        g.changed = false;
      });
    } catch {
      // the next time
    }
  }

  /** Lets go of what is saved: a quiet weir needs no memory for its history. */
  rest(caches: Caches, table: string, identity: string): void {
    this.generations.forEach((g, k) => {
      if (!g.changed) g.rest(() => caches.open(fileOf(table, k), identity));
    });
  }

  /** Closes the files of what rests. */
  close(): void {
    for (const g of this.generations) g.close();
  }

  /** Takes up what was saved of a store whose log stands at `seq`. Anything odd is ignored: the table is read instead. */
  static load(caches: Caches, table: string, identity: string, seq: number): KeyIndex {
    const index = new KeyIndex();
    for (let k = 0; ; k++) {
      const file = caches.open(fileOf(table, k), identity);
      const g = file && Generation.from(file, k === 0 ? FIRST_BITS : NEXT_BITS);
      if (g && g.to_seq <= seq) {
        index.generations.push(g);
        continue;
      }
      file?.close(); // also where it is ahead of the tables: it speaks of rows that were never committed
      break;
    }
    return index;
  }
}

const fileOf = (table: string, generation: number): string => `${table}-${generation}.bloom`;
