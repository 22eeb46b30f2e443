import { readFileSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { describeBrokers } from "../support/brokers.ts";
import { tempDir } from "../support/temp.ts";
import { sampleSession, sampleText } from "../support/transcript-sample.ts";
import { brokerPid, ROOT, start, startWeir, type Weir } from "../support/weir.ts";

/** nats.conf as it is shipped, "a good single node to run by hand", with the folder of its streams. */
const shipped = (storeDir: string): string => {
  const text = readFileSync(join(ROOT, "nats.conf"), "utf8");
  expect(text).toContain('"./weir-nats"');
  return text.replace('"./weir-nats"', JSON.stringify(storeDir));
};

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
});
