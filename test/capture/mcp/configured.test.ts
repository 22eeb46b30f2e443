import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Editor } from "../../../src/capture/mcp/configured/editor.ts";
import { frontOf, standingOf } from "../../../src/capture/mcp/configured/front.ts";
import { openJsonServers } from "../../../src/capture/mcp/configured/json.ts";
import { placesOf } from "../../../src/capture/mcp/configured/places.ts";
import { pluginPlaces } from "../../../src/capture/mcp/configured/plugins.ts";
import { openTomlServers } from "../../../src/capture/mcp/configured/toml.ts";

const PROGRAM = ["/usr/bin/node", "/opt/weir/dist/src/cli.js"];
const front = (name: string) => frontOf(PROGRAM, name, undefined);
const json = (text: string) => openJsonServers(text, "f.json", [["mcpServers"], ["projects", "*", "mcpServers"]]);
const opencode = (text: string) => openJsonServers(text, "o.json", [["mcp"], ["mcp", "servers"]]);

/** Puts weir in front of all that can be, and gives the text. */
function wrapped(editor: Editor): string {
  for (const server of editor.servers)
    if (server.words && standingOf(server).kind === "bare") editor.prepend(server, front(server.name));
  return editor.text;
}
function unwrapped(editor: Editor, was: Editor | undefined): string {
  for (const server of editor.servers) {
    const standing = standingOf(server);
    if (standing.kind === "wrapped" && !standing.byHand) editor.strip(server, standing.count, was);
  }
  return editor.text;
}

const CLAUDE = `{
\t// what I use
\t"numStartups": 7,
\t"mcpServers": {
\t\t"files": {"command": "npx", "args": ["-y",   "server-files", /* here */ "/work"], "env": {"KEY": "x"}},
\t\t"bare": { "command": "server" },
\t\t"none": { "command": "server", "args": [] },
\t\t"lines": {
\t\t\t"args": [
\t\t\t\t"one",
\t\t\t\t"two",
\t\t\t],
\t\t\t"command": "uvx" // last
\t\t},
\t\t"weir": {"command": "/usr/bin/node", "args": ["/opt/weir/dist/src/cli.js", "mcp"]},
\t\t"mine": {"command": "weir", "args": ["wrap", "--name", "mine", "--payloads", "full", "--", "cat"]},
\t\t"web": {"type": "http", "url": "https://mcp.example.com/mcp"},
\t\t"socket": {"type": "ws", "url": "wss://mcp.example.com"},
\t},
\t"projects": {"/home/ada/app": {"mcpServers": {"files": {"command": "deno"}}, "history": []}}
}
`;

describe("servers in JSON", () => {
  test("are read with what they need, whoever's they are", () => {
    expect(
      json(CLAUDE).servers.map((one) => [one.project, one.name, one.words ?? one.url ?? one.odd, standingOf(one).kind]),
    ).toEqual([
      [undefined, "files", ["npx", "-y", "server-files", "/work"], "bare"],
      [undefined, "bare", ["server"], "bare"],
      [undefined, "none", ["server"], "bare"],
      [undefined, "lines", ["uvx", "one", "two"], "bare"],
      [undefined, "weir", PROGRAM.concat("mcp"), "weir"],
      [undefined, "mine", expect.arrayContaining(["cat"]), "wrapped"],
      [undefined, "web", "https://mcp.example.com/mcp", "bare"],
      [undefined, "socket", "its address is not one of HTTP", "bare"],
      ["/home/ada/app", "files", ["deno"], "bare"],
    ]);
    expect(
      opencode('{"mcp":{"a":{"type":"local","command":["bun","x"],"enabled":false},"servers":{"b":{"command":["c"]}}}}')
        .servers,
    ).toMatchObject([
      { name: "a", words: ["bun", "x"], disabled: true },
      { name: "b", words: ["c"] },
    ]);
  });

  test("get weir in front, once, and lose it again without a trace", () => {
    const text = wrapped(json(CLAUDE));
    const editor = json(text);
    expect(editor.servers.filter((one) => standingOf(one).kind === "wrapped")).toHaveLength(6);
    expect(editor.servers[0]!.words).toEqual([...front("files"), "npx", "-y", "server-files", "/work"]);
    expect(text).toContain('"npx", "-y",   "server-files", /* here */ "/work"]');
    expect(wrapped(json(text))).toBe(text);
    expect(unwrapped(json(text), json(CLAUDE))).toBe(CLAUDE);
    const open = '{"mcp": {"a": {"command": ["bun",  "x"]}, "servers": {"b": {"command": ["c"]}}}}';
    expect(unwrapped(opencode(wrapped(opencode(open))), undefined)).toBe(open);
  });

  test("in any form come back byte for byte", () => {
    const words = fc.array(fc.string(), { maxLength: 4 });
    const server = fc.record(
      {
        command: fc.string({ minLength: 1 }),
        args: words,
        env: fc.dictionary(fc.string(), fc.string()),
        note: fc.jsonValue(),
      },
      { requiredKeys: ["command"] },
    );
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), server),
        fc.constantFrom(undefined, 2, "\t"),
        fc.jsonValue(),
        (servers, indent, other) => {
          const text = JSON.stringify({ other, mcpServers: servers }, null, indent);
          const was = openJsonServers(text, "f", [["mcpServers"]]);
          const after = wrapped(openJsonServers(text, "f", [["mcpServers"]]));
          const again = openJsonServers(after, "f", [["mcpServers"]]);
          for (const one of was.servers)
            if (standingOf(one).kind === "bare")
              expect(again.servers.find(({ name }) => name === one.name)!.words).toEqual([
                ...front(one.name),
                ...one.words!,
              ]);
          expect(JSON.parse(unwrapped(again, was))).toEqual(JSON.parse(text));
          if (indent !== undefined || Object.values(servers).every((one) => one.args !== undefined))
            expect(unwrapped(openJsonServers(after, "f", [["mcpServers"]]), was)).toBe(text);
        },
      ),
    );
  });
});

const CODEX = `model = "o4" # mine

[mcp_servers.files]
command = "npx"   # the program
args = ["-y", 'server-files',
  # where
  "/work", ]
env = { KEY = "x" }

  [mcp_servers."with space"]
  command = 'C:\\\\bin\\\\server.exe'
[mcp_servers."with space".env]
command = "not this"

[mcp_servers.empty]
enabled = false
args = []
command = "deno"

[mcp_servers.web]
url = "https://mcp.example.com/mcp"
[mcp_servers.odd]
command = ["a"]
[[hooks]]
command = "not this either"
`;

describe("servers in TOML", () => {
  test("are read in the form Codex writes them; others are left alone", () => {
    expect(
      openTomlServers(CODEX).servers.map((one) => [one.name, one.words ?? one.url ?? one.odd, one.disabled]),
    ).toEqual([
      ["files", ["npx", "-y", "server-files", "/work"], false],
      ["with space", ["C:\\\\bin\\\\server.exe"], false],
      ["empty", ["deno"], true],
      ["web", "https://mcp.example.com/mcp", false],
      ["odd", expect.stringContaining("plain texts"), false],
    ]);
    for (const text of [
      'mcp_servers = { a = { command = "x" } }',
      '[mcp_servers]\na = { command = "x" }',
      'mcp_servers.a.command = "x"',
      'note = """\n[mcp_servers.a]\ncommand = "x"\n"""',
      '[mcp_servers.a]\ncommand = """x"""',
      '[mcp_servers.a]\ncommand = "x"\nargs = [1]',
      '[mcp_servers.a]\ncommand = "x\\e"',
    ])
      expect(wrapped(openTomlServers(text))).toBe(text);
  });

  test("get weir in front, once, and lose it again without a trace", () => {
    for (const given of [CODEX, CODEX.replaceAll("\n", "\r\n")]) {
      const text = wrapped(openTomlServers(given));
      const editor = openTomlServers(text);
      expect(editor.servers.map((one) => standingOf(one).kind)).toEqual([
        "wrapped",
        "wrapped",
        "wrapped",
        "bare",
        "bare",
      ]);
      expect(editor.servers[0]!.words).toEqual([...front("files"), "npx", "-y", "server-files", "/work"]);
      expect(editor.servers[1]!.words).toEqual([...front("with space"), "C:\\\\bin\\\\server.exe"]);
      expect(text).toContain('command = "not this"');
      expect(wrapped(openTomlServers(text))).toBe(text);
      expect(unwrapped(openTomlServers(text), openTomlServers(given))).toBe(given);
      // a later change of something else stays
      const more = text.replace('"o4"', '"o5"');
      expect(unwrapped(openTomlServers(more), openTomlServers(given))).toBe(given.replace('"o4"', '"o5"'));
    }
  });

  test("no text at all makes it fail", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.constantFrom("[mcp_servers.a]", "command", "=", '"x"', "args", "[", "]", ",", "\n", "'", '"', "#", "x"),
        ),
        (parts) => {
          const text = parts.join("");
          const after = wrapped(openTomlServers(text));
          expect(unwrapped(openTomlServers(after), openTomlServers(text))).toBe(text);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe("whose a command is", () => {
  test.each([
    [["weir", "mcp"], "weir"],
    [["weir", "wrap", "--name", "x", "--", "weir", "mcp"], "wrapped"],
    [["/a/weir", "wrap", "--name=x", "cat"], "wrapped"],
    [["node", "--import", "tsx", "/w/src/cli.ts", "wrap", "--name", "x", "--", "c"], "wrapped"],
    [["weir", "wrap", "--name", "x", "--"], "bare"],
    [["weirdo", "wrap", "--name", "x", "--", "c"], "bare"],
    [["node", "/other/cli.js", "mcp"], "bare"],
    [["python", "/opt/weir/dist/src/cli.js", "mcp"], "bare"],
  ] as const)("%j is %s", (words, kind) => {
    expect(standingOf({ name: "x", words, disabled: false }).kind).toBe(kind);
  });

  test("places follow the system and what the environment says", () => {
    const base = { home: "/home/ada", cwd: "/home/ada/app", env: {} } as const;
    const of = (more: object) => placesOf({ ...base, platform: "linux", ...more }).map(({ file }) => file);
    expect(of({})).toEqual(
      expect.arrayContaining([
        "/home/ada/.claude.json",
        "/home/ada/app/.mcp.json",
        "/home/ada/.config/Code/User/mcp.json",
      ]),
    );
    expect(of({ platform: "darwin" })).toContain("/home/ada/Library/Application Support/Code/User/mcp.json");
    expect(
      of({ env: { CODEX_HOME: "/c", CLAUDE_CONFIG_DIR: "/d", COPILOT_HOME: "/e", XDG_CONFIG_HOME: "/f" } }),
    ).toEqual(
      expect.arrayContaining(["/c/config.toml", "/d/.claude.json", "/e/mcp-config.json", "/f/opencode/opencode.json"]),
    );
  });
});

describe("servers of Claude Code's plugins", () => {
  const root = "/home/ada/.claude/plugins";
  const market = `${root}/marketplaces/m/.claude-plugin/marketplace.json`;
  const files: Record<string, unknown> = {
    [`${root}/installed_plugins.json`]: {
      version: 2,
      plugins: {
        "bare@m": [{ scope: "user", installPath: "/p/bare" }],
        "named@m": [{ scope: "user", installPath: "/p/named" }],
        "here@m": [{ scope: "project", projectPath: "/home/ada/app", installPath: "/p/here" }],
        "elsewhere@m": [{ scope: "local", projectPath: "/home/ada/other", installPath: "/p/elsewhere" }],
        "old@m": { installPath: "/p/old" },
        "odd@m": [null, 7, { scope: "user" }],
      },
    },
    "/home/ada/.claude/settings.json": { enabledPlugins: { "bare@m": true, "named@m": false } },
    "/p/bare/.mcp.json": { db: { command: "db" } },
    "/p/named/.claude-plugin/plugin.json": { mcpServers: ["./a.json", "/p/b.json"] },
    "/p/named/a.json": { mcpServers: { a: { command: "a" } } },
    "/p/b.json": { b: { url: "https://b.example/mcp" } },
    "/p/old/.claude-plugin/plugin.json": { mcpServers: { inline: { command: "i" } } },
    "/p/elsewhere/.mcp.json": { no: { command: "no" } },
    [market]: { plugins: [{ name: "z" }, { name: "here", mcpServers: { gh: { command: "npx" } } }] },
  };
  const read = (file: string) => (file in files ? JSON.stringify(files[file]) : undefined);
  const machine = { home: "/home/ada", cwd: "/home/ada/app", platform: "linux", env: {} } as const;

  test("are found wherever a plugin may name them", () => {
    const found = pluginPlaces(machine, read).flatMap(({ file, paths, scope, plugin }) =>
      openJsonServers(read(file) ?? "{}", file, paths).servers.map(({ name }) => [name, plugin, scope, file]),
    );
    expect(found).toEqual([
      ["db", { name: "bare", enabled: true }, "user", "/p/bare/.mcp.json"],
      ["a", { name: "named", enabled: false }, "user", "/p/named/a.json"],
      ["b", { name: "named", enabled: false }, "user", "/p/b.json"],
      ["gh", { name: "here", enabled: true }, "project", market],
      ["inline", { name: "old", enabled: true }, "user", "/p/old/.claude-plugin/plugin.json"],
    ]);
  });

  test.each(["", "{", "[]", "null", '{"plugins":[1]}', '{"plugins":{"a":5}}'])(
    "nothing where the list is %j",
    (text) => {
      expect(pluginPlaces(machine, (file) => (file.endsWith("installed_plugins.json") ? text : undefined))).toEqual([]);
    },
  );
});
