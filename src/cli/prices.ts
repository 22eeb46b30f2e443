import { readFileSync } from "node:fs";
import type { Config } from "../base/config.ts";
import { WeirError } from "../base/errors.ts";
import { usePrices } from "../events/pricing.ts";

/** Uses the price table of `WEIR_PRICES_FILE`, where one is named. Throws `bad_config`. */
export function loadPrices({ pricesFile }: Pick<Config, "pricesFile">): void {
  if (!pricesFile) return;
  try {
    usePrices(JSON.parse(readFileSync(pricesFile, "utf8")));
  } catch (cause) {
    if (cause instanceof WeirError) throw cause;
    throw new WeirError(
      "bad_config",
      `the price table ${pricesFile} cannot be read: ${cause instanceof Error ? cause.message : cause}`,
      { cause },
    );
  }
}
