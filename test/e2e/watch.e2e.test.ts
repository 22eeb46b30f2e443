import { execFileSync } from "node:child_process";
import { mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { PATIENT, startWeir } from "../support/weir.ts";

test("a project in use is watched: its files, and commits with the session that made them and what they cost", async () => {
  await using temp = await tempDir();
  const root = join(realpathSync(temp.path), "app");
  mkdirSync(root);
  const as = ["-c", "user.name=Ana", "-c", "user.email=ana@example.org"];
  const git = (...words: string[]) => execFileSync("git", ["-C", root, ...as, ...words], { stdio: "pipe" });
  git("init", "-q", "-b", "main");
  await using weir = await startWeir();
  const publish = (type: string, data: object, at: number) => ({
    specversion: "1.0",
    id: crypto.randomUUID(),
    source: "test://x",
    type,
    session: "s1",
    assistant: "claude-code",
    project: root,
    time: new Date(Date.now() + at).toISOString(),
    data,
  });
  const answered = { model: "claude-opus-4-5", input_tokens: 1_000, output_tokens: 500, cache_creation_tokens: 0 };
  await weir.http("/api/events", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify([
      publish("model.called", { ...answered, cache_read_tokens: 0 }, -60_000),
      publish("tool.called", { tool: "Bash", success: true }, -50_000),
    ]),
  });
  const listed = async () =>
    (await weir.json<{ rows: { path: string; reason: string }[] }>(["watch", "list", "--json"])).rows;
  await until("it is listed", async () => (await listed()).some(({ path }) => path === root), PATIENT);
  expect(await listed()).toMatchObject([{ path: root, reason: "project in use" }]);
  interface Watched {
    readonly watching: readonly { path: string; repository: boolean }[];
  }
  const watched = async () => ((await (await weir.http("/api/status")).json()) as Watched).watching;
  await until("it is watched", async () => (await watched()).some((w) => w.path === root && w.repository), PATIENT);

  writeFileSync(join(root, "a.txt"), "hello");
  await until(
    "the file is a row",
    async () => (await weir.sql("select 1 from files where action = 'created' and source = 'watch'")).length > 0,
    PATIENT,
  );
  git("add", "-A");
  git("commit", "-q", "-m", "say hello");
  await until("the commit is a row", async () => (await weir.sql("select 1 from commits")).length > 0, PATIENT);
  const { rows } = await weir.json<{ rows: Record<string, unknown>[] }>(["query", "commits", "--json"]);
  expect(rows).toMatchObject([
    {
      message: "say hello",
      branch: "main",
      author: "Ana",
      files: 1,
      session: "s1",
      linked_by: "time_and_folder",
      model_calls: 1,
      tool_calls: 1,
    },
  ]);
  expect(rows[0]!.cost_usd).toBeGreaterThan(0);

  const pull = (number: number, action: string, at: number, branch = "main") => ({
    ...publish("pull_request.linked", { number, action, repository: "ana/app" }, at),
    branch,
  });
  await weir.http("/api/events", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify([
      pull(1, "created", -30_000),
      pull(2, "commented", 1_000),
      pull(3, "created", 2_000, "other"),
      pull(4, "created", 3_000),
      pull(5, "created", 9_000),
    ]),
  });
  await until(
    "the pull requests are rows",
    async () => (await weir.sql("select 1 from pull_requests")).length === 5,
    PATIENT,
  );
  const after = await weir.json<{ rows: Record<string, unknown>[] }>(["query", "commits", "--json"]);
  expect(after.rows).toMatchObject([{ message: "say hello", pull_request: 4 }]);

  // a folder is taken out with the projects in it
  await weir.json(["watch", "remove", dirname(root), "--json"]);
  expect(await listed()).toEqual([]);
  const removed = await weir.json<{ rows: object[] }>(["query", "watches", "--removed", "true", "--json"]);
  expect(removed.rows).toMatchObject([{ path: dirname(root), reason: "removed" }]);
  await until("it is let go", async () => (await watched()).length === 0, PATIENT);
  await weir.json(["watch", "add", root, "--json"]);
  expect(await listed()).toMatchObject([{ path: root, reason: "added" }]);
  expect(await weir.json(["coverage", "s1", "--json"])).toMatchObject({ rows: [{ source: "api" }, { source: "api" }] });
});
