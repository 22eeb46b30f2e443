import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { describe, expect, test } from "vitest";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { CLI, cli, envOf, PATIENT, ROOT, start, startWeir } from "../support/weir.ts";

const EVERYTHING = join(ROOT, "node_modules/@modelcontextprotocol/server-everything/dist/index.js");

interface Listed {
  readonly assistant: string;
  readonly scope: string;
  readonly name: string;
  readonly transport: string;
  readonly server: string;
  readonly weir: string;
  readonly disabled: boolean;
}
interface Check {
  readonly what: string;
  readonly ok: boolean;
  readonly found: string;
  readonly fix?: string;
}
interface Told {
  readonly changed: string[];
  readonly servers: { assistant: string; name: string; done: string; why?: string }[];
  readonly problems: string[];
  readonly diff?: { lines: string[] }[];
}

describe("weir wrap --all", () => {
  test("lists, wraps, runs, is told twice, and takes itself away without a trace", async () => {
    await using dir = await tempDir();
    const dataDir = join(dir.path, "data");
    const env = envOf(dataDir);
    const home = env.HOME!;
    const app = join(dir.path, "app");
    const claude = join(home, ".claude.json");
    const files: Record<string, string> = {
      [claude]: `{
  // mine
  "numStartups": 7,
  "mcpServers": {
    "everything": {"command": ${JSON.stringify(process.execPath)}, "args": [${JSON.stringify(EVERYTHING)},   "stdio"], "env": {"API_KEY": "k"}},
    "plain": {"command": "cat"},
    "web": {"type": "http", "url": "http://127.0.0.1:9/mcp"}
  },
  "projects": {"/home/ada/app": {"mcpServers": {"local": {"command": "cat", "args": ["--token=sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789"]}}}}
}
`,
      [join(home, ".codex/config.toml")]: '[mcp_servers.cat]\ncommand = "cat"\n\n[tui]\nx = 1\n',
      [join(home, ".cursor/mcp.json")]: '{"mcpServers":{"cat":{"command":"cat"}}}',
      [join(home, ".config/opencode/opencode.json")]: '{"mcp":{"cat":{"type":"local","command":["cat"]}}}',
      [join(home, ".gemini/settings.json")]: "{ not JSON",
      [join(home, ".claude/plugins/installed_plugins.json")]:
        `{"version":2,"plugins":{"db@m":[{"scope":"user","installPath":${JSON.stringify(join(dir.path, "db"))}}]}}`,
      [join(dir.path, "db/.mcp.json")]: '{"db":{"command":"cat"}}',
      [join(app, ".mcp.json")]: '{"mcpServers":{"shared":{"command":"cat"}}}',
    };
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    const same = () => Object.entries(files).filter(([file, text]) => readFileSync(file, "utf8") !== text);
    const run = (...words: string[]) => cli(words, { env, cwd: app });
    const told = async (...words: string[]) =>
      JSON.parse((await run("wrap", "--all", ...words, "--json")).stdout) as Told;
    const listed = async () =>
      (JSON.parse((await run("mcp-servers", "--json")).stdout) as { servers: Listed[] }).servers;

    const before = await listed();
    expect(before.map((one) => [one.assistant, one.scope, one.name, one.transport, one.weir])).toEqual([
      ["claude-code", "user", "everything", "stdio", "no"],
      ["claude-code", "user", "plain", "stdio", "no"],
      ["claude-code", "user", "web", "http", "no"],
      ["claude-code", "project", "local", "stdio", "no"],
      ["claude-code", "project", "shared", "stdio", "no"],
      ["codex", "user", "cat", "stdio", "no"],
      ["cursor", "user", "cat", "stdio", "no"],
      ["opencode", "user", "cat", "stdio", "no"],
      ["claude-code", "user", "db", "stdio", "no"], // a plugin's
    ]);
    expect(before.find((one) => one.name === "local")!.server).not.toContain("abcdefghij");

    const dry = await told("--dry-run");
    expect([dry.changed.length, dry.diff!.length, same()]).toEqual([4, 4, []]);
    expect(dry.problems).toEqual([expect.stringContaining("settings.json is no JSON object")]);
    expect(dry.servers.find((one) => one.name === "db")).toMatchObject({
      done: "left",
      why: expect.stringContaining("plugin"),
    });
    const web = dry.servers.find((one) => one.name === "web")!;
    expect(web).toMatchObject({
      done: "left",
      why: expect.stringContaining("weir proxy --name web --to http://127.0.0.1:9/mcp"),
    });

    expect((await told()).changed).toHaveLength(4);
    expect(same()).toHaveLength(4);
    expect((await told()).changed).toEqual([]);
    expect((await listed()).filter((one) => one.weir === "in front").map((one) => one.name)).toEqual([
      "everything",
      "plain",
      "local",
      "cat",
      "cat",
      "cat",
    ]);
    expect((await listed()).map((one) => one.server)).toEqual(before.map((one) => one.server));

    // the assistant starts what now stands there, without weir's settings in its environment
    const { mcpServers } = JSON.parse(readFileSync(claude, "utf8").replace("// mine", "")) as {
      mcpServers: Record<string, { command: string; args: string[]; env: Record<string, string> }>;
    };
    const client = new Client({ name: "assistant", version: "1" });
    const { everything } = mcpServers;
    await client.connect(
      new StdioClientTransport({
        ...everything!,
        env: { ...everything!.env, PATH: env.PATH!, HOME: home },
        stderr: "ignore",
      }),
    );
    const sum = await client.callTool({ name: "get-sum", arguments: { a: 2, b: 3 } });
    expect(JSON.stringify(sum.content)).toContain("5");
    await client.close();

    // a proxy that runs for an address takes its place
    const words = [CLI, "proxy", "--name", "web", "--to", "http://127.0.0.1:9/mcp", "--port", "0", "--json"];
    const proxy = start(process.execPath, words, { env });
    await until("the proxy listens", () => proxy.stdout().includes("url"), PATIENT);
    expect((await told()).servers.find((one) => one.name === "web")).toMatchObject({ done: "wrapped" });
    expect((await listed()).find((one) => one.name === "web")).toMatchObject({
      weir: "in front",
      server: "http://127.0.0.1:9/mcp",
    });
    const doctor = async () => (JSON.parse((await run("doctor", "--json")).stdout) as { checks: Check[] }).checks;
    const ofServers = async () => (await doctor()).filter((check) => check.what === "mcp servers");
    expect(await ofServers()).toMatchObject([{ ok: true, found: "7 of 9 MCP servers of assistants are recorded" }]);
    proxy.child.kill("SIGTERM");
    await proxy.ended;
    expect(await ofServers()).toMatchObject([
      { ok: true },
      { ok: false, fix: expect.stringContaining("weir proxy --name web --to http://127.0.0.1:9/mcp --port ") },
    ]);

    expect((await told("--scope", "project")).changed).toHaveLength(1);
    await told("--scope", "project", "--undo");
    const undone = await told("--undo");
    expect(undone.changed).toHaveLength(4);
    expect(same()).toEqual([]);
    for (const file of Object.keys(files)) expect(existsSync(`${file}.weir-wrap-backup`)).toBe(false);
    expect((await told("--undo")).changed).toEqual([]);

    await using weir = await startWeir({ dataDir });
    await until("the spool is empty", async () => {
      await weir.settled();
      return (await weir.sql("select 1 from mcp_calls where server = 'everything' and tool = 'get-sum'")).length === 1;
    });
  });

  test("what was entered after the first change, on either side of it, finds its way back", async () => {
    await using dir = await tempDir();
    const env = envOf(join(dir.path, "data"));
    const claude = join(env.HOME!, ".claude.json");
    mkdirSync(env.HOME!, { recursive: true });
    const web = { type: "http", url: "http://127.0.0.1:9/mcp" };
    const all = (...words: string[]) => cli(["wrap", "--all", ...words], { env });
    const words = [CLI, "proxy", "--name", "web", "--to", web.url, "--port", "0", "--json"];
    const proxy = start(process.execPath, words, { env });
    await until("the proxy listens", () => proxy.stdout().includes("url"), PATIENT);
    const servers = { local: { command: "cat" }, web };
    for (const first of [{ web }, { local: servers.local }]) {
      writeFileSync(claude, JSON.stringify({ mcpServers: first }));
      await all();
      const now = JSON.parse(readFileSync(claude, "utf8")) as { mcpServers: Record<string, unknown> };
      writeFileSync(claude, JSON.stringify({ mcpServers: { ...servers, ...now.mcpServers } }));
      await all();
      expect(readFileSync(claude, "utf8")).not.toContain(web.url);
      await all("--undo");
      expect(JSON.parse(readFileSync(claude, "utf8"))).toEqual({ mcpServers: servers });
      expect(existsSync(`${claude}.weir-wrap-backup`)).toBe(false);
    }
    proxy.child.kill("SIGTERM");
    await proxy.ended;
  });
});
