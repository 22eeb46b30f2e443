import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { PAYLOADS } from "../support/hook-payloads.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { cli, envOf, PATIENT, ROOT, start, startWeir, type Weir } from "../support/weir.ts";

/*
 * What `weir init` enters is run as the assistant would run it, with payloads made from documentation. No assistant is run.
 */

const SAMPLES = join(ROOT, "test/samples");
const SAID: Readonly<Record<string, string>> = { cursor: "{}\n" };

/** Files that hold an assistant's hooks, below the home folder. */
const HOOKS: Readonly<Record<string, string>> = {
  codex: ".codex/hooks.json",
  gemini: ".gemini/settings.json",
  cursor: ".cursor/hooks.json",
  copilot: ".copilot/hooks/weir.json",
};

/** The commands that init registered, by event. */
function commandsIn(file: string): Map<string, string> {
  const { hooks } = JSON.parse(readFileSync(file, "utf8")) as { hooks: Record<string, unknown[]> };
  return new Map(
    Object.entries(hooks).map(([event, entries]) => {
      const command = /"(?:command|bash)":("(?:[^"\\]|\\.)*")/.exec(JSON.stringify(entries))![1]!;
      return [event, JSON.parse(command) as string];
    }),
  );
}

const sessionOf = (assistant: string): string => `0199c0de-0000-7000-8000-${assistant.padEnd(12, "0")}`;

/** A payload as the assistant gives it, in a session of its own. */
const payloadOf = (assistant: string, payload: object): string =>
  JSON.stringify({ ...PAYLOADS[assistant]!.common, ...payload }).replaceAll(
    PAYLOADS[assistant]!.session,
    sessionOf(assistant),
  );

/** Runs the registered command with each of the named samples, one after the other; tells what was wrong with any. */
async function tell(weir: Weir, assistant: string, names: readonly string[]): Promise<unknown[]> {
  const commands = commandsIn(join(weir.env.HOME!, HOOKS[assistant]!));
  const wrong: unknown[] = [];
  for (const name of names) {
    const { payload, event } = PAYLOADS[assistant]!.kinds[name]!;
    const command = commands.get(event ?? (payload.hook_event_name as string))!;
    const env = { PATH: process.env.PATH ?? "", HOME: weir.env.HOME! };
    const ran = await start("/bin/sh", ["-c", command], { env, input: payloadOf(assistant, payload) }).ended;
    if (JSON.stringify(ran) !== JSON.stringify({ code: 0, stdout: SAID[assistant] ?? "", stderr: "" }))
      wrong.push([name, ran]);
  }
  return wrong;
}

/** The samples of the events that are registered. */
const registered = (assistant: string): string[] =>
  Object.entries(PAYLOADS[assistant]!.kinds)
    .filter(([name]) => !/of older|notify|JSON in a text/.test(name))
    .map(([name]) => name);

const callsOf = (weir: Weir, assistant: string) =>
  weir.sql<{ tool: string; status: string; sources: string }>(
    `select tool, status, sources from tool_calls where assistant = '${assistant}' order by time, tool, status`,
  );

describe("what init enters, run as the assistant runs it", () => {
  test("gives sessions, prompts and calls of each assistant", async () => {
    await using weir = await startWeir();
    for (const assistant of Object.keys(HOOKS)) {
      expect(await weir.run(["init", assistant])).toMatchObject({ code: 0 });
      expect([assistant, await tell(weir, assistant, registered(assistant))]).toEqual([assistant, []]);
    }
    expect(await weir.run(["init", "opencode"])).toMatchObject({ code: 0 });
    const plugin = join(weir.env.HOME!, ".config/opencode/plugins/weir.js");
    const samples = Object.values(PAYLOADS.opencode!.kinds).map(
      ({ payload }) => JSON.parse(payloadOf("opencode", payload)) as unknown,
    );
    const ran = await start(process.execPath, ["--input-type=module"], {
      env: { PATH: process.env.PATH ?? "", HOME: weir.env.HOME! },
      input: `import { Weir } from ${JSON.stringify(plugin)};
        const hooks = await Weir({ directory: "/home/ada/app" });
        for (const { hook, input, output, event } of ${JSON.stringify(samples)}) await (event ? hooks.event({ event }) : hooks[hook](input, output));
        await hooks.event({ event: { type: "message.part.updated", properties: { part: { type: "text", text: "draws" } } } });
        await hooks.event({ event: null });
        await hooks.dispose();`,
    }).ended;
    expect(ran).toEqual({ code: 0, stdout: "", stderr: "" });
    await until(
      "nothing waits",
      () =>
        !readdirSync(join(weir.dataDir, "spool/hooks")).some((name) => name.endsWith("log") || name.endsWith("taken")),
      PATIENT,
    );
    await weir.settled();
    const names = ["codex", "copilot", "cursor", "gemini-cli", "opencode"];
    expect(await weir.sql("select assistant, count(*)::int as n from sessions group by all order by 1")).toEqual(
      names.map((assistant) => ({ assistant, n: 1 })),
    );
    expect(await weir.sql("select assistant, text, count(*)::int as n from prompts group by all order by 1")).toEqual(
      names.map((assistant) => ({ assistant, text: "fix it", n: 1 })),
    );
    const done = (tool: string, status = "done") => ({ tool, status, sources: "hook" });
    const running = (tool: string) => done(tool, "running");
    const sorted = async (assistant: string) =>
      (await callsOf(weir, assistant)).map((call) => JSON.stringify(call)).sort();
    const these = (...calls: object[]) => calls.map((call) => JSON.stringify(call)).sort();
    expect(await sorted("codex")).toEqual(these(running("Bash"), done("mcp__db__query")));
    expect(await sorted("gemini-cli")).toEqual(these(done("read_file"), done("mcp__db__query", "failed")));
    expect(await sorted("cursor")).toEqual(
      these(done("Shell", "failed"), done("Shell", "failed"), done("Shell", "denied")),
    );
    expect(await sorted("copilot")).toEqual(these(done("bash"), done("bash", "failed")));
    expect(await sorted("opencode")).toEqual(these(done("bash"), done("edit", "failed")));
    expect(
      await weir.sql(
        "select model, input_tokens::int as i, output_tokens::int as o, reported_cost_usd as c from model_calls",
      ),
    ).toEqual([{ model: "claude-sonnet-5", i: 10, o: 25, c: 0.0123 }]);
    expect(await weir.sql("select count(*)::int as n from rejected")).toEqual([{ n: 0 }]);
    expect((await weir.json<{ ok: boolean }>(["verify", "--json"])).ok).toBe(true);
  });

  test("a call seen by hook, session file and telemetry is one row", async () => {
    await using weir = await startWeir();
    const home = weir.env.HOME!;
    for (const assistant of ["gemini", "copilot"]) await weir.run(["init", assistant]);
    expect(await tell(weir, "gemini", ["BeforeAgent", "BeforeTool", "AfterTool"])).toEqual([]);
    const copilot = ["userPromptSubmitted", "preToolUse", "postToolUse"];
    expect(await tell(weir, "copilot", copilot)).toEqual([]);
    const log = (name: string, attributes: Record<string, unknown>) => ({
      timeUnixNano: "1793534406000000000",
      attributes: Object.entries({
        "event.name": `gemini_cli.${name}`,
        "session.id": sessionOf("gemini"),
        ...attributes,
      }).map(([key, value]) => ({
        key,
        value:
          typeof value === "boolean"
            ? { boolValue: value }
            : typeof value === "number"
              ? { intValue: value }
              : { stringValue: value },
      })),
    });
    const answer = await weir.http("/v1/logs", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        resourceLogs: [
          {
            resource: { attributes: [{ key: "service.name", value: { stringValue: "gemini-cli" } }] },
            scopeLogs: [
              {
                logRecords: [
                  log("user_prompt", { prompt: "fix it", prompt_length: 6, prompt_id: "p1" }),
                  log("tool_call", {
                    function_name: "read_file",
                    function_args: '{"absolute_path":"/home/ada/app/a.ts"}',
                    duration_ms: 7,
                    success: true,
                  }),
                  log("api_response", {
                    model: "gemini-3-pro",
                    input_token_count: 1000,
                    cached_content_token_count: 600,
                    output_token_count: 20,
                    thoughts_token_count: 5,
                    duration_ms: 900,
                  }),
                ],
              },
            ],
          },
        ],
      }),
    });
    expect(answer.status).toBe(200);
    for (const [assistant, path] of [
      ["gemini", ".gemini/tmp/app/chats/session-1.jsonl"],
      ["copilot", ".copilot/session-state/s1/events.jsonl"],
    ] as const) {
      const text = readFileSync(join(SAMPLES, "transcripts", `${assistant}.jsonl`), "utf8");
      mkdirSync(join(home, path, ".."), { recursive: true });
      writeFileSync(join(home, path), text.replaceAll(PAYLOADS[assistant]!.session, sessionOf(assistant)));
      await weir.json(["import", assistant, "--json"]);
    }
    await until(
      "all was taken",
      async () => (await callsOf(weir, "copilot")).length === 3 && (await callsOf(weir, "gemini-cli")).length === 3,
      PATIENT,
    );
    await weir.settled();
    const of = (rows: readonly { tool: string; status: string; sources: string }[]) =>
      rows.map(({ tool, status, sources }) => `${tool} ${status} ${sources}`).sort();
    expect(of(await callsOf(weir, "gemini-cli"))).toEqual([
      "read_file done hook,otlp,transcript",
      "run_shell_command denied transcript",
      "run_shell_command failed transcript",
    ]);
    expect(of(await callsOf(weir, "copilot"))).toEqual([
      "bash denied transcript",
      "bash done hook,transcript",
      "db-query failed transcript",
    ]);
    expect(await weir.sql("select assistant, text, sources from prompts order by assistant, text desc")).toEqual([
      { assistant: "copilot", text: "fix it", sources: "hook,transcript" },
      { assistant: "gemini-cli", text: "fix it", sources: "hook,otlp,transcript" },
      { assistant: "gemini-cli", text: "/compress", sources: "transcript" },
    ]);
    expect(
      await weir.sql("select model, sources, duration_ms::int as ms, input_tokens::int as i from model_calls"),
    ).toEqual([{ model: "gemini-3-pro", sources: "otlp,transcript", ms: 900, i: 400 }]);
    expect((await weir.json<{ ok: boolean }>(["verify", "--json"])).ok).toBe(true);
  });
});

describe("weir init and weir doctor", () => {
  test.each(["codex", "gemini", "cursor", "copilot", "opencode"])(
    "%s: shown, entered, found, spoiled, taken out",
    async (assistant) => {
      await using dir = await tempDir();
      const home = join(dir.path, "home");
      mkdirSync(join(home, ".gemini"), { recursive: true });
      mkdirSync(join(home, ".codex"));
      const files: Readonly<Record<string, string>> = {
        ".gemini/settings.json": '{\n  // mine\n  "theme": "x",\n}\n',
        ".codex/config.toml": '# mine\nmodel = "x"\n',
      };
      for (const [path, text] of Object.entries(files)) writeFileSync(join(home, path), text);
      const env = { ...envOf(join(dir.path, "data")), HOME: home, WEIR_HTTP_PORT: "4790" };
      const init = (...words: string[]) => cli(["init", assistant, ...words], { env, cwd: dir.path });
      const doctor = async () => (await cli(["doctor"], { env, cwd: dir.path })).stdout;
      const listing = () =>
        readdirSync(home, { recursive: true, encoding: "utf8", withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name))
          .sort();
      const before = listing();
      expect((await init("--dry-run")).stdout).toContain(`hook ${assistant}`);
      expect(listing()).toEqual(before);
      const telemetry = assistant !== "cursor" && assistant !== "opencode";
      expect(await init("--otel")).toMatchObject({ code: telemetry ? 0 : 2 });
      expect(await init("--http")).toMatchObject({ code: 2 });
      if (!telemetry) expect((await init()).code).toBe(0);
      const after = listing().map((file) => readFileSync(file, "utf8"));
      expect((await init()).stdout).not.toContain("entered");
      expect(listing().map((file) => readFileSync(file, "utf8"))).toEqual(after);
      expect(await doctor()).toMatch(new RegExp(`ok {2}${assistant} hooks +(\\d+ events|plugin) registered`));
      for (const file of listing())
        writeFileSync(
          file,
          readFileSync(file, "utf8").replaceAll("hook.cjs hook", "gone/hook.cjs hook").replaceAll(":4790", ":4999"),
        );
      const spoiled = await doctor();
      expect(spoiled).toContain(`(run: weir init ${assistant})`);
      if (assistant === "codex" || assistant === "gemini")
        expect(spoiled).toContain("telemetry goes to port 4999, weir listens on 4790");
      for (const file of listing())
        writeFileSync(
          file,
          readFileSync(file, "utf8").replaceAll("gone/hook.cjs hook", "hook.cjs hook").replaceAll(":4999", ":4790"),
        );
      expect((await init("--remove")).code).toBe(0);
      expect(listing()).toEqual(before);
      for (const [path, text] of Object.entries(files)) expect(readFileSync(join(home, path), "utf8")).toBe(text);
      expect((await init("--remove")).stdout).not.toContain("taken out");
    },
  );

  test("an assistant that weir does not know is named, with those it knows", async () => {
    const ran = await cli(["init", "unheard-of"]);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain("claude-code, codex, gemini, cursor, copilot, opencode");
  });
});
