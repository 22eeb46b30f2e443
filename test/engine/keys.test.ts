import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Caches } from "../../src/engine/apply/caches.ts";
import { KeyIndex } from "../../src/engine/apply/keys.ts";
import { tempDir } from "../support/temp.ts";

test("every key is found in the range it was written in, also where sequences go back within a batch", () => {
  const told = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 50, maxLength: 200 });
  fc.assert(
    fc.property(told, fc.nat(60), (backs, before) => {
      const index = new KeyIndex();
      // just before the first generation is full, and then across its end
      for (let k = 0; k < 9_362 - before; k++) index.add(`old ${k}`, 10);
      backs.forEach((back, k) => {
        index.add(`new ${k}`, 13 + Math.floor(k / 4) - back);
      });
      backs.forEach((back, k) => {
        const seq = 13 + Math.floor(k / 4) - back;
        const [from, to] = index.find(`new ${k}`)!;
        expect(from).toBeLessThanOrEqual(seq);
        expect(to).toBeGreaterThanOrEqual(seq);
      });
    }),
    { numRuns: 30 },
  );
});

const SEQS = 100;
/** An index of the keys `key 0`, `key 1` and so on, written in order at sequences up to SEQS. */
function filled(keys: number): KeyIndex {
  const index = new KeyIndex();
  for (let k = 0; k < keys; k++) index.add(`key ${k}`, Math.floor((k * SEQS) / keys) + 1);
  return index;
}
const answers = (index: KeyIndex, keys: number) =>
  Array.from({ length: keys + 500 }, (_, k) => index.find(`key ${k}`)?.join());

test("what rests in its file answers as it did in memory, asked seldom and often, and takes keys again", async () => {
  await using dir = await tempDir();
  const caches = new Caches(join(dir.path, "keys"));
  const index = filled(12_000);
  const before = answers(index, 12_000);
  expect(before.slice(0, 12_000)).not.toContain(undefined);
  expect(before.slice(12_000).filter((found) => found === undefined).length).toBeGreaterThan(490);
  index.save(caches, "calls", "log", true);
  index.rest(caches, "calls", "log");
  expect(answers(index, 12_000)).toEqual(before);
  expect(answers(index, 12_000)).toEqual(before);
  const loaded = KeyIndex.load(caches, "calls", "log", SEQS);
  expect(loaded.seq).toBe(SEQS);
  expect(answers(loaded, 12_000)).toEqual(before);
  // the last one goes on, and what it takes is in the next one's files only once it is saved
  loaded.add("one more", SEQS + 1);
  expect(loaded.find("one more")?.[1]).toBe(SEQS + 1);
  loaded.rest(caches, "calls", "log");
  expect(loaded.find("one more")?.[1]).toBe(SEQS + 1);
  expect(KeyIndex.load(caches, "calls", "log", SEQS).find("one more")).toBeUndefined();
  loaded.save(caches, "calls", "log", true);
  expect(KeyIndex.load(caches, "calls", "log", SEQS + 1).find("one more")?.[1]).toBe(SEQS + 1);
  // of a store that stands before it nothing is known behind its first generation
  expect(KeyIndex.load(caches, "calls", "log", SEQS).seq).toBeLessThan(SEQS);
  index.close();
  loaded.close();
});

test("what cannot rest stays in memory, and what is damaged is not taken up", async () => {
  await using dir = await tempDir();
  const folder = join(dir.path, "keys");
  const caches = new Caches(folder);
  const index = filled(12_000);
  const before = answers(index, 12_000);
  index.save(caches, "calls", "log", true);
  const file = join(folder, "calls-0.bloom");
  const bytes = readFileSync(file);
  for (const damaged of [bytes.subarray(0, 1_000), Buffer.from(bytes).fill(1, 5_000, 5_001), Buffer.alloc(0)]) {
    writeFileSync(file, damaged);
    index.rest(caches, "calls", "log");
    expect(answers(index, 12_000)).toEqual(before);
    expect(KeyIndex.load(caches, "calls", "log", SEQS).seq).toBe(0);
  }
  expect(KeyIndex.load(caches, "calls", "another log", SEQS).seq).toBe(0);
});
