import { parseArgs } from "node:util";
import { createWeir } from "../src/sdk/index.ts";
import { toolCall } from "./events.ts";

/** Emits tool-call events: as fast as they are taken for some seconds, or a number of them, or at a rate; prints what it did. */
const { values } = parseArgs({
  options: {
    seconds: { type: "string" },
    events: { type: "string" },
    rate: { type: "string" },
    frame: { type: "string" },
    run: { type: "string", default: "a1e2" },
    from: { type: "string", default: "0" },
  },
});
const weir = createWeir({
  name: "bench",
  source: "claude-code://host",
  check: false,
  ...(values.frame ? { frameEventsMax: Number(values.frame) } : {}),
});
const until = values.seconds ? performance.now() + Number(values.seconds) * 1_000 : Number.POSITIVE_INFINITY;
const events = values.events ? Number(values.events) : Number.POSITIVE_INFINITY;
let stopped = false;
process.on("SIGTERM", () => {
  stopped = true;
});
const started = performance.now();
let i = 0;
if (values.rate) {
  const perMs = Number(values.rate) / 1_000;
  while (i < events && performance.now() < until && !stopped) {
    const due = Math.floor((performance.now() - started) * perMs);
    for (; i < due && i < events; i++) await weir.emit(toolCall(Number(values.from) + i, values.run));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
} else {
  for (; i < events && !stopped; i++) {
    await weir.emit(toolCall(Number(values.from) + i, values.run));
    if ((i & 1023) === 0 && performance.now() >= until) break;
  }
}
await weir.flush();
const seconds = (performance.now() - started) / 1_000;
const { user, system } = process.cpuUsage();
const { published, dropped } = weir.stats();
await weir.close();
process.stdout.write(`${JSON.stringify({ events: published, dropped, seconds, cpu_s: (user + system) / 1e6 })}\n`);
process.exit(0);
