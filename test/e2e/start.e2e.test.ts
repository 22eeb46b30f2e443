import { readFileSync, statSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { alive, brokerPid, CLI, cli, envOf, PATIENT, type Runtime, start, startWeir } from "../support/weir.ts";

/** Words of the command line, as `--help` lists its commands. */
async function commandNames(env: Readonly<Record<string, string>>): Promise<string[]> {
  const { stdout } = await cli(["--help"], { env });
  const listed = stdout.slice(stdout.indexOf("Commands:"), stdout.indexOf("Settings"));
  return [...listed.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, name]) => name!);
}

test("what is printed suits whoever reads it", async () => {
  await using weir = await startWeir();
  expect((await weir.run(["sql", "--csv", "select 1 as a, 'b' as b"])).stdout).toBe("a,b\n1,b\n");
  for (const n of [1, 2, 3]) await weir.run(["publish", "metric.measured", `{"name":"a","value":${n}}`]);
  const tail = start(process.execPath, [CLI, "tail", "--from", "1"], { env: weir.env, input: "" });
  await until("the tail shows them", () => tail.stdout().split("metric.measured").length === 4, PATIENT);
  tail.child.kill("SIGINT");
  for (const line of (await tail.ended).stdout.trim().split("\n"))
    expect(line).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} {2}[a-z_.]+ +\S/);
});

describe("the first minute", () => {
  test("up tells where it is, answers, refuses a second one, and ends without a trace", async () => {
    await using weir = await startWeir();
    const { runtime } = weir;
    expect(Object.keys(runtime).sort()).toEqual(["http_url", "nats_url", "pid", "started_at", "token", "version"]);
    expect(runtime.pid).toBe(weir.process.child.pid);
    expect(runtime.started_at).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    const file = join(weir.dataDir, "runtime.json");
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(runtime);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(weir.dataDir).mode & 0o777).toBe(0o700);
    expect(weir.process.stdout().trim().split("\n")).toHaveLength(1);

    const health = await fetch(`${runtime.http_url}/health`);
    expect([health.status, await health.json()]).toEqual([
      200,
      { status: "ok", reasons: [], version: runtime.version },
    ]);
    const page = await fetch(runtime.http_url);
    expect(page.status).toBe(200);
    expect(page.headers.get("content-type")).toMatch(/^text\/html/);
    expect(await page.text()).toMatch(/<html/i);
    for (const path of ["/api/status", "/api/query/sessions", "/metrics", "/openapi.json", "/mcp"])
      expect([path, (await fetch(`${runtime.http_url}${path}`)).status]).toEqual([path, 401]);
    expect((await fetch(`${runtime.http_url}/api/status`, { headers: { Authorization: "Bearer wrong" } })).status).toBe(
      401,
    );
    expect((await weir.http("/api/status")).status).toBe(200);
    expect(await (await weir.http("/metrics")).text()).toMatch(/^weir_up\{version="[^"]+"\} 1$/m);

    expect(await weir.json(["status", "--json"])).toMatchObject({
      version: runtime.version,
      health: { state: "ok" },
      broker: { ok: true },
    });
    expect((await weir.run(["status"])).stdout).toMatch(/^weir .*: ok$/m);
    const doctor = await weir.run(["doctor"]);
    expect([doctor.code, doctor.stdout]).toEqual([0, expect.stringMatching(/^ok {2}broker +nats-server 2\./m)]);
    expect(await weir.json(["doctor", "--json"])).toMatchObject({ ok: true });
    expect(await weir.json(["config", "--json"])).toMatchObject({ dataDir: weir.dataDir, httpPort: 0 });

    const second = await weir.run(["up"]);
    expect(second).toMatchObject({ code: 1, stdout: "" });
    expect(second.stderr).toMatch(/^error: already_running: .+ \(.+\)\n$/);
    expect((await weir.http("/api/status")).status).toBe(200);

    const broker = brokerPid(weir.dataDir)!;
    expect(alive(broker)).toBe(true);
    expect(await weir.stop("SIGTERM")).toMatchObject({ code: 0 });
    expect(() => statSync(file)).toThrow(/ENOENT/);
    expect(alive(broker)).toBe(false);
    expect(weir.process.stderr()).toBe("");
  });

  test("Ctrl-C ends it too, and what it tells people stays off stdout but for one line", async () => {
    await using dir = await tempDir();
    await mkdir(join(dir.path, "home"));
    const env = envOf(join(dir.path, "data"));
    const up = start(process.execPath, [CLI, "up"], { env });
    await until("weir is up", () => /weir is up/.test(up.stdout()) && /weir status/.test(up.stderr()), PATIENT);
    expect(up.stdout()).toMatch(/^weir is up {2}http:\/\/127\.0\.0\.1:\d+\/#token=\S+\n$/);
    const broker = brokerPid(join(dir.path, "data"))!;
    up.child.kill("SIGINT");
    expect(await up.ended).toMatchObject({ code: 0 });
    expect(alive(broker)).toBe(false);
  });

  test("a record that a killed weir left behind is no running weir, whoever has its number now", async () => {
    await using dir = await tempDir();
    const dataDir = join(dir.path, "data");
    await mkdir(dataDir, { recursive: true });
    const left: Runtime = {
      pid: process.pid, // the number belongs to another program
      http_url: "http://127.0.0.1:9",
      nats_url: "nats://127.0.0.1:9",
      token: "x",
      version: "0",
      started_at: "2026-01-01T00:00:00Z",
    };
    writeFileSync(join(dataDir, "runtime.json"), JSON.stringify(left));
    expect(await cli(["status"], { env: envOf(dataDir) })).toMatchObject({ code: 3 });
    await using weir = await startWeir({ dataDir });
    expect(weir.runtime.pid).not.toBe(process.pid);
    expect(await weir.json(["status", "--json"])).toMatchObject({ health: { state: "ok" } });
  });
});

describe("without a running weir", () => {
  test("what needs one says so and ends with 3", async () => {
    await using dir = await tempDir();
    const env = envOf(join(dir.path, "data"));
    const asking = [
      ["status"],
      ["verify"],
      ["sql", "select 1"],
      ["query", "sessions"],
      ["tail"],
      ["import", "claude-code"],
    ];
    asking.push(
      ["export", "--format", "jsonl"],
      ["rejected", "list"],
      ["publish", "metric.measured", '{"name":"a","value":1}'],
      ["run", "validate"],
    );
    asking.push(["set-threshold", "--name", "a", "--metric", "b", "--above", "1"], ["acknowledge-alert", "--id", "a"]);
    for (const words of asking) {
      const ran = await cli(words, { env });
      expect({ words, ...ran }).toEqual({
        words,
        code: 3,
        stdout: "",
        stderr: expect.stringMatching(/^error: not_running: .+ \(start it with: weir up\)\n$/),
      });
    }
    const doctor = await cli(["doctor"], { env });
    expect(doctor).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^NO {2}weir +does not run {2}\(start it with: weir up\)$/m),
    });
  });

  test("every command helps", async () => {
    await using dir = await tempDir();
    const env = envOf(join(dir.path, "data"));
    const names = await commandNames(env);
    expect(names).toEqual(
      expect.arrayContaining([
        "up",
        "status",
        "doctor",
        "import",
        "publish",
        "sql",
        "query",
        "mcp",
        "verify",
        "rebuild",
        "export",
        "tail",
        "run",
        "set-threshold",
        "resolve-alert",
      ]),
    );
    for (const name of names) {
      const helped = await cli(name === "help" ? ["help", "up"] : [name, "--help"], { env });
      expect({ name, ...helped }).toMatchObject({
        name,
        code: 0,
        stderr: "",
        stdout: expect.stringMatching(/weir \S+/),
      });
    }
    for (const words of [
      ["rejected", "show", "--help"],
      ["rejected", "retry", "--help"],
      ["query", "sessions", "--help"],
      ["help", "set-threshold"],
    ])
      expect({ words, ...(await cli(words, { env })) }).toMatchObject({ words, code: 0, stderr: "" });
    expect(await cli([], { env })).toMatchObject({ code: 0, stdout: expect.stringContaining("Commands:") });
    expect(await cli(["--version"], { env })).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });
});
