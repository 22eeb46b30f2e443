import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Script } from "node:vm";
import { describe, expect, test } from "vitest";
import { makeCanaries } from "../support/canaries.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { cli, envOf, PATIENT, type Ran, ROOT, start, startWeir, type Weir } from "../support/weir.ts";

const HOOK = join(ROOT, "dist/src/hook.cjs");
const SILENT = { code: 0, stdout: "", stderr: "" };

const payload = (k: number, more: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({
    session_id: "hooked",
    cwd: "/home/ada/app",
    hook_event_name: "PostToolUse",
    tool_name: "Bash",
    tool_use_id: `toolu_${k}`,
    tool_input: { command: `echo ${k}` },
    tool_response: { stdout: `${k}` },
    ...more,
  });
const hook = (env: Readonly<Record<string, string>>, input: string): Promise<Ran> =>
  start(process.execPath, [HOOK, "hook", "claude-code"], { env, input }).ended;

/** Calls in the tables, in the order of the log. */
const callsOf = async (weir: Weir): Promise<string[]> =>
  (
    await weir.sql<{ fact: string }>("select fact from events where type = 'tool.called' order by stream_seq, rowid")
  ).map((row) => row.fact);
const factsTo = (count: number): string[] => Array.from({ length: count }, (_, k) => `tool:toolu_${k}`);

describe("weir hook", () => {
  test("says nothing and ends with 0 whatever it is given", async () => {
    await using dir = await tempDir();
    const env = envOf(join(dir.path, "data"));
    const inputs = [
      "",
      "{",
      "[]",
      "null",
      "\u0000\u0001",
      payload(1),
      `{"a":"${"x".repeat(2_000_000)}"}`,
      "x".repeat(17_000_000),
    ];
    for (const input of inputs) expect(await hook(env, input)).toEqual(SILENT);
    expect(await cli(["hook", "claude-code"], { env, input: payload(2) })).toEqual(SILENT);
    expect(await cli(["hook"], { env, input: payload(2) })).toEqual(SILENT);
    expect(await cli(["hook", "gemini", "--odd"], { env, input: payload(2) })).toEqual(SILENT);
    const broken = start(process.execPath, [HOOK, "hook", "claude-code"], { env });
    broken.child.stdin!.end(Buffer.from([0xff, 0xfe, 0x7b, 0x22, 0xc3, 0x28]));
    expect(await broken.ended).toEqual(SILENT);
  });

  test("says nothing where it cannot write, or settings are wrong", async () => {
    await using dir = await tempDir();
    await writeFile(join(dir.path, "file"), "");
    for (const dataDir of [join(dir.path, "file", "data"), "/proc/nowhere", join(dir.path, "\u00e9\u0001")])
      expect(
        await hook({ ...envOf(join(dir.path, "data")), WEIR_DATA_DIR: dataDir, WEIR_HTTP_PORT: "no" }, payload(1)),
      ).toEqual(SILENT);
  });

  test("what was compiled when weir was built is taken by this Node, and its text by one that compiles otherwise", async () => {
    await using dir = await tempDir();
    const dataDir = join(dir.path, "data");
    const env = envOf(dataDir);
    const packed = await readFile(join(ROOT, "dist/src/hook.packed"));
    const text = 4 + packed.readUInt32LE();
    const script = new Script(packed.toString("utf8", 4, text), { cachedData: packed.subarray(text) });
    expect(script.cachedDataRejected).toBe(false);
    const other = ["--no-lazy-feedback-allocation", HOOK, "hook", "claude-code"];
    expect(await start(process.execPath, other, { env, input: payload(1) }).ended).toEqual(SILENT);
    expect(await hook(env, payload(2))).toEqual(SILENT);
    // a file that was cut off
    await copyFile(HOOK, join(dir.path, "hook.cjs"));
    await writeFile(join(dir.path, "hook.packed"), packed.subarray(0, text + 5_000));
    const cut = [join(dir.path, "hook.cjs"), "hook", "claude-code"];
    expect(await start(process.execPath, cut, { env, input: payload(3) }).ended).toEqual(SILENT);
    const inbox = await readFile(join(dataDir, "spool/hooks/inbox.log"), "utf8");
    expect(inbox.match(/toolu_\d/g)).toEqual(["toolu_1", "toolu_2", "toolu_3"]);
  });

  test("what came while weir was down, up, frozen and killed is there once, in its order", async () => {
    await using dir = await tempDir();
    const dataDir = join(dir.path, "data");
    const env = envOf(dataDir);
    let k = 0;
    const some = async (): Promise<void> => {
      for (const end = k + 5; k < end; k++) expect(await hook(env, payload(k))).toEqual(SILENT);
    };
    await some();
    const status = await cli(["status"], { env });
    expect(status).toMatchObject({ code: 3 });
    expect(status.stderr).toContain("5 payloads of hooks wait on disk");
    {
      const weir = await startWeir({ dataDir });
      await some();
      process.kill(weir.runtime.pid, "SIGSTOP");
      await some();
      process.kill(weir.runtime.pid, "SIGCONT");
      await some();
      await weir.stop("SIGKILL");
    }
    await some();
    await using weir = await startWeir({ dataDir });
    await some();
    await until("nothing waits", async () => (await readdir(join(dataDir, "spool/hooks"))).length === 0, PATIENT);
    await weir.settled();
    expect(await callsOf(weir)).toEqual(factsTo(k));
    expect((await weir.json<{ ok: boolean }>(["verify", "--json"])).ok).toBe(true);
    const [call] = await weir.sql("select * from tool_calls where call = 'tool:toolu_1'");
    expect(call).toMatchObject({
      session: "hooked",
      tool: "Bash",
      success: true,
      output: "1",
      sources: "hook",
      project: "/home/ada/app",
    });
  });

  test("a secret is on no disk, by either way", async () => {
    await using weir = await startWeir();
    const token = (await readFile(join(weir.dataDir, "capture.token"), "utf8")).trim();
    const canaries = makeCanaries(11, 1).slice(0, 30);
    const text = canaries.map((c) => c.text).join("\n");
    process.kill(weir.runtime.pid, "SIGSTOP"); // what is on the disk between hook and weir is looked at too
    expect(
      await hook(weir.env, payload(1, { tool_input: { command: text }, tool_response: { stdout: text } })),
    ).toEqual(SILENT);
    const inbox = await readFile(join(weir.dataDir, "spool/hooks/inbox.log"), "utf8");
    process.kill(weir.runtime.pid, "SIGCONT");
    const answer = await fetch(`${weir.runtime.http_url}/hooks/claude-code`, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}` },
      body: payload(2, { tool_input: { command: text } }),
    });
    expect([answer.status, await answer.text()]).toEqual([204, ""]);
    await until("both are there", async () => (await callsOf(weir)).length === 2, PATIENT);
    const files = await readdir(weir.dataDir, { recursive: true, withFileTypes: true });
    const found: string[] = [];
    for (const file of files.filter((entry) => entry.isFile())) {
      const data = await readFile(join(file.parentPath, file.name), "latin1").catch(() => "");
      for (const { secret, family } of canaries)
        if (`${data}${inbox}`.includes(secret)) found.push(`${family} in ${file.name}`);
    }
    expect(found).toEqual([]);
  });
});

describe("POST /hooks/claude-code", () => {
  test("a frozen weir keeps a client no longer than its own limit, and the command it falls back to loses nothing", async () => {
    await using weir = await startWeir();
    const token = (await readFile(join(weir.dataDir, "capture.token"), "utf8")).trim();
    process.kill(weir.runtime.pid, "SIGSTOP");
    for (let k = 0; k < 3; k++) {
      const sent = fetch(`${weir.runtime.http_url}/hooks/claude-code`, {
        method: "POST",
        headers: { Authorization: `Bearer ${token}` },
        body: payload(k),
        signal: AbortSignal.timeout(200),
      });
      await expect(sent).rejects.toMatchObject({ name: "TimeoutError" });
      expect(await hook(weir.env, payload(k))).toEqual(SILENT);
    }
    process.kill(weir.runtime.pid, "SIGCONT");
    await until("all are there", async () => new Set(await callsOf(weir)).size === 3, PATIENT);
    await weir.settled();
    // what reached the frozen weir all the same is the same fact
    expect(await weir.sql("select call from tool_calls order by call")).toEqual(factsTo(3).map((call) => ({ call })));
  });

  test("takes whatever comes with the token, which opens nothing else", async () => {
    await using weir = await startWeir();
    const token = (await readFile(join(weir.dataDir, "capture.token"), "utf8")).trim();
    const post = (path: string, given: string, body: string | Buffer) =>
      fetch(`${weir.runtime.http_url}${path}`, { method: "POST", headers: { Authorization: `Bearer ${given}` }, body });
    for (const body of ["", "{", "[]", payload(0), Buffer.from([0xff, 0xc3]), "x".repeat(17_000_000)]) {
      const answer = await post("/hooks/claude-code", token, body);
      expect([answer.status, await answer.text()]).toEqual([204, ""]);
    }
    expect((await post("/hooks/claude-code", weir.runtime.token, payload(1))).status).toBe(204);
    expect((await post("/hooks/claude-code", "wrong", payload(2))).status).toBe(401);
    expect((await post("/api/sql", token, '{"query":"select 1"}')).status).toBe(401);
    expect(
      (await fetch(`${weir.runtime.http_url}/api/status`, { headers: { Authorization: `Bearer ${token}` } })).status,
    ).toBe(401);
    await until("they are there", async () => (await callsOf(weir)).length === 2, PATIENT);
    await weir.settled();
    expect(await weir.sql("select count(*)::int as n from events where type = 'hook.received'")).toEqual([{ n: 5 }]);
  });
});

describe("weir init claude-code", () => {
  test("enters, twice the same, shows what it would do, and takes out again", async () => {
    await using dir = await tempDir();
    const home = join(dir.path, "home");
    const file = join(home, ".claude/settings.json");
    await mkdir(join(home, ".claude"), { recursive: true });
    const before = '{\n  // mine\n  "model": "opus",\n}\n';
    await writeFile(file, before);
    const env = { ...envOf(join(dir.path, "data")), HOME: home };
    const init = (...words: string[]) => cli(["init", "claude-code", ...words], { env, cwd: dir.path });
    const shown = await init("--dry-run");
    expect(shown.code).toBe(0);
    expect(shown.stdout).toContain('+    "PreToolUse": [');
    expect(await readFile(file, "utf8")).toBe(before);
    expect((await init()).code).toBe(0);
    const after = await readFile(file, "utf8");
    expect(after).toContain("// mine");
    expect(await readFile(`${file}.weir-backup`, "utf8")).toBe(before);
    expect((await init()).stdout).toContain("nothing to change");
    expect(await readFile(file, "utf8")).toBe(after);
    expect(await readFile(join(home, ".claude.json"), "utf8")).toContain('"weir"');
    // what was registered records, run as the assistant runs it
    const command = /"command": ("WEIR.*")/.exec(after)![1]!;
    const ran = start("/bin/sh", ["-c", JSON.parse(command) as string], {
      env: { PATH: process.env.PATH ?? "", HOME: home },
      input: payload(1),
    });
    expect(await ran.ended).toEqual(SILENT);
    expect(await readFile(join(dir.path, "data/spool/hooks/inbox.log"), "utf8")).toContain("toolu_1");
    const doctor = await cli(["doctor"], { env, cwd: dir.path });
    expect(doctor.stdout).toMatch(/ok {2}claude-code hooks +30 events registered/);
    expect(doctor.stdout).toMatch(/NO {2}hook spool +1 payloads wait/);
    expect((await init("--remove")).code).toBe(0);
    expect(await readFile(file, "utf8")).toBe(before);
    expect(await readdir(home)).toEqual([".claude"]);
    expect(await readdir(join(home, ".claude"))).toEqual(["settings.json"]);
    expect((await cli(["doctor"], { env, cwd: dir.path })).stdout).toContain("does not tell weir what it does");
  });

  test("in a project, beside the user's; a token never enters its files", async () => {
    await using dir = await tempDir();
    const env = envOf(join(dir.path, "data"));
    const init = (...words: string[]) =>
      cli(["init", "claude-code", "--scope", "project", ...words], { env, cwd: dir.path });
    for (const flag of ["--http", "--otel"]) expect(await init(flag)).toMatchObject({ code: 2 });
    expect((await init()).code).toBe(0);
    expect((await readdir(dir.path)).sort()).toEqual([".claude", ".mcp.json"]);
    expect((await init("--remove")).code).toBe(0);
    expect(await readdir(join(dir.path, ".claude"))).toEqual([]);
  });

  test("doctor finds a wrong port, a wrong token, a program that is gone, and an older assistant", async () => {
    await using dir = await tempDir();
    const home = join(dir.path, "home");
    const bin = join(dir.path, "bin");
    await mkdir(join(home, ".claude"), { recursive: true });
    await mkdir(bin);
    await writeFile(join(bin, "claude"), "#!/bin/sh\necho '2.1.60 (Claude Code)'\n", { mode: 0o755 });
    const file = join(home, ".claude/settings.json");
    const env = {
      ...envOf(join(dir.path, "data")),
      HOME: home,
      WEIR_HTTP_PORT: "4790",
      PATH: `${bin}:${process.env.PATH}`,
    };
    const said = async (): Promise<string> => (await cli(["doctor"], { env, cwd: dir.path })).stdout;
    const ran = await cli(["init", "claude-code", "--http"], { env, cwd: dir.path });
    expect(ran.stderr).toContain("Claude Code 2.1.60 does not know PermissionDenied");
    const http = await readFile(file, "utf8");
    expect(http).not.toContain("StopFailure");
    expect(await said()).toContain("fail while weir does not run");
    await writeFile(file, http.replaceAll(":4790/", ":4999/"));
    expect(await said()).toContain("send to port 4999, weir listens on 4790");
    await writeFile(file, http.replaceAll(/Bearer [\w-]+/g, "Bearer other"));
    expect(await said()).toContain("a token of another weir");
    await writeFile(file, http.replaceAll("hook.cjs hook", "gone/hook.cjs hook"));
    expect(await said()).toContain("starts what is not there");
    await writeFile(file, http.replaceAll('"Setup"', '"PostModelSwitch"'));
    const older = await said();
    expect(older).toContain("Setup in");
    expect(older).toContain("Claude Code 2.1.60 does not know PostModelSwitch");
  });
});
