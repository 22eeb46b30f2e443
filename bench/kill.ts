import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { environment, type Instance, remove, startInstance, startProducer, table, untilApplied } from "./instance.ts";

/**
 * kill -9 of the broker or of the whole of weir, `--kills` (20) times at random, while `--events` (200,000) are published through the SDK; then what is
 * in the tables, and what `weir verify` says.
 */
export default async function kill(options: ReadonlyMap<string, string>): Promise<Record<string, unknown>> {
  const events = Number(options.get("events") ?? 200_000);
  const kills = Number(options.get("kills") ?? 20);
  let weir: Instance = await startInstance();
  const producer = startProducer(weir.dir, { events, rate: Math.ceil(events / (kills * 2)) });
  const killed = { broker: 0, weir: 0 };
  for (let k = 0; k < kills; k++) {
    await new Promise((resolve) => setTimeout(resolve, 300 + Math.random() * 1_500));
    if (Math.random() < 0.5) {
      process.kill(brokerPid(weir.dir), "SIGKILL");
      killed.broker++;
    } else {
      process.kill(weir.pid, "SIGKILL");
      killed.weir++;
      await new Promise((resolve) => setTimeout(resolve, 200));
      weir = await startInstance(weir.dir);
    }
  }
  const made = await producer.done;
  await untilApplied(weir, events);
  const [row] = (
    await weir.post<{ rows: number[][] }>("/api/sql", {
      query: "select count(*), count(distinct id), count(distinct n) from events where producer like 'bench%'",
    })
  ).rows;
  const verified = verify(weir.dir);
  await weir.stop();
  remove(weir.dir);
  const result = {
    events: made.events,
    ...killed,
    lost: events - row![1]!,
    doubled: row![0]! - row![1]!,
    verify_ok: verified.ok,
  };
  table([result]);
  return { ...result, verify: verified };
}

const brokerPid = (dir: string): number =>
  (JSON.parse(readFileSync(join(dir, "nats", "broker.json"), "utf8")) as { pid: number }).pid;

function verify(dir: string): { ok: boolean } {
  try {
    return JSON.parse(
      execFileSync(process.execPath, [new URL("../dist/src/cli.js", import.meta.url).pathname, "verify", "--json"], {
        env: environment(dir),
      }).toString(),
    ) as { ok: boolean };
  } catch (error) {
    return JSON.parse(String((error as { stdout: Buffer }).stdout)) as { ok: boolean };
  }
}
