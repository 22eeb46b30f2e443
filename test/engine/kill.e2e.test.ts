import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFailed, test } from "vitest";
import { clock } from "../../src/base/clock.ts";
import { derivedId } from "../../src/base/id.ts";
import type { Draft } from "../../src/define/event.ts";
import { createWeir } from "../../src/sdk/index.ts";
import { type Broker, startBroker } from "../../src/wire/broker.ts";
import { connectBroker } from "../../src/wire/connect.ts";
import { readFrame } from "../../src/wire/frame.ts";
import { openReader } from "../../src/wire/read.ts";
import { ensureStreams, streamIdentity } from "../../src/wire/streams.ts";
import { dice } from "../support/dice.ts";
import { quiet, testConfig } from "../support/nats.ts";
import { projections, runProcessors, runTables } from "../support/pipeline.ts";
import { contents, openTestTables } from "../support/tables.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

const EVENTS = 20_000;
const BURST = 400;
const PATIENT = { tries: 20_000 };

/** A runner that is killed and started again, and how far its tables said they are. */
class Victim {
  private child: ChildProcess | undefined;
  private gone: Promise<unknown> = Promise.resolve();
  private readonly start: () => ChildProcess;
  commits = 0;
  constructor(dataDir: string, url: () => string) {
    this.start = () =>
      spawn(process.execPath, ["--import", "tsx", "test/support/runner.ts", dataDir, url()], {
        stdio: ["ignore", "pipe", "inherit"],
      });
  }
  run(): void {
    const child = this.start();
    this.child = child;
    this.commits = 0;
    createInterface({ input: child.stdout! }).on("line", (line) => {
      this.commits = Number(line);
    });
    this.gone = new Promise((resolve) => child.once("close", resolve));
  }
  async end(signal: NodeJS.Signals): Promise<void> {
    this.child?.kill(signal);
    await this.gone;
  }
}

/** Calls of tools as an assistant's hook and transcript tell them: most calls by two events, some events twice. */
function draftOf(k: number): Draft {
  const call = k >> 1;
  const time = START + k * 1_000;
  const common = {
    id: derivedId(time, "kill", k),
    time,
    session: `session-${call % 7}`,
    subject: "Bash",
    via: call % 3 ? "hook" : "transcript",
  };
  const data = { tool: ["Bash", "Read", "mcp__fs__read"][call % 3]!, call_id: `call_${call}` };
  return k % 2 === 0
    ? { ...common, type: "tool.started", data }
    : { ...common, type: "tool.called", data: { ...data, success: call % 50 > 0, duration_ms: (call * 37) % 1_000 } };
}
const START = clock.nowUs() - 3_600_000_000;

test("runner and broker are killed at random while events come: nothing is lost, nothing is doubled, and a rebuild gives the same tables", async () => {
  const seed = Number(process.env.WEIR_TEST_SEED ?? clock.nowMs() % 1_000_000);
  onTestFailed(() => console.error(`repeat with WEIR_TEST_SEED=${seed}`));
  const roll = dice(seed);
  process.env.WEIR_LOG_LEVEL = "silent"; // a broker that is away is part of the play
  await using dir = await tempDir();
  const config = testConfig(dir.path);
  let broker: Broker = await startBroker({ config, log: quiet });
  const victim = new Victim(dir.path, () => broker.url);
  let over = false;
  let drama: Promise<void> = Promise.resolve();
  try {
    writeFileSync(join(dir.path, "runtime.json"), JSON.stringify({ nats_url: broker.url }));
    {
      await using bus = await connectBroker({
        url: broker.url,
        credentials: broker.credentials.engine,
        name: "test",
        log: quiet,
      });
      await ensureStreams(bus.jsm, config);
    }
    const weir = createWeir({ dataDir: dir.path, name: "chaos", source: "test://chaos", frameEventsMax: 64 });
    victim.run();

    let emitted = 0;
    let done = 0; // acts of the drama
    const acts = ["runner", "runner", "broker", "runner", "runner", "both", "runner", "runner", "runner", "broker"];
    drama = (async () => {
      for (const [k, act] of acts.entries()) {
        await until(
          `${k} bursts were emitted`,
          () => over || emitted >= ((k + 1) * EVENTS) / (acts.length + 2),
          PATIENT,
        );
        if (over) return;
        const later = roll(4); // 0: killed while it starts
        if (act !== "broker") {
          // there is always something more to commit
          const trickle = (): Promise<void> =>
            weir.emit({ type: "metric.measured", data: { name: "trickle", value: k } });
          await until("the runner commits", () => trickle().then(() => over || victim.commits >= later), PATIENT);
          await victim.end("SIGKILL");
        }
        if (act !== "runner") {
          process.kill(broker.pid, "SIGKILL");
          await broker.exited;
          broker = await startBroker({ config, log: quiet, port: broker.port });
        }
        if (act !== "broker") victim.run();
        done++;
      }
    })();
    drama.catch(() => {}); // it is waited for below
    for (; emitted < EVENTS; emitted++) {
      await weir.emit(draftOf(emitted));
      if (roll(20) === 0) await weir.emit(draftOf(roll(emitted + 1))); // sent again: same id, another number
      // some bursts ahead of the killing, so that it hits work under way
      if (emitted % BURST === 0)
        await until("the drama goes on", () => emitted < ((done + 3) * EVENTS) / (acts.length + 2), PATIENT);
    }
    await weir.flush();
    await drama;
    await until("the spool is sent", () => weir.stats().spooled === 0 && weir.stats().buffered === 0, PATIENT);
    expect(weir.stats()).toMatchObject({ dropped: 0, published: weir.stats().emitted });
    await weir.close();
    await victim.end("SIGTERM");

    await using bus = await connectBroker({
      url: broker.url,
      credentials: broker.credentials.engine,
      name: "test",
      log: quiet,
    });
    const bench = { bus, snapshots: join(dir.path, "snapshots"), store: join(dir.path, "weir.duckdb") };
    const names = ["validate", "enrich", "detect", "alert"];
    await using running = runProcessors(bench, names);
    await using tables = await runTables(bench);
    const end = async (stream: string): Promise<number> => (await bus.jsm.streams.info(stream)).state.last_seq;
    await until(
      "all of the log is in the tables",
      async () => {
        const [last_in, last_valid, last_event] = [
          await end("WEIR_IN"),
          await end("WEIR_VALID"),
          await end("WEIR_EVENTS"),
        ];
        const at = names.map((name) => running.status(name).input);
        return (
          at[0] === last_in &&
          at[1] === last_valid &&
          at[2]! >= last_event &&
          at[3]! >= last_event &&
          tables.status.seq === last_event
        );
      },
      PATIENT,
    );
    const one = (sql: string): Promise<number[]> =>
      tables.quiet(async ({ store }) => (await store.writer.runAndReadAll(sql)).getRowsJS()[0]!.map(Number));
    const calls = EVENTS / 2;
    expect(await one("select count(*), count(distinct id) from events where type like 'tool.%'")).toEqual([
      EVENTS,
      EVENTS,
    ]);
    expect(
      await one(
        "select count(*), count(distinct call), count(*) filter (status in ('done', 'failed')) from tool_calls",
      ),
    ).toEqual([calls, calls, calls]);
    expect(await one("select count(*) from set_aside")).toEqual([0]);
    expect(tables.status.lost).toEqual([]);
    expect(
      (
        await one(
          "select coalesce(sum(case what when 'found' then events else -events end), 0) from gaps where what in ('found', 'closed')",
        )
      )[0],
    ).toBe(0);

    await using fresh = await tempDir();
    const rebuilt = await openTestTables(fresh.path, projections);
    const identity = await streamIdentity(bus.jsm, "WEIR_EVENTS");
    const reader = openReader(bus, "WEIR_EVENTS", { after: 0 });
    while (rebuilt.position.seq < identity.last_seq && (await reader.ready())) {
      const batch = [];
      for (let k = 1 + roll(40); k > 0 && reader.waiting > 0; k--) {
        const { seq, data } = reader.shift()!;
        batch.push({ seq, frame: readFrame(data) });
      }
      await rebuilt.apply(batch, { stream: identity.stream, created: identity.created });
    }
    await reader.close();
    const live = await tables.quiet(({ store }) => contents(store, projections));
    const again = await rebuilt.quiet(() => contents(rebuilt.store, projections));
    await rebuilt.close();
    for (const name of Object.keys(live)) expect({ name, rows: again[name] }).toEqual({ name, rows: live[name] });
  } finally {
    over = true; // where the test failed in the middle of an act, that ends first
    await drama.catch(() => {});
    await victim.end("SIGKILL");
    await broker.stop();
  }
});
