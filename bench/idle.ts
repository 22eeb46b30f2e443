import { remove, startInstance, table } from "./instance.ts";

/** Memory and processor time of a weir nobody uses, over `--seconds` (30), and how long it takes to be healthy, `--starts` (5) times. `--dir` names data to start on. */
export default async function idle(options: ReadonlyMap<string, string>): Promise<Record<string, unknown>> {
  const seconds = Number(options.get("seconds") ?? 30);
  const starts: number[] = [];
  let dir = options.get("dir");
  for (let k = 0; k < Number(options.get("starts") ?? 5); k++) {
    const weir = await startInstance(dir);
    dir = weir.dir;
    starts.push(weir.start_ms);
    await weir.stop();
  }
  const weir = await startInstance(dir);
  await new Promise((resolve) => setTimeout(resolve, 30_000)); // V8 collects what a start left 20 to 30 s after it; then start-up work is over
  const before = weir.cpu();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  const result = {
    rss_mb: weir.rss(),
    cpu_percent: ((weir.cpu() - before) / seconds) * 100,
    start_ms_median: starts.sort((a, b) => a - b)[starts.length >> 1]!,
    start_ms_max: starts.at(-1)!,
  };
  await weir.stop();
  if (!options.has("dir")) remove(weir.dir);
  table([result]);
  return result;
}
