import { WeirError } from "../base/errors.ts";
import type { Unnumbered } from "./frames.ts";
import type { Spooled } from "./spool.ts";

const RECEIPT = Symbol("weir.receipt");
type Marked = Unnumbered & { [RECEIPT]?: Receipt };

/** Tells whoever gave events when all of them are durable. */
export class Receipt {
  readonly durable: Promise<void>;
  private left: number;
  private resolve!: () => void;
  private reject!: (error: WeirError) => void;

  constructor(events: number) {
    this.left = events;
    this.durable = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    if (events === 0) this.resolve();
  }
  mark(event: Unnumbered): void {
    (event as Marked)[RECEIPT] = this;
  }
  settle(events: number): void {
    this.left -= events;
    if (this.left <= 0) this.resolve();
  }
  fail(where: string): void {
    this.reject(new WeirError("spool_full", `events were given up: ${where}`));
  }
}

/** Receipts of the events of a frame, with how many each has in it; undefined where nobody waits. */
export function receiptsOf(events: readonly Unnumbered[]): Map<Receipt, number> | undefined {
  let receipts: Map<Receipt, number> | undefined;
  for (const event of events) {
    const receipt = (event as Marked)[RECEIPT];
    if (!receipt) continue;
    receipts ??= new Map();
    receipts.set(receipt, (receipts.get(receipt) ?? 0) + 1);
  }
  return receipts;
}

/** A frame, and who waits for it to be durable. */
export interface Awaited extends Spooled {
  readonly receipts?: Map<Receipt, number> | undefined;
}

/** Tells those who wait for a frame that it is durable. */
export function settle({ receipts }: Awaited): void {
  if (receipts) for (const [receipt, events] of receipts) receipt.settle(events);
}
