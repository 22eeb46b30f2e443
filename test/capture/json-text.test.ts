import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { handlersOf } from "../../src/capture/claude-code/hook/registered.ts";
import { openJson, sameButSpace } from "../../src/capture/json-text.ts";
import { addHooks, hooksForm, registeredHooks, removeHooks } from "../../src/capture/setup/hooks.ts";
import { addMcpServer, removeMcpServer } from "../../src/capture/setup/json-values.ts";

const FILE = "settings.json";
const FORM = hooksForm("claude-code", true);
const entryOf = (command: string) => ({ command: () => command, version: undefined, http: undefined });
const HANDLERS = handlersOf(entryOf("node /x/hook.cjs hook claude-code"));
const SERVER = { type: "stdio", command: "node", args: ["cli.js", "mcp"], env: {} };
const entered = (text: string): string => {
  const settings = openJson(text, FILE);
  addHooks(settings, FORM, HANDLERS, FILE);
  addMcpServer(settings, ["mcpServers"], SERVER);
  return settings.text;
};
const takenOut = (text: string): string => {
  const settings = openJson(text, FILE);
  removeHooks(settings, FORM);
  removeMcpServer(settings, ["mcpServers"]);
  return settings.text;
};

const SAMPLES: Readonly<Record<string, string>> = {
  "comments and trailing commas": `{
    // mine
    "model": "opus", /* why */
    "hooks": {
        "PreToolUse": [
            { "matcher": "Bash", "hooks": [ { "type": "command", "command": "./mine.sh" } ] }, // keep
        ], // and this
    },
    "unknown": { "b": 1, "a": [1,2,3] }, // last
}
`,
  "tabs and CRLF":
    '{\r\n\t"b": [1, 2],\r\n\t"hooks": {\r\n\t\t"Stop": [\r\n\t\t\t{ "hooks": [] } // x\r\n\t\t]\r\n\t}\r\n}\r\n',
  "one line": '{"a":1,"hooks":{"Stop":[{"hooks":[{"type":"command","command":"x"}]}]},"mcpServers":{"other":{}}}',
  "one name": '{\n  "a": "}" // {\n}',
  "a byte order mark": '\uFEFF{\n  "a": 1\n}\n',
};

describe("settings of somebody else", () => {
  test.each(Object.entries(SAMPLES))("%s: what was entered is taken out again, byte for byte", (_, text) => {
    const after = entered(text);
    expect(
      registeredHooks(openJson(after, FILE), FORM)
        .map((hook) => hook.event)
        .sort(),
    ).toEqual(Object.keys(HANDLERS).sort());
    expect(openJson(after, FILE).get(["mcpServers", "weir"])).toEqual(SERVER);
    expect(takenOut(after)).toBe(text);
  });

  test.each(Object.entries(SAMPLES))("%s: every line of before is there, and twice changes nothing", (_, text) => {
    const after = entered(text);
    expect(entered(after)).toBe(after);
    for (const comment of text.match(/\/\/ ?\w.*|\/\*.*?\*\//g) ?? []) expect(after).toContain(comment.trim());
    const settings = openJson(after, FILE);
    const before = openJson(text, FILE);
    for (const name of ["model", "unknown", "a", "b"]) expect(settings.get([name])).toEqual(before.get([name]));
  });

  test("an empty file and an empty object come back but for space", () => {
    for (const text of ["", "{}", "{ }\n", '{ "hooks": { } }', "{\n  // nothing yet\n}"]) {
      expect(sameButSpace(takenOut(entered(text)), text === "" ? "{}" : text.replace('"hooks": { }', ""))).toBe(true);
    }
  });

  test("any JSON object, in any common form of writing, survives", () => {
    const name = fc.oneof(fc.constantFrom("hooks", "mcpServers", "env", "x y", 'q"'), fc.string());
    const object = fc
      .dictionary(name, fc.jsonValue({ maxDepth: 3 }), { maxKeys: 6 })
      .map(({ hooks, mcpServers, ...rest }) => ({
        ...rest,
        ...(hooks === undefined ? {} : { hooks: { Stop: [{ hooks: [hooks] }, hooks] } }),
        ...(mcpServers === undefined ? {} : { mcpServers: { other: mcpServers } }),
      }));
    fc.assert(
      fc.property(object, fc.constantFrom(undefined, 2, 4, "\t"), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        const after = entered(text);
        expect(entered(after)).toBe(after);
        expect(JSON.parse(takenOut(after))).toEqual(JSON.parse(text));
        if (Object.keys(value).length > 0) expect(takenOut(after)).toBe(text);
      }),
      { numRuns: 60 },
    );
  });

  test("of a name that stands twice the last one counts", () => {
    const text = '{\n  "hooks": {"Stop": [1]},\n  "hooks": {"Stop": [2], "Stop": []}\n}\n';
    expect(JSON.parse(entered(text)).hooks.Stop).toEqual([{ hooks: [HANDLERS.Stop] }]);
    expect(entered(entered(text))).toBe(entered(text));
    expect(takenOut(entered(text))).not.toContain("hook claude-code");
  });
  test("a handler of an earlier weir is replaced, others stay", () => {
    const old =
      '{ "hooks": { "Stop": [ { "hooks": [ { "type": "command", "command": "weir hook claude-code" }, { "type": "command", "command": "b" } ] } ], "Gone": [ { "hooks": [ { "type": "http", "url": "http://127.0.0.1:1/hooks/claude-code" } ] } ] } }';
    const settings = openJson(entered(old), FILE);
    expect(settings.get(["hooks", "Gone"])).toBeUndefined();
    expect(settings.get(["hooks", "Stop"])).toEqual([
      { hooks: [{ type: "command", command: "b" }] },
      { hooks: [HANDLERS.Stop] },
    ]);
  });

  test("what is no object, or hooks of another form, is refused with its line", () => {
    for (const text of ["[]", "{", '{\n"a": }', "null", "\u0000"])
      expect(() => openJson(text, FILE)).toThrow(/no JSON object/);
    expect(() => entered('{"hooks": []}')).toThrow(/hooks in settings.json is not an object/);
    expect(() => entered('{"hooks": {"Stop": {}}}')).toThrow(/hooks.Stop/);
  });
});

describe("handlers", () => {
  test("neither the event that its hook replaces, nor the one that draws the screen, nor the one without files to watch", () => {
    expect(Object.keys(HANDLERS)).toHaveLength(30);
    for (const event of ["WorktreeCreate", "MessageDisplay", "FileChanged"]) expect(HANDLERS).not.toHaveProperty(event);
    for (const handler of Object.values(HANDLERS)) expect(FORM.ours(handler)).toBe(true);
  });
  test("events that an older version does not know are left out", () => {
    const old = handlersOf({ ...entryOf("weir hook claude-code"), version: "2.1.70" });
    expect(old).toHaveProperty("InstructionsLoaded");
    expect(old).not.toHaveProperty("StopFailure");
    expect(old).not.toHaveProperty("PostModelSwitch");
  });
  test("over HTTP, but for the two that cannot", () => {
    const http = handlersOf({
      ...entryOf("c"),
      http: { url: "http://127.0.0.1:4777/hooks/claude-code", token: "t" },
    });
    const commands = Object.entries(http).filter(([, handler]) => handler.type === "command");
    expect(commands.map(([event]) => event)).toEqual(["SessionStart", "Setup"]);
    expect(http.Stop).toEqual({
      type: "http",
      url: "http://127.0.0.1:4777/hooks/claude-code",
      headers: { Authorization: "Bearer t" },
      timeout: 5,
    });
  });
});
