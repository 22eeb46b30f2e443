import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { cli, envOf, PATIENT, startWeir } from "../support/weir.ts";

test("what was chosen about privacy stands in the audit, also what was chosen while weir was down", async () => {
  await using dir = await tempDir();
  const dataDir = join(dir.path, "data");
  const clients = join(dir.path, "clients");
  mkdirSync(clients);
  const env = envOf(dataDir);
  expect((await cli(["privacy", "set", clients, "metadata"], { env })).code).toBe(0);

  await using weir = await startWeir({ dataDir, env: { WEIR_PRIVACY: "full" } });
  expect((await weir.run(["privacy", "set", "default", "redacted", "--encrypt"])).code).toBe(0);
  expect((await weir.run(["privacy", "remove", clients])).code).toBe(0);
  expect((await weir.run(["privacy", "remove", clients])).code).toBe(1); // nothing was chosen: nothing to record
  await weir.json(["watch", "add", clients, "--json"]);
  const audit = () =>
    weir.sql<{ actor: string; action: string; about: string }>("select actor, action, about from audit order by time");
  await until("all are rows", async () => (await audit()).length >= 5, PATIENT);
  expect((await audit()).map(({ actor, action, about }) => [actor, action, JSON.parse(about)])).toEqual([
    ["cli", "privacy.changed", { path: clients, level: "metadata" }],
    ["weir up", "privacy.changed", { path: "default", level: "full" }],
    ["cli", "privacy.changed", { path: "default", level: "redacted", encrypt: true }],
    ["cli", "privacy.changed", { path: clients, removed: true }],
    ["cli", "watch.set", { path: clients, watched: true }],
  ]);
});

test("a pattern that a shell left as it was is completed, and can be taken back", async () => {
  await using dir = await tempDir();
  const env = { ...envOf(join(dir.path, "data")), HOME: dir.path };
  for (const path of ["~/clients/*", "notes/*", "**/secret"])
    expect((await cli(["privacy", "set", path, "metadata"], { env })).code).toBe(0);
  const { stdout } = await cli(["privacy", "--json"], { env });
  expect(JSON.parse(stdout).projects.map(({ path }: { path: string }) => path)).toEqual([
    join(dir.path, "clients", "*"),
    expect.stringMatching(/^\/.+\/notes\/\*$/),
    "**/secret",
  ]);
  expect((await cli(["privacy", "remove", "~/clients/*"], { env })).code).toBe(0);
});
