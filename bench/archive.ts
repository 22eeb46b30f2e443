import { execFileSync } from "node:child_process";
import { copyFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { environment, remove, startInstance, startProducer, table, untilApplied } from "./instance.ts";
import { compare } from "./rebuild.ts";

const CLI = new URL("../dist/src/cli.js", import.meta.url).pathname;

/**
 * Archives a log of `--events` (300,000): how fast, and how large the files are; whether the tables made again from the archive are the live ones, and
 * how fast that is against the log alone.
 */
export default async function archive(options: ReadonlyMap<string, string>): Promise<Record<string, unknown>> {
  const events = Number(options.get("events") ?? 300_000);
  let weir = await startInstance();
  const run = (...words: string[]): string =>
    execFileSync(process.execPath, [CLI, ...words], { env: environment(weir.dir), encoding: "utf8" });
  await startProducer(weir.dir, { events, run: "a1e2" }).done;
  await untilApplied(weir, events);
  const streamBytes = async (): Promise<number> =>
    (await weir.get<{ streams: { name: string; bytes: number }[] }>("/api/status")).streams.find(
      (s) => s.name === "WEIR_EVENTS",
    )!.bytes;
  const log_bytes = await streamBytes();
  await weir.stop();
  const fromLog = rebuilt(run);

  weir = await startInstance(weir.dir);
  const cpu = weir.cpu();
  const done = JSON.parse(run("archive", "--json")) as {
    events: number;
    bytes: number;
    seconds: number;
    segments: number;
  };
  const left = await streamBytes();
  const main_cpu_s = weir.cpu() - cpu;
  const verified = (JSON.parse(run("verify", "--json")) as { ok: boolean }).ok;
  await weir.stop();
  const live = join(weir.dir, "live-copy.duckdb");
  copyFileSync(join(weir.dir, "weir.duckdb"), live);
  const fromArchive = rebuilt(run);
  const differing = await compare(live, join(weir.dir, "weir.duckdb"));
  const sizes = sizesIn(join(weir.dir, "archive"));
  remove(weir.dir);
  const result = {
    events: done.events,
    "archived events/s": done.events / done.seconds,
    "log bytes/event": log_bytes / done.events,
    "frames bytes/event": sizes.frames / done.events,
    "rows bytes/event": sizes.events / done.events,
    "rebuild from log, events/s": events / fromLog,
    "rebuild from archive, events/s": events / fromArchive,
  };
  table([result]);
  return {
    ...result,
    segments: done.segments,
    bytes_left_in_log: left,
    main_cpu_s,
    verified,
    tables_that_differ: differing,
  };
}

/** Seconds of `weir rebuild` while weir does not run. */
function rebuilt(run: (...words: string[]) => string): number {
  const started = performance.now();
  run("rebuild", "--json");
  return (performance.now() - started) / 1_000;
}

function sizesIn(folder: string): { frames: number; events: number } {
  const sizes = { frames: 0, events: 0 };
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const kind = /(frames|events)-[\d-]+\.parquet$/.exec(name)?.[1] as keyof typeof sizes | undefined;
    if (kind) sizes[kind] += statSync(join(folder, name)).size;
  }
  return sizes;
}
