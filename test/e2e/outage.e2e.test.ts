import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { judge } from "../../bench/outage-judge.ts";
import { until } from "../support/until.ts";
import { PATIENT, ROOT, type Started, start, startWeir, type Weir } from "../support/weir.ts";

const RATE = 200;

test("weir is away while a producer is killed and started again: what it was told to be durable is there once, in its order", async () => {
  const weir = await startWeir();
  const { dataDir, env } = weir;
  const journal = join(dataDir, "journal.txt");
  const accepted = (): string[] =>
    existsSync(journal) ? readFileSync(journal, "utf8").split("\n").filter(Boolean) : [];
  const begin = (life: number): Started =>
    start(
      process.execPath,
      [
        ...["--import", "tsx", join(ROOT, "bench/outage-producer.ts")],
        ...["--journal", journal, "--life", String(life), "--rate", String(RATE)],
      ],
      { env, input: "" },
    );
  const more = async (events: number): Promise<void> => {
    const before = accepted().length;
    await until("more events are durable", () => accepted().length >= before + events, PATIENT);
  };
  const kill = async ({ child, ended }: Started): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };
  let producer = begin(0);
  await more(100);
  await weir.stop("SIGKILL");
  await more(100);
  for (const life of [1, 2, 3]) {
    await kill(producer);
    producer = begin(life);
    await more(100);
  }
  await using later = await startWeir({ dataDir });
  await more(200);
  producer.child.kill("SIGTERM");
  expect((await producer.ended).code).toBe(0);
  await until(
    "nothing waits in a spool",
    () => readdirSync(join(dataDir, "spool")).every((name) => !name.startsWith("outage.")),
    PATIENT,
  );
  await later.settled();
  const verdict = judge(accepted(), await storedCalls(later));
  expect(verdict).toMatchObject({ lost: 0, doubled: 0, disordered: 0 });
  expect(verdict.accepted).toBeGreaterThan(700);
  expect(await later.json(["verify", "--json"])).toMatchObject({ ok: true, missing: [] });
});

async function storedCalls(weir: Weir): Promise<Map<string, string[]>> {
  const rows = await weir.sql<{ session: string; subject: string }>(
    "select session, subject from events where source = 'bench://outage' order by stream_seq, rowid",
  );
  const found = new Map<string, string[]>();
  for (const { session, subject } of rows) found.set(session, [...(found.get(session) ?? []), subject]);
  return found;
}

test("the judge finds what is lost, doubled and out of order", () => {
  const sessions = new Map([
    ["a", ["0-1", "0-3", "0-2", "1-0", "0-9"]],
    ["b", ["0-4", "0-4"]],
  ]);
  expect(judge(["0-1", "0-4", "2-7"], sessions)).toEqual({
    accepted: 3,
    stored: 6,
    lost: 1,
    doubled: 1,
    disordered: 2,
  });
});
