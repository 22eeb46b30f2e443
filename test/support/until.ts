import { setTimeout as pause } from "node:timers/promises";

const TRIES_MAX = 4_000;

/** Waits until `look` answers with something true and gives it back; fails naming `what` when it does not come. */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  { tries = TRIES_MAX } = {},
): Promise<NonNullable<T>> {
  for (let i = 0; i < tries; i++) {
    const found = await look();
    if (found) return found;
    await pause(5);
  }
  throw new Error(`${what} did not happen`);
}
