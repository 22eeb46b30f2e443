import { loadDefinitions } from "../src/engine/load.ts";
import { quantile, startInstance, startProducer, table, untilApplied } from "./instance.ts";

/** Every built-in query, `--times` (40) times each, over the data of `--dir` (made by `growth --keep`), or over `--events` (200,000) made for it. */
export default async function query(options: ReadonlyMap<string, string>): Promise<Record<string, unknown>> {
  const times = Number(options.get("times") ?? 40);
  const weir = await startInstance(options.get("dir"));
  if (!options.has("dir")) {
    const events = Number(options.get("events") ?? 200_000);
    await startProducer(weir.dir, { events }).done;
    await untilApplied(weir, events);
  }
  const { queries } = await loadDefinitions(new URL("..", import.meta.url).pathname);
  const sessions = await weir.get<{ rows: string[][] }>("/api/query/sessions?limit=50");
  const [found] = (await weir.get<{ rows: string[][]; columns: { name: string }[] }>("/api/query/search?limit=1")).rows;
  const needs: Readonly<Record<string, (i: number) => string>> = {
    session: (i) => `session=${sessions.rows[i % sessions.rows.length]![0]}`,
    session_timeline: (i) => `session=${sessions.rows[i % sessions.rows.length]![0]}`,
    event: () => `id=${found!.find((cell) => /^[0-9a-f]{8}-[0-9a-f]{4}-7/.test(String(cell)))}`,
    alert: () => "id=none",
    metrics: () => "name=tool.duration",
    search: (i) => (i % 2 === 0 ? "type=tool.called" : "text=module-99"),
  };
  const rows = [];
  for (const name of queries.keys()) {
    const took: number[] = [];
    for (let i = 0; i < times; i++) {
      const words = needs[name]?.(i) ?? "";
      const started = performance.now();
      await weir.get(`/api/query/${name}${words ? `?${words}` : ""}`).catch((error: unknown) => {
        if (!/not_found/.test(String(error))) throw error;
      });
      took.push(performance.now() - started);
    }
    took.sort((a, b) => a - b);
    rows.push({ query: name, p50_ms: quantile(took, 0.5), p99_ms: quantile(took, 0.99), max_ms: took.at(-1)! });
  }
  await weir.stop();
  rows.sort((a, b) => b.p50_ms - a.p50_ms);
  table(rows);
  return {
    p50_ms_worst: Math.max(...rows.map((r) => r.p50_ms)),
    p99_ms_worst: Math.max(...rows.map((r) => r.p99_ms)),
    over_20_ms: rows.filter((r) => r.p50_ms > 20).map((r) => r.query),
    rows,
  };
}
