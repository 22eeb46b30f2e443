import { newId } from "../src/base/id.ts";
import { createWeir } from "../src/sdk/index.ts";
import { toolCall } from "./events.ts";
import { environment, quantile, remove, startInstance, startProducer, table } from "./instance.ts";

/** Load before the first probe: what a fresh process compiles then is told by `first_ms`, not by the quantiles. */
const WARM_MS = 5_000;

/**
 * From publish to visible in a query at `--rate` (1,000) events a second over `--seconds` (60), after some seconds of the same load; `first_ms` is that of the
 * first event of all. Probes are events of their own: each is emitted
 * through the SDK, and the answer of an order that waits for the tables is not used; a query for its id is asked until it is there.
 */
export default async function latency(options: ReadonlyMap<string, string>): Promise<Record<string, unknown>> {
  const rate = Number(options.get("rate") ?? 1_000);
  const seconds = Number(options.get("seconds") ?? 60);
  const weir = await startInstance(options.get("dir"));
  Object.assign(process.env, environment(weir.dir));
  const load = startProducer(weir.dir, { seconds: seconds + WARM_MS / 1_000 + 2, rate, run: "load" });
  const probe = createWeir({ name: "probe", source: "bench://probe", dataDir: weir.dir });
  const took: number[] = [];
  let first: number | undefined;
  const began = performance.now();
  for (let i = 0; performance.now() < began + WARM_MS + seconds * 1_000; i++) {
    const id = newId(Date.now() * 1_000);
    const started = performance.now();
    await probe.emit({ ...toolCall(i, "probe"), session: `probe-${process.pid}-${i}`, id });
    // the cheapest question there is: one about sessions takes longer than what it measures
    for (;;) {
      const { rows } = await weir.get<{ rows: unknown[][] }>(`/api/query/event?id=${id}`).catch(() => ({ rows: [] }));
      if (rows.length > 0) break;
      await new Promise((resolve) => setTimeout(resolve, 3)); // asking without a pause would measure the asking
    }
    first ??= performance.now() - started;
    if (started > began + WARM_MS) took.push(performance.now() - started);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await probe.close();
  const made = await load.done;
  const status = await weir.get<{ tables: { lag: number } }>("/api/status");
  await weir.stop();
  if (!options.has("dir")) remove(weir.dir);
  took.sort((a, b) => a - b);
  const result = {
    rate: made.events / made.seconds,
    probes: took.length,
    p50_ms: quantile(took, 0.5),
    p95_ms: quantile(took, 0.95),
    p99_ms: quantile(took, 0.99),
    max_ms: took.at(-1),
    first_ms: first,
    lag: status.tables.lag,
  };
  table([result]);
  return result;
}
