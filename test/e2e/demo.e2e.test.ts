import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { until } from "../support/until.ts";
import { PATIENT, startWeir } from "../support/weir.ts";

test("the demonstration fills every table, every question has an answer, and nothing stays behind", async () => {
  await using weir = await startWeir({ args: ["--demo"] });
  const env = { WEIR_DATA_DIR: weir.dataDir };
  const rows = async (words: readonly string[]) =>
    (await weir.json<{ rows: Record<string, string>[] }>(["query", ...words, "--json"], { env })).rows;
  await until("there are alerts", async () => (await rows(["alerts"])).length > 0, PATIENT);
  await weir.settled();
  const [session] = await rows(["sessions"]);
  const [alert] = await rows(["alerts"]);
  const [event] = await rows(["search", "--type", "tool.called"]);
  const needs: Record<string, string[]> = {
    alert: ["--id", alert!.id!],
    event: ["--id", event!.id!],
    session: ["--session", session!.session!],
    session_timeline: ["--session", session!.session!],
    metrics: ["--name", "tool.duration", "--step", "day"],
  };
  // nothing is wrong in a demonstration
  const empty = ["gaps", "rejected"];
  const listed = [...(await weir.run(["query"], { env })).stdout.matchAll(/^ {2}([a-z_]+) /gm)].map(
    ([, name]) => name!,
  );
  expect(listed.length).toBeGreaterThan(20);
  const told = await weir.json<{ name: string }[]>(["query", "--json"], { env });
  expect(told.map(({ name }) => name)).toEqual(listed);
  for (const name of listed) {
    const found = await rows([name, ...(needs[name] ?? [])]);
    if (empty.includes(name)) expect({ name, found }).toEqual({ name, found: [] });
    else expect({ name, rows: found.length }).not.toEqual({ name, rows: 0 });
  }
  expect((await rows(["usage", "--by", "day"])).length).toBeGreaterThanOrEqual(14);
  expect(await weir.json(["verify", "--json"], { env })).toMatchObject({ ok: true });
  expect((await weir.stop()).code).toBe(0);
  expect(existsSync(weir.dataDir)).toBe(false);
});
