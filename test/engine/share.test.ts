import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Claim, shareOut } from "../../src/engine/share.ts";

/** Instances of different names, each holding some partitions; what two hold, and what is no partition, occurs too. */
const claims = fc.uniqueArray(
  fc.record({ id: fc.string({ minLength: 1 }), holds: fc.array(fc.integer({ min: -1, max: 70 })) }),
  {
    minLength: 1,
    maxLength: 9,
    selector: (claim) => claim.id,
  },
);
const partitions = fc.integer({ min: 1, max: 64 });
const settled = (processor: string, count: number, ids: readonly string[]): Claim[] => {
  const owners = shareOut(
    processor,
    count,
    ids.map((id) => ({ id, holds: [] })),
  );
  return ids.map((id) => ({ id, holds: owners.flatMap((owner, p) => (owner === id ? [p] : [])) }));
};
const moved = (before: readonly Claim[], owners: readonly string[]): number =>
  before.flatMap(({ id, holds }) => holds.filter((p) => owners[p] !== id)).length;

describe("shares of instances", () => {
  test("every partition has one owner, and no instance has two more than another", () => {
    fc.assert(
      fc.property(claims, partitions, (given, count) => {
        const owners = shareOut("validate", count, given);
        expect(owners).toHaveLength(count);
        const each = given.map(({ id }) => owners.filter((owner) => owner === id).length);
        expect(each.reduce((a, b) => a + b)).toBe(count);
        expect(Math.max(...each) - Math.min(...each)).toBeLessThanOrEqual(1);
      }),
    );
  });

  test("all come to the same shares, in whatever order they heard of each other", () => {
    fc.assert(
      fc.property(
        claims.chain((given) => fc.tuple(fc.constant(given), fc.shuffledSubarray(given, { minLength: given.length }))),
        partitions,
        ([given, shuffled], count) => {
          expect(shareOut("enrich", count, shuffled)).toEqual(shareOut("enrich", count, given));
        },
      ),
    );
  });

  test("what is shared out stays as it is", () => {
    fc.assert(
      fc.property(claims, partitions, (given, count) => {
        const owners = shareOut("detect", count, given);
        const then = given.map(({ id }) => ({ id, holds: owners.flatMap((owner, p) => (owner === id ? [p] : [])) }));
        expect(shareOut("detect", count, then)).toEqual(owners);
      }),
    );
  });

  test("one that leaves gives its partitions to the others, and nothing else moves", () => {
    fc.assert(
      fc.property(claims, partitions, fc.nat(), (given, count, pick) => {
        const before = settled(
          "alert",
          count,
          given.map(({ id }) => id),
        );
        if (before.length < 2) return;
        const left = before.filter((_, k) => k !== pick % before.length);
        expect(moved(left, shareOut("alert", count, left))).toBe(0);
      }),
    );
  });

  test("one that joins gets its share, and no more moves than that", () => {
    fc.assert(
      fc.property(claims, partitions, fc.string({ minLength: 1 }), (given, count, name) => {
        if (given.some(({ id }) => id === name)) return;
        const before = settled(
          "validate",
          count,
          given.map(({ id }) => id),
        );
        const owners = shareOut("validate", count, [...before, { id: name, holds: [] }]);
        const share = owners.filter((owner) => owner === name).length;
        expect(share).toBeGreaterThanOrEqual(Math.floor(count / (given.length + 1)));
        expect(moved(before, owners)).toBe(share);
      }),
    );
  });

  test("what is left over goes to different instances for different processors", () => {
    const ids = Array.from({ length: 8 }, (_, k) => ({ id: `instance-${k}`, holds: [] }));
    const first = ["validate", "enrich", "detect", "alert"].map((name) => shareOut(name, 1, ids)[0]);
    expect(new Set(first).size).toBeGreaterThan(1);
    expect(shareOut("validate", 4, [])).toEqual([]);
  });
});
