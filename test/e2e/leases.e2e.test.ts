import { join } from "node:path";
import { expect, test } from "vitest";
import { createWeir } from "../../src/sdk/index.ts";
import { connectBroker } from "../../src/wire/connect.ts";
import { INSTANCES_SUBJECT } from "../../src/wire/subjects.ts";
import { quiet, startOutsideServer } from "../support/nats.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { CLI, envOf, PATIENT, type Started, start, startWeir } from "../support/weir.ts";

const PARTITIONS = 4;
const EVENTS = 6_000;

interface Word {
  readonly id: string;
  readonly pid: number;
  readonly runs: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly ended?: true;
}

test("instances of a processor share its partitions, take over from one that is killed, and make room for one that joins", async () => {
  await using server = await startOutsideServer(
    (dir) => `max_payload: 2097152\njetstream { store_dir: ${JSON.stringify(dir)} }`,
  );
  await using dir = await tempDir();
  const env = { WEIR_NATS_URL: server.url, WEIR_PARTITIONS: String(PARTITIONS) };
  // what all of them say is heard here as they hear it
  await using bus = await connectBroker({ url: server.url, name: "test", log: quiet });
  const said = new Map<number, Word>();
  bus.nc.subscribe(INSTANCES_SUBJECT, {
    callback: (_, message) => {
      const word = message.json<Word>();
      if (word.runs.validate) said.set(word.pid, word);
    },
  });
  const shares = (pids: readonly (number | undefined)[]): number[] =>
    pids.map((pid) => Object.keys(said.get(pid!)?.runs.validate ?? {}).length).sort();
  const held = (pids: readonly (number | undefined)[]): string[] =>
    pids.flatMap((pid) => Object.keys(said.get(pid!)?.runs.validate ?? {})).sort();
  const runners: Started[] = [];
  const launch = (): Started => {
    const started = start(process.execPath, [CLI, "run", "validate"], {
      env: envOf(join(dir.path, `run${runners.length}`), env),
    });
    runners.push(started);
    return started;
  };
  const weir = await startWeir({ dataDir: join(dir.path, "data"), env });
  try {
    const up = weir.runtime.pid;
    await until("weir up works alone on all", () => held([up]).length === PARTITIONS, PATIENT);
    const [a, b, c] = [launch(), launch(), launch()].map(({ child }) => child);
    const all = [up, a!.pid, b!.pid, c!.pid];
    await until("each has one", () => String(shares(all)) === "1,1,1,1" && held(all).join("") === "0123", PATIENT);
    const { processors } = await weir.json<{ processors: { name: string; held_by: string }[] }>(["status", "--json"]);
    const holders = (name: string) => new Set(processors.filter((p) => p.name === name).map((p) => p.held_by)).size;
    expect([holders("validate"), holders("enrich")]).toEqual([4, 1]);

    process.env.WEIR_LOG_LEVEL = "silent";
    const sdk = createWeir({ dataDir: weir.dataDir, name: "shared", frameEventsMax: 20 });
    for (let k = 0; k < EVENTS; k++) {
      await sdk.emit({ type: "tool.called", session: `s${k % 40}`, data: { tool: "Bash", call_id: `c${k}` } });
      if (k === EVENTS / 3) a!.kill("SIGKILL");
      if (k % 100 === 0) await sdk.flush();
    }
    await sdk.close();
    const left = [up, b!.pid, c!.pid];
    await until(
      "the others take over",
      () => String(shares(left)) === "1,1,2" && held(left).join("") === "0123",
      PATIENT,
    );
    const joined = launch().child;
    const now = [...left, joined.pid];
    await until(
      "a newcomer has one",
      () => String(shares(now)) === "1,1,1,1" && held(now).join("") === "0123",
      PATIENT,
    );

    const count = "select count(*)::int as n, count(distinct call)::int as calls from tool_calls";
    await until("all is in the tables", async () => (await weir.sql<{ n: number }>(count))[0]!.n >= EVENTS, PATIENT);
    expect(await weir.sql(count)).toEqual([{ n: EVENTS, calls: EVENTS }]);
    expect((await weir.sql("select count(*)::int as n from gaps"))[0]).toEqual({ n: 0 });
    expect(await weir.run(["verify"])).toMatchObject({ code: 0 });

    // one after the other they end in order, and the last one has everything
    for (const runner of runners.slice(1)) {
      runner.child.kill("SIGTERM");
      expect(await runner.ended).toMatchObject({ code: 0 });
    }
    await until("weir up has all again", () => held([up]).length === PARTITIONS, PATIENT);
    expect(await weir.run(["verify"])).toMatchObject({ code: 0 });
  } finally {
    for (const { child } of runners) child.kill("SIGKILL");
    await weir[Symbol.asyncDispose]();
  }
});
