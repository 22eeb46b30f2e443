import { openSync, writeSync } from "node:fs";
import { parseArgs } from "node:util";
import { createWeir } from "../src/sdk/index.ts";

/**
 * A producer that may be killed at any moment: emits events at a rate, one after the other, and notes each in a journal as soon as the SDK says that
 * it is durable: its life and its number, a line each. What it had emitted and was not told to be durable is nobody's promise.
 */
const { values } = parseArgs({
  options: { journal: { type: "string" }, life: { type: "string" }, rate: { type: "string" } },
});
const SESSIONS = 8;
const weir = createWeir({ name: "outage", source: "bench://outage" });
const journal = openSync(values.journal!, "a");
const perMs = Number(values.rate) / 1_000;
const started = performance.now();
let stopped = false;
process.on("SIGTERM", () => {
  stopped = true;
});
for (let k = 0; !stopped; ) {
  for (const due = Math.floor((performance.now() - started) * perMs); k < due; k++) {
    const call = `${values.life}-${k}`;
    const draft = {
      type: "tool.called",
      session: `outage-${k % SESSIONS}`,
      subject: call,
      data: { tool: "Bash", call_id: call },
    };
    weir.emitDurably([draft]).then(
      () => writeSync(journal, `${call}\n`),
      () => {}, // not accepted: not in the journal
    );
  }
  await new Promise((resolve) => setTimeout(resolve, 5));
}
await weir.close();
process.exit(0);
