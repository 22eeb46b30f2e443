import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { importTranscripts } from "../src/capture/import.ts";
import { type Instance, quantile, remove, startInstance, table } from "./instance.ts";

const SAMPLES = new URL("../../shared/data/transcripts", import.meta.url).pathname;

interface Following {
  readonly state: string;
  readonly files: number;
  readonly bytes_waiting: number;
  readonly lines: number;
}

/**
 * Following `--files` (10,000) transcripts of `--megabytes` (2,000) made from the samples. All but the last `--backlog` (200) count as read before:
 * their positions are made without weir. Measured: the start with and without following (`--starts` of each, in turn), how fast the backlog is
 * taken in, the time from a line appended to one of the files to its row, and processor time over `--seconds` (60) in which nothing changes,
 * with following and without.
 */
export default async function follow(options: ReadonlyMap<string, string>): Promise<Record<string, unknown>> {
  const files = Number(options.get("files") ?? 10_000);
  const bytes = Number(options.get("megabytes") ?? 2_000) * 1e6;
  const seconds = Number(options.get("seconds") ?? 60);
  const dir = options.get("dir") ?? `/tmp/weir-bench-follow-${process.pid}`;
  const made = makeTranscripts(join(dir, ".claude", "projects"), files, bytes);
  const known = made.paths.slice(0, -Number(options.get("backlog") ?? 200));
  const positionsFile = join(dir, "import", "claude-code.jsonl");
  const nowhere = { emit: async () => {}, flush: async () => ({ published: 0, spooled: 0 }) };
  if (!existsSync(positionsFile))
    await importTranscripts({ kind: "claude-code", dirs: known, sink: nowhere, positionsFile });
  const starts: Record<"on" | "off", number[]> = { on: [], off: [] };
  const start = async (follow: "on" | "off"): Promise<Instance> => {
    process.env.WEIR_FOLLOW = follow;
    const weir = await startInstance(dir);
    starts[follow].push(weir.start_ms);
    return weir;
  };
  const weir = await start("on");
  const taken = await takeIn(weir, made.files);
  const delays = await appended(weir, known, Number(options.get("probes") ?? 200));
  const on = await idle(weir, seconds);
  const memory = { all_mb: weir.rss(), watching_mb: watching().mb };
  await weir.stop();
  const plain = await start("off");
  const off = await idle(plain, seconds);
  await plain.stop();
  for (let k = 0; k < Number(options.get("starts") ?? 5); k++) {
    for (const follow of ["off", "on"] as const) await (await start(follow)).stop();
  }
  if (!options.has("dir")) remove(dir);
  // the first start of each made the tables, or found them cold
  const half = (of: number[]): number =>
    quantile(
      of.slice(1).sort((a, b) => a - b),
      0.5,
    );
  const result = {
    files: made.files,
    megabytes: made.bytes / 1e6,
    start_off_ms: half(starts.off),
    start_on_ms: half(starts.on),
    ...taken,
    ...delays,
    idle_off_percent: off.all,
    idle_on_percent: on.all,
    idle_watching_percent: on.watching,
    ...memory,
  };
  table([result]);
  return result;
}

/** Copies of the samples with ids of their own, up to that many files and bytes, in projects of fifty files. */
function makeTranscripts(projects: string, files: number, bytes: number) {
  const samples = readdirSync(SAMPLES, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".jsonl") && !name.startsWith("growth"))
    .map((name) => readFileSync(join(SAMPLES, name), "latin1"))
    .filter((text) => text.length > 1_000);
  const paths: string[] = [];
  let total = 0;
  for (let k = 0; k < files; k++) {
    const project = join(projects, `-work-project-${Math.floor(k / 50)}`);
    const path = join(project, `${k.toString(16).padStart(8, "0")}-0000-4000-8000-000000000000.jsonl`);
    paths.push(path);
    const sample = samples[k % samples.length]!;
    // whole lines of the sample, again and again, as far as this file's share goes
    const share = Math.max(2_000, Math.round((bytes - total) / (files - k)));
    total += share;
    if (existsSync(path)) continue;
    if (k % 50 === 0) mkdirSync(project, { recursive: true });
    let text = "";
    for (let round = 0; text.length < share; round++) text += own(sample, `${k}-${round}`);
    writeFileSync(path, text.slice(0, text.lastIndexOf("\n", share) + 1), "latin1");
  }
  return { files, bytes: total, paths };
}

/** A sample whose ids are others. */
const own = (sample: string, mark: string): string =>
  `${sample.trimEnd()}\n`.replace(
    /"(uuid|sessionId|requestId|id|tool_use_id|leafUuid)":\s*"/g,
    (found) => `${found}${mark}-`,
  );

/** Processor time over some seconds, in percent of one core: weir and all below it, and the watching process alone. */
async function idle(weir: Instance, seconds: number): Promise<{ all: number; watching: number }> {
  await sleep(15_000); // tables are checkpointed in the first quiet moment
  const before = { all: weir.cpu(), watching: watching().cpu_s };
  await sleep(seconds * 1_000);
  const percent = (spent: number): number => (spent / seconds) * 100;
  return { all: percent(weir.cpu() - before.all), watching: percent(watching().cpu_s - before.watching) };
}

async function takeIn(weir: Instance, files: number): Promise<Record<string, number>> {
  const started = performance.now();
  let first: number | undefined;
  for (;;) {
    const { following, tables } = await weir.get<{
      following: Following[];
      tables: { lag: number; applied: number };
    }>("/api/status");
    const f = following.find((one) => one.files >= files);
    first ??= f?.bytes_waiting;
    if (f?.state === "following" && tables.lag === 0) {
      const took = (performance.now() - started) / 1_000;
      return { taken_in_mb: (first ?? 0) / 1e6, taken_in_s: took, lines: f.lines, events: tables.applied };
    }
    await sleep(500);
  }
}

async function appended(weir: Instance, paths: readonly string[], probes: number): Promise<Record<string, number>> {
  const took: number[] = [];
  for (let k = 0; k < probes; k++) {
    const session = `probe-${process.pid}-${k}`;
    const line = {
      type: "user",
      uuid: `${session}-1`,
      sessionId: session,
      timestamp: new Date().toISOString(),
      cwd: "/home/ada/probe",
      message: { role: "user", content: "hello" },
    };
    const started = performance.now();
    appendFileSync(paths[(k * 7_919) % paths.length]!, `${JSON.stringify(line)}\n`);
    for (;;) {
      const { rows } = await weir
        .get<{ rows: unknown[][] }>(`/api/query/session?session=${session}`)
        .catch(() => ({ rows: [] }));
      if (rows.length > 0) break;
      await sleep(3); // asking without a pause would measure the asking
    }
    took.push(performance.now() - started);
    await sleep(50);
  }
  took.sort((a, b) => a - b);
  return { appended_p50_ms: quantile(took, 0.5), appended_p99_ms: quantile(took, 0.99), appended_max_ms: took.at(-1)! };
}

/** Memory and processor time of the watching process. */
function watching(): { mb: number; cpu_s: number } {
  for (const pid of readdirSync("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      if (!readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("watching-process")) continue;
      if (!readFileSync(`/proc/${pid}/environ`, "utf8").includes("weir-bench")) continue; // another weir's
      const kb = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
      return { mb: Number(kb) / 1_024, cpu_s: (Number(fields[11]) + Number(fields[12])) / 100 };
    } catch {
      // it ended meanwhile
    }
  }
  return { mb: 0, cpu_s: 0 };
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
