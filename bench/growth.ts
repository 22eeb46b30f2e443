import { applied, remove, startInstance, startProducer, table } from "./instance.ts";

/**
 * Rate and memory while the tables grow: `--events` (10,000,000) through the whole way. A row a million: events a second, resident memory of all
 * processes. `--keep DIR` leaves the data there for `query`, `rebuild` and `idle`.
 */
export default async function growth(options: ReadonlyMap<string, string>): Promise<Record<string, unknown>> {
  const events = Number(options.get("events") ?? 10_000_000);
  const step = Math.min(1_000_000, Math.floor(events / 2));
  const weir = await startInstance(options.get("keep"));
  const rows: { events: number; "events/s": number; "rss MB": number; "rss max MB": number }[] = [];
  let at = 0;
  while (at < events) {
    // a million at a time, each until it is in the tables: no backlog is carried into the next
    const started = performance.now();
    const producer = startProducer(weir.dir, { events: step, from: at });
    let rss = 0;
    let last = 0;
    for (let now = at; now < at + step; now = await applied(weir)) {
      last = weir.rss();
      rss = Math.max(rss, last);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    await producer.done;
    at += step;
    const row = {
      events: at,
      "events/s": step / ((performance.now() - started) / 1_000),
      "rss MB": last,
      "rss max MB": rss,
    };
    rows.push(row);
    process.stderr.write(`${JSON.stringify(row)}\n`);
  }
  await weir.stop();
  if (!options.has("keep")) remove(weir.dir);
  table(rows);
  // the first million pays for warming up: the second stands for the empty store
  const [first, final] = [rows[1] ?? rows[0]!, rows.at(-1)!];
  return {
    events,
    rate_ratio: final["events/s"] / first["events/s"],
    rss_ratio: final["rss max MB"] / first["rss max MB"],
    rss_mb: final["rss max MB"],
    rows,
  };
}
