import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HOOK_MAPPINGS } from "../../../src/capture/hooks/assistants.ts";
import { SETUPS } from "../../../src/capture/setup/assistants.ts";
import type { Entry, SettingsFile, Setup, Spot } from "../../../src/capture/setup/setup.ts";

const TOKEN = "t".repeat(32);
const SPOT: Spot = { home: "/home/ada", cwd: "/home/ada/app", env: {}, scope: "user" };
const entryFor = (setup: Setup, notes: string[] = []): Entry => ({
  version: undefined,
  command: (event) => `node /opt/weir/hook.cjs hook ${setup.name} ${event ?? ""}2>/dev/null || :`,
  http: undefined,
  mcp: { command: "/usr/bin/node", args: ["/opt/weir/cli.js", "mcp"], env: { WEIR_DATA_DIR: "/home/ada/weir" } },
  telemetry: setup.telemetry === "settings" ? { endpoint: "http://127.0.0.1:4777", token: TOKEN } : undefined,
  note: (text) => notes.push(text),
});

const JSON_TEXTS: Readonly<Record<string, string>> = {
  "comments, a trailing comma, keys of others":
    '{\n  // mine\n  "model": "x", /* why */\n  "hooks": {\n    "Stop": [\n      { "command": "./mine.sh", "hooks": [{ "type": "command", "command": "./mine.sh" }] }, // keep\n    ],\n  },\n  "mcpServers": { "other": { "command": "x" } },\n  "mcp": { "other": {} },\n  "telemetry": { "logPrompts": false },\n  "env": { "A": "1" },\n}\n',
  "tabs and CRLF": '{\r\n\t"version": 1,\r\n\t"a": [1, 2] // x\r\n}\r\n',
  "one line": '{"version":1,"hooks":{"stop":[{"command":"./a.sh"}]}}',
};
const TOML_TEXTS: Readonly<Record<string, string>> = {
  "comments, tables, values of several lines":
    '# mine\nmodel = "gpt" # why\nnotify = [\n  "a", # [otel]\n  "[mcp_servers.weir]",\n]\n\n[mcp_servers.other]\ncommand = "x"\n\n[mcp_servers."o t"]\ntext = """\n[otel]\n\\"""\n"""\n\n# at the end\n',
  CRLF: 'model = "a"\r\n\r\n[profiles.x]\r\nmodel = "b"\r\n',
  "a list of tables": '[[skills]]\nname = \'a # b\'\n\n[[skills]]\nname = "\\"[x]"\n',
  "one key": "model='a'\n",
};
const textsOf = ({ file, own }: SettingsFile): Readonly<Record<string, string>> =>
  own ? {} : file.endsWith(".toml") ? TOML_TEXTS : JSON_TEXTS;

test("an assistant that can be entered has a mapping, and the other way round", () => {
  expect(SETUPS.map(({ name }) => name).sort()).toEqual(Object.keys(HOOK_MAPPINGS).sort());
});

test("the page of assistants counts the hooks that are registered", () => {
  const page = readFileSync("docs/capture/assistants.md", "utf8");
  const told = [...page.matchAll(/\((\w+)\.md\) +\| (\d+) events/g)].map(([, name, count]) => [name, Number(count)]);
  const known = SETUPS.map(({ name, events }) => [name, Object.keys(events).length]);
  expect(told).toHaveLength(4);
  expect(known).toEqual(expect.arrayContaining(told));
});

describe.each(SETUPS.map((setup) => [setup.name, setup] as const))("%s", (_, setup) => {
  const entry = entryFor(setup);
  const files = setup.files(SPOT);

  test("the paths of both scopes lie where they should, and no two are the same", () => {
    for (const scope of ["user", "project"] as const) {
      const paths = setup.files({ ...SPOT, scope }).map(({ file }) => file);
      expect(new Set(paths).size).toBe(paths.length);
      for (const path of paths) expect(path.startsWith(scope === "project" ? SPOT.cwd : SPOT.home)).toBe(true);
    }
  });

  test.each(files.map((file) => [file.file, file] as const))(
    "%s: where there is none, it is made and removed",
    (_, of) => {
      const after = of.enter(undefined, entry);
      expect(after).toContain("weir");
      expect(of.enter(after, entry)).toBe(after);
      expect(of.leave(after!)).toBeUndefined();
      expect(of.enter("", entry)).toBe(of.own ? "" : after);
    },
  );

  const cases = files.flatMap((of) =>
    Object.entries(textsOf(of)).map(([name, text]) => [of.file, name, of, text] as const),
  );
  test.each(cases)("%s, %s: entered, twice the same, and taken out byte for byte", (_, __, of, text) => {
    const after = of.enter(text, entry)!;
    expect(after).not.toBe(text);
    expect(of.enter(after, entry)).toBe(after);
    expect(of.leave(after)).toBe(text);
    for (const comment of text.match(/(?:\/\/|#) ?\w.*|\/\*.*?\*\//g) ?? []) expect(after).toContain(comment.trim());
    expect(of.leave(text)).toBe(text);
  });

  test("what an earlier weir entered is replaced, and found by who looks", () => {
    const old: Entry = {
      ...entry,
      command: (event) => entry.command(event).replace("/opt/weir", "/opt/old"),
      mcp: { ...entry.mcp!, args: ["/opt/old/cli.js", "mcp"] },
    };
    for (const of of files) {
      const after = of.enter(of.enter(undefined, old), entry);
      const lines = (text: string | undefined) =>
        (text ?? "")
          .split("\n")
          .map((line) => line.replace(/,$/, ""))
          .sort();
      expect(lines(after)).toEqual(lines(of.enter(undefined, entry)));
      expect(after).not.toContain("/opt/old");
    }
    const standing = files.map((of) => of.standing(of.enter(undefined, entry)!));
    const events = standing.flatMap(({ hooks }) => hooks.map(({ event }) => event));
    expect(events.sort()).toEqual(Object.keys(setup.events).sort());
    const telemetry = standing.flatMap((found) => found.telemetry ?? []);
    expect(telemetry.map(({ endpoint }) => endpoint)).toEqual(entry.telemetry ? ["http://127.0.0.1:4777"] : []);
  });

  test("a file that is no settings is refused and named", () => {
    for (const of of files.filter(({ own }) => !own))
      for (const text of ["\u0000", "{", "a = [", '"""'])
        expect(() => of.enter(text, entry)).toThrow(of.file.split("/").at(-1)!);
  });
});

describe("what is somebody else's under the same name", () => {
  const changed = (name: string, ends: string, text: string): { text: string | undefined; notes: string[] } => {
    const setup = SETUPS.find((known) => known.name === name)!;
    const notes: string[] = [];
    const of = setup.files(SPOT).find(({ file }) => file.endsWith(ends))!;
    const after = of.enter(text, entryFor(setup, notes));
    expect(of.leave(after!)).toBe(text);
    return { text: after, notes };
  };
  test("an MCP server", () => {
    const text = '{"mcpServers":{"weir":{"command":"other"}}}';
    expect(changed("cursor", "mcp.json", text)).toEqual({ text, notes: [expect.stringContaining("left alone")] });
  });
  test("a table, however it is written", () => {
    const texts = [
      '[mcp_servers.weir]\ncommand = "other"\n\n[otel]\nexporter = "none"\n',
      'mcp_servers = { weir = { command = "other" } }\notel = { exporter = "none" }\n',
      'otel.exporter = "none"\n[mcp_servers]\nweir = { command = "other" }\n',
      '[mcp_servers.weir.env]\nA = "1"\n\n[ "otel" ]\n',
    ];
    for (const text of texts)
      expect([text, changed("codex", "config.toml", text)]).toEqual([
        text,
        {
          text,
          notes: expect.arrayContaining([expect.stringContaining("mcp_servers.weir"), expect.stringContaining("otel")]),
        },
      ]);
  });
  test("a plugin", () => {
    const text = "export const Weir = 1;\n";
    expect(changed("opencode", "weir.js", text)).toEqual({ text, notes: [expect.stringContaining("not weir's")] });
  });
});

describe("telemetry", () => {
  const of = SETUPS.find(({ name }) => name === "claude-code")!.files(SPOT)[0]!;
  const setup = SETUPS.find(({ name }) => name === "claude-code")!;
  const entered = (text: string): { text: string; notes: string[] } => {
    const notes: string[] = [];
    return { text: of.enter(text, { ...entryFor(setup, notes), command: () => "echo" })!, notes };
  };

  test("values of the person stay when weir is taken out, those that equal weir's too where the copy has them", () => {
    const text = '{"env":{"OTEL_LOGS_EXPORTER":"console","OTEL_METRICS_EXPORTER":"otlp"}}';
    const { text: after, notes } = entered(text);
    expect(notes.join()).toContain("OTEL_LOGS_EXPORTER had other values");
    expect(JSON.parse(of.leave(after, text)!).env).toEqual(JSON.parse(text).env);
    expect(JSON.parse(of.leave(after)!).env).toEqual({ OTEL_LOGS_EXPORTER: "console" });
  });

  test.each(["http://127.0.0.1:4318", "https://collector.example"])(
    "what goes to a collector of somebody else (%s) is left alone, and gets no token",
    (address) => {
      const text = `{"env":{"OTEL_EXPORTER_OTLP_ENDPOINT":"${address}"}}`;
      const { text: after, notes } = entered(text);
      expect(JSON.parse(after).env).toEqual(JSON.parse(text).env);
      expect(notes).toEqual([expect.stringContaining("OTEL_EXPORTER_OTLP_ENDPOINT")]);
    },
  );
});

test("any TOML of tables, keys, comments and long values survives", () => {
  const setup = SETUPS.find(({ name }) => name === "codex")!;
  const of = setup.files(SPOT).find(({ file }) => file.endsWith(".toml"))!;
  const entry = entryFor(setup);
  const key = fc.constantFrom("a", "b-c", '"q x"', "'l'", "a.b", "weird");
  const value = fc.constantFrom(
    "1",
    '"x # y"',
    "'[z]'",
    '[\n  1, # [one]\n  "]",\n]',
    '"""\n[mcp_servers.weir]\n"""',
    "{ a = [1, 2] }",
    "1979-05-27T07:32:00Z",
    "'''\n\\'''",
  );
  const line = fc.oneof(
    fc.tuple(key, value).map(([k, v]) => `${k} = ${v}`),
    fc.constantFrom("", "# note", "   # [otel]", "\t"),
    key.map((k) => `[mcp.${k}]`),
    key.map((k) => `[[${k}]] # list`),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), fc.constantFrom("\n", "\r\n"), (lines, eol) => {
      const text = lines.length === 0 ? "" : lines.join("\n").replaceAll("\n", eol) + eol;
      const after = of.enter(text, entry)!;
      expect(after.startsWith(text)).toBe(true);
      expect(of.enter(after, entry)).toBe(after);
      expect(of.leave(after) ?? "").toBe(text.trim() === "" ? "" : text);
    }),
    { numRuns: 200 },
  );
});
