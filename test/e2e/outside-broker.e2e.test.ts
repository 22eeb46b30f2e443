import { readFileSync, statSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { connectBroker } from "../../src/wire/connect.ts";
import { describeBrokers } from "../support/brokers.ts";
import { quiet } from "../support/nats.ts";
import { tempDir } from "../support/temp.ts";
import { sampleSession, sampleText } from "../support/transcript-sample.ts";
import { until } from "../support/until.ts";
import { brokerPid, CLI, PATIENT, ROOT, start, startWeir, type Weir } from "../support/weir.ts";

/** nats.conf as it is shipped, "a good single node to run by hand", with the folder of its streams. */
const shipped = (storeDir: string): string => {
  const text = readFileSync(join(ROOT, "nats.conf"), "utf8");
  expect(text).toContain('"./weir-nats"');
  return text.replace('"./weir-nats"', JSON.stringify(storeDir));
};

const SECRET = "c0rrect:horse/battery%";

const COUNTS = `select (select count(*) from measurements where name = 'queue.depth')::int as published,
  (select count(*) from measurements where name = 'sdk.depth')::int as emitted, (select count(*) from tool_calls)::int as tools,
  (select count(*) from prompts)::int as prompts, (select sum(cost_usd) from model_calls) as cost, (select count(*) from rejected)::int as rejected`;

const PRODUCER = `
  import { createWeir } from "weir/sdk";
  const weir = createWeir({ name: "outside" });
  for (let value = 0; value < 500; value++) await weir.emit({ type: "metric.measured", data: { name: "sdk.depth", value } });
  await weir.close();`;

async function sendEverything(weir: Weir, dir: string): Promise<void> {
  await weir.json(["publish", "metric.measured", '{"name":"queue.depth","value":3}', "--json"]);
  const sdk = await start(process.execPath, ["--input-type=module", "-e", PRODUCER], { env: weir.env, input: "" })
    .ended;
  expect(sdk).toMatchObject({ code: 0, stderr: "" });
  const project = join(dir, "projects", "-work-app");
  await mkdir(project, { recursive: true });
  writeFileSync(join(project, "session.jsonl"), sampleText(sampleSession()));
  await weir.json(["import", "claude-code", join(dir, "projects"), "--json"]);
  await weir.http("/api/events", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ specversion: "1.0", id: "1", source: "/x", type: "no.such_type", data: {} }),
  });
  await weir.settled();
}

describeBrokers("weir with WEIR_NATS_URL", ({ startServer }) => {
  test("takes events on every way, answers, verifies, and finds everything again in the log", async () => {
    await using server = await startServer(shipped);
    await using dir = await tempDir();
    const env = { WEIR_NATS_URL: server.url };
    const dataDir = join(dir.path, "data");
    let counts: Record<string, unknown>[];
    {
      await using weir = await startWeir({ dataDir, env });
      expect(weir.runtime.nats_url).toBe(server.url);
      expect(brokerPid(dataDir)).toBeUndefined(); // none of its own
      await sendEverything(weir, dir.path);
      counts = await weir.sql(COUNTS);
      expect(counts).toMatchObject([{ published: 1, emitted: 500, tools: 6, rejected: 1 }]);
      expect(await weir.json(["status", "--json"])).toMatchObject({ broker: { ok: true }, health: { state: "ok" } });
      expect((await weir.run(["verify"])).code).toBe(0);
      expect(await weir.stop()).toMatchObject({ code: 0, stderr: expect.stringContaining("power cut is not known") });
    }
    {
      await using again = await startWeir({ dataDir, env });
      await again.settled();
      expect(await again.sql(COUNTS)).toEqual(counts);
    }
    // tables of another folder are made from the same log
    await using other = await startWeir({ dataDir: join(dir.path, "other"), env });
    await other.settled();
    expect(await other.sql(COUNTS)).toEqual(counts);
    expect((await other.run(["verify"])).code).toBe(0);
  });

  test("that asks for a password: who finds weir by its folder gets in, and no word of it is told", async () => {
    await using server = await startServer(
      (dir) =>
        `max_payload: 2097152\njetstream { store_dir: ${JSON.stringify(dir)}, sync_interval: always }\nauthorization { users: [ { user: weir, password: ${JSON.stringify(SECRET)} } ] }`,
    );
    await using dir = await tempDir();
    const url = server.url.replace("//", `//weir:${encodeURIComponent(SECRET)}@`);
    await using weir = await startWeir({
      dataDir: join(dir.path, "data"),
      env: { WEIR_NATS_URL: url, WEIR_PARTITIONS: "2", WEIR_LOG_LEVEL: "debug" },
    });
    expect(weir.runtime.nats_url).toBe(server.url);
    const told = join(weir.dataDir, "nats", "client.json");
    expect(statSync(told).mode & 0o777).toBe(0o600);
    const env = { ...weir.env, WEIR_NATS_URL: "", WEIR_PARTITIONS: "" }; // as in any other terminal
    const sdk = await start(process.execPath, ["--input-type=module", "-e", PRODUCER], { env, input: "" }).ended;
    expect(sdk.code).toBe(0);
    const project = join(dir.path, "projects", "-work-app");
    await mkdir(project, { recursive: true });
    writeFileSync(join(project, "session.jsonl"), sampleText(sampleSession()));
    await weir.json(["import", "claude-code", join(dir.path, "projects"), "--json"], { env });
    const hook = await weir.run(["hook", "claude-code"], {
      env,
      input: '{"hook_event_name":"Stop","session_id":"s1"}',
    });
    expect(hook).toMatchObject({ code: 0, stdout: "", stderr: "" });
    // the processors of this weir stand in its way: one of its own must get in as well
    const validate = start(process.execPath, [CLI, "run", "validate"], { env });
    const tail = start(process.execPath, [CLI, "tail", "--from", "1", "--json"], { env });
    await until("the tail shows an event", () => tail.stdout().includes("sdk.depth"), PATIENT);
    await until("the processor runs", () => validate.stderr().includes("the processor validate runs"), PATIENT);
    const taken =
      "select count(*)::int as n from events where type = 'hook.received' or type like 'session.%' or type like 'turn.%'";
    await until(
      "the hook's payload is in the tables",
      async () => (await weir.sql<{ n: number }>(taken))[0]!.n > 0,
      PATIENT,
    );
    expect(await weir.sql(COUNTS)).toMatchObject([{ emitted: 500, tools: 6, rejected: 0 }]);
    for (const { child, ended } of [validate, tail]) {
      child.kill("SIGTERM");
      expect((await ended).code).toBe(0);
    }
    const [bus] = [await connectBroker({ url, name: "test", log: quiet })];
    const { state } = await bus.jsm.streams.info("WEIR_VALID", { subjects_filter: "weir.valid.*" });
    expect(Object.keys(state.subjects ?? {}).sort()).toEqual(["weir.valid.0", "weir.valid.1"]); // producers know the partitions
    await bus.close();
    const ended = await weir.stop();
    expect(ended.code).toBe(0);
    for (const said of [ended, sdk, hook, await validate.ended, await tail.ended])
      for (const text of [said.stdout, said.stderr]) {
        expect(text).not.toContain(SECRET);
        expect(text).not.toContain(encodeURIComponent(SECRET));
      }
  });
});
