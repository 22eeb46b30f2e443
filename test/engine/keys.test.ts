import fc from "fast-check";
import { expect, test } from "vitest";
import { KeyIndex } from "../../src/engine/apply/keys.ts";

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
