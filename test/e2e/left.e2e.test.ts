import { expect, test } from "vitest";
import { until } from "../support/until.ts";
import { CLI, PATIENT, start, startWeir } from "../support/weir.ts";

test("status tells that events wait for a processor nobody runs, until somebody does", async () => {
  await using weir = await startWeir({ args: ["--without", "validate"] });
  const reasons = async (): Promise<string[]> =>
    ((await (await weir.http("/api/status")).json()) as { health: { reasons: string[] } }).health.reasons;
  const events = [{ specversion: "1.0", id: "left-1", source: "test://left", type: "session.started", session: "s1" }];
  const taken = await weir.http("/api/events", {
    method: "POST",
    headers: { "Content-Type": "application/cloudevents-batch+json" },
    body: JSON.stringify(events),
  });
  expect(taken.status).toBe(200);
  const waits =
    /^events have waited \d+ s for validate of partition 0, which this instance does not run: .*\(weir run validate\)$/;
  await until("status tells it", async () => (await reasons()).some((reason) => waits.test(reason)), PATIENT);
  const { stdout } = await weir.run(["status"]);
  expect(stdout).toContain("weir run validate");
  const other = start(process.execPath, [CLI, "run", "validate"], { env: weir.env, input: "" });
  await until("it is worked on", async () => (await weir.sql("select * from sessions")).length === 1, PATIENT);
  await until("status is content", async () => (await reasons()).length === 0, PATIENT);
  other.child.kill("SIGTERM");
  expect((await other.ended).code).toBe(0);
});
