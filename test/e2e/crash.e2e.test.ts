import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFailed, test } from "vitest";
import { clock } from "../../src/base/clock.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { alive, brokerPid, CLI, PATIENT, ROOT, type Started, start, startWeir, type Weir } from "../support/weir.ts";

const EVENTS = 20_000;
const SESSIONS = 20;

/** A program that records with the SDK up to the number it is told on stdin, so that a test can place its kills. */
const PRODUCER = `
  import { createWeir } from "weir/sdk";
  import { createInterface } from "node:readline";
  const [events, sessions] = [${EVENTS}, ${SESSIONS}];
  const weir = createWeir({ name: "chaos", source: "test://chaos", frameEventsMax: 50 });
  const begin = Date.now() * 1000 - 3_600_000_000;
  let allowed = 0;
  let wake;
  createInterface({ input: process.stdin }).on("line", (line) => { allowed = Number(line); wake?.(); });
  for (let k = 0; k < events; k++) {
    while (k >= allowed) await new Promise((resolve) => { wake = resolve; });
    const session = "chaos-" + (k % sessions);
    await weir.emit({ type: "tool.called", session, time: begin + k * 1000, data: { tool: "Bash", call_id: "call_" + k, duration_ms: k % 100, success: k % 10 > 0 } });
    if (k % 100 === 99) console.log(k + 1);
  }
  await weir.flush();
  await weir.close();
  console.log("stats " + JSON.stringify(weir.stats()));
  process.stdin.destroy();
`;

function produce(weir: Weir) {
  const env = { ...weir.env, WEIR_LOG_LEVEL: "silent" };
  const program = start(process.execPath, ["--input-type=module", "-e", PRODUCER], { env, cwd: ROOT });
  return {
    program,
    emitted: () => Number(program.stdout().match(/^\d+$/gm)?.at(-1) ?? 0),
    allow: (events: number) => program.child.stdin!.write(`${events}\n`),
  };
}

/** Numbers that the same seed always gives (mulberry32). */
function dice(): (sides: number) => number {
  const seed = Number(process.env.WEIR_TEST_SEED ?? clock.nowMs() % 1_000_000);
  onTestFailed(() => console.error(`repeat with WEIR_TEST_SEED=${seed}`));
  let a = seed;
  return (sides) => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % sides;
  };
}

const CHAOS = "from events where source = 'test://chaos'";

/** All that was emitted is in the tables once, in the order of its session. */
async function complete(weir: Weir, producer: Started): Promise<void> {
  const ran = await producer.ended;
  expect({ code: ran.code, stderr: ran.stderr }).toEqual({ code: 0, stderr: "" });
  expect(JSON.parse(ran.stdout.match(/^stats (.*)$/m)![1]!)).toMatchObject({ emitted: EVENTS, dropped: 0 });
  await until(
    "what the producer left in its spool is in the log",
    async () => (await weir.sql<{ n: number }>(`select count(*) as n ${CHAOS}`))[0]!.n >= EVENTS,
    PATIENT,
  );
  await weir.settled();
  expect(
    await weir.sql(
      `select count(*) as n, count(distinct id) as ids, count(distinct json_extract_string(data, '$.call_id')) as calls ${CHAOS}`,
    ),
  ).toEqual([{ n: EVENTS, ids: EVENTS, calls: EVENTS }]);
  expect(
    await weir.sql(
      "select count(*) as n, count(distinct call) as calls, count(*) filter (not success) as failed, sum(duration_ms)::bigint as ms from tool_calls",
    ),
  ).toEqual([{ n: EVENTS, calls: EVENTS, failed: EVENTS / 10, ms: (EVENTS / 100) * 4_950 }]);
  expect(
    await weir.sql("select sum(calls)::bigint as calls, sum(errors)::bigint as errors from tool_usage_daily"),
  ).toEqual([{ calls: EVENTS, errors: EVENTS / 10 }]);
  expect(await weir.sql("select sum(tool_calls)::bigint as calls, count(*) as sessions from sessions")).toEqual([
    { calls: EVENTS, sessions: SESSIONS },
  ]);
  const before = "lag(time) over (partition by session order by stream_seq, rowid) as before";
  expect(
    await weir.sql(`select count(*) as turned from (select time, ${before} ${CHAOS}) where time < before`),
  ).toEqual([{ turned: 0 }]);
  expect(await weir.json(["verify", "--json"])).toMatchObject({
    ok: true,
    missing: [],
    dropped: [],
    lost: [],
    frames: [],
  });
  expect(await weir.sql("select count(*) as n from set_aside")).toEqual([{ n: 0 }]);
  const spooled = readdirSync(join(weir.dataDir, "spool"), { recursive: true, encoding: "utf8" });
  expect(spooled.filter((name) => name.endsWith(".seg"))).toEqual([]);
}

/** Brokers of a data folder that run, found by their command lines. */
const brokersOf = (dataDir: string): string[] =>
  readdirSync("/proc").filter((pid) => {
    try {
      const ours = readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(join(dataDir, "nats/server.conf"));
      return /^\d+$/.test(pid) && ours && alive(Number(pid));
    } catch {
      return false; // it ended meanwhile
    }
  });

test("weir and its broker are killed at random while a producer works: nothing is lost, nothing is doubled", async () => {
  const roll = dice();
  await using dir = await tempDir();
  const dataDir = join(dir.path, "data");
  let weir = await startWeir({ dataDir });
  const producer = produce(weir);
  const kills = 5;
  const brokers = new Set<number>();
  for (let k = 0; k < kills; k++) {
    const goal = Math.floor(((k + 1) * EVENTS) / (kills + 1));
    producer.allow(goal + 1_500); // it goes on while weir is away
    await until("the producer works", () => producer.emitted() >= goal - roll(1_500), PATIENT);
    brokers.add(brokerPid(dataDir)!);
    if (k % 2 === 0) await weir.stop("SIGKILL");
    else {
      weir.process.child.kill("SIGKILL"); // the broker stays behind as an orphan
      await weir.process.ended;
    }
    weir = await startWeir({ dataDir });
    expect([k, brokersOf(dataDir)]).toEqual([k, [String(brokerPid(dataDir))]]);
  }
  producer.allow(EVENTS);
  await using last = weir;
  await complete(last, producer.program);
  for (const pid of brokers) expect(alive(pid)).toBe(false);
  await last.stop();
  expect(brokersOf(dataDir)).toEqual([]);
}, 120_000);

test("the broker alone is killed: weir starts it again and goes on", async () => {
  const roll = dice();
  await using weir = await startWeir({ env: { WEIR_LOG_LEVEL: "silent" } });
  const producer = produce(weir);
  for (let k = 1; k <= 4; k++) {
    producer.allow((k * EVENTS) / 4);
    const goal = ((k - 1) * EVENTS) / 4 + 100 + roll(1_000);
    await until("the producer works", () => producer.emitted() >= goal, PATIENT);
    const broker = brokerPid(weir.dataDir)!;
    process.kill(broker, "SIGKILL");
    await until("another broker runs", () => ![undefined, broker].includes(brokerPid(weir.dataDir)), PATIENT);
    await until("weir works again", async () => (await weir.http("/health")).ok, PATIENT);
  }
  await complete(weir, producer.program);
}, 120_000);

test("a processor in a process of its own is killed: the next one goes on where it was", async () => {
  const roll = dice();
  await using weir = await startWeir({ args: ["--without", "validate"] });
  const runner = () => start(process.execPath, [CLI, "run", "validate"], { env: weir.env, input: "" });
  let validate = runner();
  const producer = produce(weir);
  for (let k = 1; k <= 4; k++) {
    producer.allow((k * EVENTS) / 4);
    const goal = ((k - 1) * EVENTS) / 4 + 100 + roll(2_000);
    await until("the producer works", () => producer.emitted() >= goal, PATIENT);
    validate.child.kill("SIGKILL");
    await validate.ended;
    validate = runner();
  }
  await complete(weir, producer.program);
  validate.child.kill("SIGTERM");
  expect((await validate.ended).code).toBe(0);
}, 120_000);
