import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { until } from "../support/until.ts";
import { PATIENT, ROOT, start, startWeir } from "../support/weir.ts";

const GUIDE = readFileSync(join(ROOT, "docs/publishing.md"), "utf8");
const blocks = (language: string): string[] =>
  [...GUIDE.matchAll(/^```(\w+)\n(.*?)^```$/gms)].filter((m) => m[1] === language).map((m) => m[2]!);

/** Python with the packages that the guide names, where the machine has them. */
const python = [process.env.WEIR_TEST_PYTHON, "python3"].find(
  (program) => program && spawnSync(program, ["-c", "import nats, msgpack"]).status === 0,
);
const bash = spawnSync("curl", ["--version"]).status === 0;

test.skipIf(!python)("the guide's Python, with nats-py and msgpack, publishes a frame", async () => {
  await using weir = await startWeir();
  const [program] = blocks("python");
  expect(program!.trimEnd().split("\n").length).toBeLessThanOrEqual(28);
  const ran = await start(python!, ["-c", program!], { env: weir.env, input: "" }).ended;
  expect(ran).toEqual({ code: 0, stdout: expect.stringMatching(/^stored as \d+\n$/), stderr: "" });
  await until("both are there", async () => (await calls(weir)).length === 2, PATIENT);
  expect(await calls(weir)).toEqual([
    { source: "my-script://laptop", session: "demo-1", tool: "search", duration_ms: 12.5, n: 1 },
    { source: "my-script://laptop", session: "demo-1", tool: "fetch", duration_ms: null, n: 2 },
  ]);
  expect(await weir.json(["verify", "--json"])).toMatchObject({ ok: true, missing: [] });
});

test.skipIf(!bash)("the guide's curl commands say what the guide says", async () => {
  await using weir = await startWeir();
  const commands = blocks("sh").filter((block) => block.startsWith("curl"));
  expect(commands).toHaveLength(2);
  const env = { ...weir.env, URL: weir.runtime.http_url, TOKEN: weir.runtime.token };
  const answers: unknown[] = [];
  for (const command of commands) {
    const ran = await start("bash", ["-c", command], { env, input: "" }).ended;
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    answers.push(JSON.parse(ran.stdout));
  }
  expect(answers).toEqual(
    blocks("json").map((text) => JSON.parse(text, (key, value) => (key === "id" ? expect.any(String) : value))),
  );
});

const calls = (weir: Awaited<ReturnType<typeof startWeir>>) =>
  weir.sql(
    `select e.source, e.session, json_extract_string(e.data, '$.tool') as tool, json_extract(e.data, '$.duration_ms')::double as duration_ms, e.n
     from events e where e.type = 'tool.called' order by e.n`,
  );
