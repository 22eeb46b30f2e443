import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { environment, type Instance, remove, startInstance, table } from "./instance.ts";
import { judge } from "./outage-judge.ts";

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const SPOOLS_MS_MAX = 120_000;

/**
 * weir with its broker is killed and stays away for `--seconds` (60), while a producer emits `--rate` (500) events a second through the SDK and is
 * killed `--kills` (5) times, each time followed by another that goes on with the same sessions. Then weir comes back, with the producer
 * still at work. Judged: every event that the SDK said to be durable, against the log in its order. A few seconds with the broker stand at both ends.
 */
export default async function outage(options: ReadonlyMap<string, string>): Promise<Record<string, unknown>> {
  const seconds = Number(options.get("seconds") ?? 60);
  const kills = Number(options.get("kills") ?? 5);
  const rate = Number(options.get("rate") ?? 500);
  let weir = await startInstance();
  const { dir } = weir;
  const journal = join(dir, "journal.txt");
  let life = 0;
  let producer = startLife(dir, { journal, life, rate });
  await pause(3_000);
  await killAll(weir);
  for (let k = 0; k < kills; k++) {
    await pause((seconds * 1_000) / (kills + 1));
    await kill(producer);
    producer = startLife(dir, { journal, life: ++life, rate });
  }
  await pause((seconds * 1_000) / (kills + 1));
  const back = performance.now();
  weir = await startInstance(dir);
  await pause(3_000);
  await end(producer);
  const until = performance.now() + SPOOLS_MS_MAX;
  while (waiting(dir) > 0 && performance.now() < until) await pause(50);
  const drained_s = (performance.now() - back) / 1_000;
  await settled(weir);
  const accepted = readFileSync(journal, "utf8").split("\n").filter(Boolean);
  const verdict = judge(accepted, await storedCalls(weir));
  await weir.stop();
  remove(dir);
  const result = { ...verdict, seconds, kills, rate, spools_left: waiting(dir), drained_s };
  table([result]);
  return result;
}

function startLife(dir: string, options: Readonly<Record<string, string | number>>): ChildProcess {
  const words = Object.entries(options).flatMap(([key, value]) => [`--${key}`, String(value)]);
  const file = new URL("./outage-producer.ts", import.meta.url).pathname;
  return spawn(process.execPath, ["--import", "tsx", file, ...words], { env: environment(dir), stdio: "inherit" });
}

const ended = (child: ChildProcess): Promise<unknown> => new Promise((resolve) => child.once("exit", resolve));
async function kill(child: ChildProcess): Promise<void> {
  const gone = ended(child);
  child.kill("SIGKILL");
  await gone;
}
async function end(child: ChildProcess): Promise<void> {
  const gone = ended(child);
  child.kill("SIGTERM");
  await gone;
}

/** Kills weir and its broker, whose process goes on without it. */
async function killAll(weir: Instance): Promise<void> {
  const { pid } = JSON.parse(readFileSync(join(weir.dir, "nats", "broker.json"), "utf8")) as { pid: number };
  process.kill(weir.pid, "SIGKILL");
  process.kill(pid, "SIGKILL");
}

/** Spools of producers that hold something. */
const waiting = (dir: string): number => {
  try {
    return readdirSync(join(dir, "spool")).filter((name) => name.startsWith("outage.")).length;
  } catch {
    return 0;
  }
};

async function settled(weir: Instance): Promise<void> {
  for (let quiet = 0; quiet < 5; ) {
    const { tables, processors } = await weir.get<{
      tables: { lag: number };
      processors: { lag_events: number }[];
    }>("/api/status");
    quiet = tables.lag === 0 && processors.every((p) => p.lag_events === 0) ? quiet + 1 : 0;
    await pause(100);
  }
}

/** The calls of each session in the order of the log. */
async function storedCalls(weir: Instance): Promise<Map<string, string[]>> {
  const sql = async (query: string): Promise<string[]> =>
    (await weir.post<{ rows: [string][] }>("/api/sql", { query })).rows.map(([value]) => value);
  const found = new Map<string, string[]>();
  for (const session of await sql("select distinct session from events where source = 'bench://outage'"))
    found.set(
      session,
      await sql(
        `select subject from events where source = 'bench://outage' and session = '${session}' order by stream_seq, rowid`,
      ),
    );
  return found;
}
