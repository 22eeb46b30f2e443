import { readFileSync } from "node:fs";
import { WeirError } from "../base/errors.ts";
import { usePrices } from "./pricing.ts";

/** Uses the price table of a file, where one is named, in this thread. Throws `bad_config`. */
export function loadPrices(file: string): void {
  if (!file) return;
  try {
    usePrices(JSON.parse(readFileSync(file, "utf8")));
  } catch (cause) {
    if (cause instanceof WeirError) throw cause;
    throw new WeirError(
      "bad_config",
      `the price table ${file} cannot be read: ${cause instanceof Error ? cause.message : cause}`,
      { cause },
    );
  }
}
