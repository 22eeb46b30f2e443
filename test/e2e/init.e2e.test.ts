import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { tempDir } from "../support/temp.ts";
import { cli, envOf } from "../support/weir.ts";

test("weir init changes nothing at all where one of the files must not be changed, and says which", async () => {
  await using dir = await tempDir();
  const env = envOf(join(dir.path, "data"));
  const settings = join(env.HOME!, ".claude", "settings.json");
  const servers = join(env.HOME!, ".claude.json");
  mkdirSync(env.HOME!, { recursive: true });
  writeFileSync(servers, "{}\n");
  chmodSync(servers, 0o444);
  const refused = await cli(["init", "claude-code"], { env });
  expect([refused.code, refused.stderr]).toEqual([
    1,
    expect.stringContaining(`${servers} cannot be changed: it is read-`),
  ]);
  expect(existsSync(settings)).toBe(false);

  mkdirSync(settings, { recursive: true });
  const folder = await cli(["init", "claude-code"], { env });
  expect([folder.code, folder.stderr]).toEqual([1, expect.stringContaining(`${settings} is no file`)]);
});

test("a link to a file that is not there yet stays a link", async () => {
  await using dir = await tempDir();
  const env = envOf(join(dir.path, "data"));
  const settings = join(env.HOME!, ".claude", "settings.json");
  mkdirSync(join(env.HOME!, ".claude"), { recursive: true });
  symlinkSync(join(dir.path, "dots", "claude.json"), settings);
  expect((await cli(["init", "claude-code"], { env })).code).toBe(0);
  expect(lstatSync(settings).isSymbolicLink()).toBe(true);
  expect(readFileSync(settings, "utf8")).toContain("hook claude-code");
});

test("weir init leaves a file alone that is no text", async () => {
  await using dir = await tempDir();
  const env = envOf(join(dir.path, "data"));
  const settings = join(env.HOME!, ".claude", "settings.json");
  const bytes = Buffer.from('{"a":"\xe9"}', "latin1");
  mkdirSync(join(env.HOME!, ".claude"), { recursive: true });
  writeFileSync(settings, bytes);
  expect(await cli(["init", "claude-code"], { env })).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^error: bad_input: .*settings\.json is no UTF-8 text/m),
  });
  expect(readFileSync(settings)).toEqual(bytes);
});

test("weir init --remove gives back the bytes that were there, empty lists and empty files too", async () => {
  await using dir = await tempDir();
  const env = envOf(join(dir.path, "data"));
  const folder = join(env.HOME!, ".claude");
  const settings = join(folder, "settings.json");
  mkdirSync(folder, { recursive: true });
  for (const text of ["", "\uFEFF", '{\r\n  "hooks": { "Stop": [] },\r\n  "a": 1\r\n}', '{"hooks":{}}']) {
    writeFileSync(settings, text);
    for (const options of [[], ["--remove"]])
      expect(await cli(["init", "claude-code", ...options], { env })).toMatchObject({ code: 0 });
    expect(readFileSync(settings, "utf8")).toBe(text);
    expect(readdirSync(folder)).toEqual(["settings.json"]);
  }
  writeFileSync(settings, '{"env":{}}');
  for (const options of [["--otel"], ["--remove"]])
    expect(await cli(["init", "claude-code", ...options], { env: { ...env, WEIR_HTTP_PORT: "4777" } })).toMatchObject({
      code: 0,
    });
  expect(readFileSync(settings, "utf8")).toBe('{"env":{}}');
  expect(readdirSync(folder)).toEqual(["settings.json"]);
});

test.each([
  [".claude.json", '{"mcpServers":null}', [], "mcpServers"],
  [".claude.json", '{"mcpServers":[]}', [], "mcpServers"],
  [".claude/settings.json", '{"env":null}', ["--otel"], "env"],
])("weir init changes nothing where %s holds %s", async (name, text, options, what) => {
  await using dir = await tempDir();
  const env = envOf(join(dir.path, "data"), { WEIR_HTTP_PORT: "4777" });
  const file = join(env.HOME!, name);
  mkdirSync(join(env.HOME!, ".claude"), { recursive: true });
  writeFileSync(file, text);
  expect(await cli(["init", "claude-code", ...options], { env })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`error: bad_input: ${what} in ${file} is not an object`),
  });
  expect(readFileSync(file, "utf8")).toBe(text);
});

test("weir doctor finds nothing wrong with hooks of a folder whose name needs quotes", async () => {
  await using dir = await tempDir();
  const env = envOf(join(dir.path, "Ada's ü files", "data"));
  mkdirSync(join(env.HOME!, ".claude"), { recursive: true });
  expect((await cli(["init", "claude-code"], { env, cwd: dir.path })).code).toBe(0);
  expect((await cli(["doctor"], { env, cwd: dir.path })).stdout).toMatch(/^ok {2}claude-code hooks /m);
});

test("the copy beside the settings is what they were before weir came, also the second time", async () => {
  await using dir = await tempDir();
  const env = envOf(join(dir.path, "data"));
  const settings = join(env.HOME!, ".claude", "settings.json");
  const init = (...words: string[]) => cli(["init", "claude-code", ...words], { env });
  mkdirSync(join(env.HOME!, ".claude"), { recursive: true });
  writeFileSync(settings, '{"a":1}');
  await init();
  writeFileSync(settings, readFileSync(settings, "utf8").replace('"a":1', '"a":2'));
  await init();
  expect(readFileSync(`${settings}.weir-backup`, "utf8")).toBe('{"a":1}');
  await init("--remove");
  expect(readFileSync(settings, "utf8")).toBe('{"a":2}');
  expect((await init()).stdout).toContain(`as it was: ${settings}.weir-backup`);
  expect(readFileSync(`${settings}.weir-backup`, "utf8")).toBe('{"a":2}');
  await init("--remove");
  expect([readFileSync(settings, "utf8"), readdirSync(join(env.HOME!, ".claude"))]).toEqual([
    '{"a":2}',
    ["settings.json"],
  ]);
});
