import { LIMITS } from "../src/base/limits.ts";
import { appenderFloor } from "./floor.ts";
import { applied, remove, startInstance, startProducer, table, untilApplied } from "./instance.ts";

/**
 * SDK → four processors → committed and queryable, at full speed for `--seconds` (60), with `sync_interval: always`. The rate is events in the tables
 * over the time until the last one is there. In the same run: DuckDB's appender alone on the same rows. `--frames 1000,50,1` chooses the frames.
 */
export default async function ingest(options: ReadonlyMap<string, string>): Promise<Record<string, unknown>> {
  const seconds = Number(options.get("seconds") ?? 60);
  const sizes = (options.get("frames") ?? "1000,50,1").split(",").map(Number);
  const rows = [];
  const floor = await appenderFloor(400_000, LIMITS.commit_events_max);
  for (const frame of sizes) {
    const weir = await startInstance(
      undefined,
      [
        ...(options.has("prof") ? ["--cpu-prof", `--cpu-prof-dir=${options.get("prof")}`] : []),
        ...(options.get("node")?.split(" ") ?? []),
      ],
    );
    const before = weir.cpu();
    const started = performance.now();
    const producer = startProducer(weir.dir, {
      seconds: frame === sizes[0] ? seconds : Math.min(seconds, 20),
      frame,
      ...(options.has("rate") ? { rate: options.get("rate")! } : {}),
    });
    let rss = 0;
    const watch = setInterval(() => {
      rss = Math.max(rss, weir.rss());
      if (options.has("watch"))
        void applied(weir).then((n) =>
          process.stderr.write(
            `${((performance.now() - started) / 1_000).toFixed(0)} s ${n} rss ${weir.rss().toFixed(0)}\n`,
          ),
        );
    }, 1_000);
    const made = await producer.done;
    await untilApplied(weir, made.events);
    const took = (performance.now() - started) / 1_000;
    clearInterval(watch);
    const cpu = weir.cpu() - before;
    const [count] = await weir
      .post<{ rows: number[][] }>("/api/sql", {
        query: "select count(*), count(distinct id) from events where type = 'tool.called'",
      })
      .then((a) => a.rows);
    rows.push({
      frame,
      events: made.events,
      seconds: took,
      "events/s": made.events / took,
      "of floor": made.events / took / floor,
      "cpu µs/event": (cpu / made.events) * 1e6,
      "producer µs/event": (made.cpu_s / made.events) * 1e6,
      "rss MB": rss,
      rows: count![0],
      ids: count![1],
    });
    await weir.stop();
    remove(weir.dir);
  }
  rows.push({
    frame: "appender",
    events: 400_000,
    seconds: 400_000 / floor,
    "events/s": floor,
    "of floor": 1,
    "cpu µs/event": "",
    "producer µs/event": "",
    "rss MB": "",
    rows: "",
    ids: "",
  });
  table(rows);
  const [first] = rows;
  return { events_per_s: first!["events/s"], of_floor: first!["of floor"], floor_events_per_s: floor, rows };
}
