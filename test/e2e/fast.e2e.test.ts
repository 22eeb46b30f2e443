import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { LIMITS } from "../../src/base/limits.ts";
import { createWeir } from "../../src/sdk/index.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { PATIENT, startWeir, type Weir } from "../support/weir.ts";

const post = (weir: Weir, from: number, count: number) =>
  weir.http("/api/events", {
    method: "POST",
    headers: { "Content-Type": "application/cloudevents-batch+json" },
    body: JSON.stringify(
      Array.from({ length: count }, (_, k) => ({
        specversion: "1.0",
        id: `01920000-0000-7000-8000-${String(from + k).padStart(12, "0")}`,
        source: "/test",
        type: "metric.measured",
        data: { name: "posted", value: from + k },
      })),
    ),
  });

test("profile fast: a power cut takes the end of the log, and everything comes again", async () => {
  await using dir = await tempDir();
  const dataDir = join(dir.path, "data");
  const env = { WEIR_PROFILE: "fast" };
  const store = join(dataDir, "nats", "store");
  const copy = join(dir.path, "copy");
  process.env.WEIR_LOG_LEVEL = "silent";
  // the producer in this process keeps everything, however slow the machine is that the test runs on
  Object.assign(LIMITS, { keep_ms: 3_600_000 });
  let weir = await startWeir({ dataDir, env });
  const sdk = createWeir({ dataDir, name: "power", frameEventsMax: 50 });
  const emit = async (from: number, count: number): Promise<void> => {
    for (let k = from; k < from + count; k++)
      await sdk.emit({ type: "tool.called", session: `s${k % 5}`, data: { tool: "Bash", call_id: `c${k}` } });
  };
  try {
    await emit(0, 300);
    expect((await post(weir, 0, 50)).ok).toBe(true);
    await weir.settled();
    cpSync(store, copy, { recursive: true });
    await emit(300, 500);
    await until("all is acknowledged", () => sdk.stats().published >= 800);
    await until(
      "some of it is in the tables, which are then ahead of the log",
      async () => (await weir.sql<{ n: number }>("select count(*)::int as n from tool_calls"))[0]!.n > 300,
      PATIENT,
    );
    expect((await post(weir, 50, 100)).ok).toBe(true);
    await weir.stop("SIGKILL"); // the broker too
    rmSync(store, { recursive: true });
    cpSync(copy, store, { recursive: true });

    weir = await startWeir({ dataDir, env });
    const { health } = await weir.json<{ health: { state: string; reasons: string[] } }>(["status", "--json"]);
    expect(health).toMatchObject({
      state: "failing",
      reasons: expect.arrayContaining([expect.stringContaining("stream_changed")]),
    });
    await until("it is sent again", () => sdk.stats().published >= 800 && sdk.stats().spooled === 0, PATIENT);
    expect(await weir.run(["rebuild"])).toMatchObject({ code: 0 });
    const counts = `select (select count(*) from tool_calls)::int as calls,
      (select count(*) from measurements where name = 'posted')::int as posted`;
    await until(
      "everything is there again",
      async () => {
        const [found] = await weir.sql<{ calls: number; posted: number }>(counts);
        return found!.calls === 800 && found!.posted === 150;
      },
      PATIENT,
    );
    await weir.settled();
    expect(await weir.run(["verify"])).toMatchObject({ code: 0 });
    expect(await weir.json(["status", "--json"])).toMatchObject({ health: { state: "ok" } });
  } finally {
    await sdk.close();
    await weir[Symbol.asyncDispose]();
  }
});
