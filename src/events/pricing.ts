import shipped from "./prices.json" with { type: "json" };
import { createPricing, type Pricing } from "./prices.ts";

let pricing: Pricing | undefined;

/** The price table in use: the one shipped, unless the process was told of another at its start. */
export function currentPricing(): Pricing {
  pricing ??= createPricing(shipped);
  return pricing;
}

/** Uses another table from now on; called once, at start, by whoever puts the parts together. */
export function usePrices(table: unknown): void {
  pricing = createPricing(table);
}
