import { partitionOf } from "../wire/subjects.ts";

/** An instance that runs a processor, and the partitions of it that it holds. */
export interface Claim {
  readonly id: string;
  readonly holds: readonly number[];
}

/** A number that orders instances differently for each processor, so that not the same one has more than the others everywhere. */
const rank = (processor: string, id: string): number => partitionOf(`${processor} ${id}`, 2 ** 32);

/**
 * Which instance is to hold each partition of a processor: as many each, or one more; what is held stays where it is as far as that allows. The
 * same claims in any order give the same answer, so that instances which know of each other agree without asking.
 */
export function shareOut(processor: string, partitions: number, claims: readonly Claim[]): readonly string[] {
  if (claims.length === 0) return [];
  const owners: (string | undefined)[] = new Array(partitions).fill(undefined);
  const order = claims
    .map(({ id, holds }) => ({
      id,
      rank: rank(processor, id),
      holds: [...new Set(holds)].filter((p) => p >= 0 && p < partitions).sort((a, b) => a - b),
      quota: Math.floor(partitions / claims.length),
      has: 0,
    }))
    .sort((a, b) => a.rank - b.rank || (a.id < b.id ? -1 : 1));
  // those who hold more than the others keep one more than they
  const eager = [...order].sort((a, b) => b.holds.length - a.holds.length);
  for (const claim of eager.slice(0, partitions % claims.length)) claim.quota++;
  const give = (partition: number, claim: (typeof order)[number]): void => {
    owners[partition] = claim.id;
    claim.has++;
  };
  // a partition that two claim goes to the first of them
  for (const claim of order)
    for (const p of claim.holds) if (claim.has < claim.quota && owners[p] === undefined) give(p, claim);
  for (let p = 0; p < partitions; p++) {
    if (owners[p] === undefined) give(p, order.find((claim) => claim.has < claim.quota)!);
  }
  return owners as string[];
}
