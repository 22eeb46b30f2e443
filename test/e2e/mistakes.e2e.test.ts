import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { tempDir } from "../support/temp.ts";
import { cli, envOf, startWeir } from "../support/weir.ts";

// many programs one after the other
vi.setConfig({ testTimeout: 240_000 });

/** A command line, how it ends, and what its one line of error says. */
type Mistake = readonly [words: readonly string[], code: number, error: RegExp];

const usage = (words: string, error: RegExp): Mistake => [words.split(" "), 2, error];

/** Told without asking anybody: no weir runs. */
const WRONG_USAGE: readonly Mistake[] = [
  usage("nonsense", /^usage: unknown command 'nonsense'/),
  usage("stats", /^usage: unknown command 'stats' \(did you mean status\?\)/),
  usage("help nonsense", /^usage: unknown command 'nonsense'/),
  usage("--nonsense", /^usage: unknown option '--nonsense'/),
  usage("status extra", /^usage: too many arguments/),
  usage("doctor --jsn", /^usage: unknown option '--jsn' \(did you mean --json\?\)/),
  usage("rejected", /^usage: a command of rejected is missing \(there are list, show, retry\)/),
  usage("rejected shw", /^usage: .*\(did you mean show\?\)/),
  usage("watch rm /tmp", /^usage: unknown command 'rm' \(there are add, remove, list\)/),
  usage("watch add /no/such/folder", /^usage: \/no\/such\/folder is not a folder/),
  usage("query sessions --limit -5", /^usage: limit=-5 is less than 1/),
  usage("query usage --by week", /^usage: by=week is not one of day/),
  usage("query usage day", /^usage: day is not of the form --name value/),
  usage("query nonsense --help", /^usage: no query is called nonsense \(there are .*sessions/),
  usage("query sessions --since nonsense", /^usage: since=nonsense is no time/),
  usage("query sessions --project", /^usage: --project takes a value/),
  usage("query sessions --projct x", /^usage: projct is no argument \(did you mean project\?\)/),
  usage("query sesions", /^usage: no query is called sesions \(did you mean sessions\?\)/),
  usage("query sessions --json --csv", /^usage: --json and --csv/),
  usage("coverage --since nonsense", /^usage: since=nonsense is no time/),
  usage("rejected show 7", /^usage: 7 is not the id of a rejection/),
  usage("import", /^usage: missing required argument 'assistant'/),
  usage("publish", /^usage: publish takes a type/),
  usage("export", /^usage: required option '--format/),
  usage("sql", /^usage: missing required argument 'query'/),
  [["sql", " "], 2, /^usage: the statement is empty/],
  [["sql", "select 1", "--json", "--csv"], 2, /^usage: option '--csv' cannot be used with option '--json'/],
  [["publish", "tool.called", "{nonsense"], 2, /^usage: data=.* is no JSON/],
  [["publish", "tool.called", '{"tool":"a"}', "--time", "yesterday"], 2, /^usage: time=yesterday is no time/],
  usage("publish --file", /^usage: option '--file <file>' argument missing/),
  usage("set-threshold --name a", /^usage: required option '--metric/),
  usage("set-threshold --name a --metric b --above high", /^usage: above=high is not a finite number/),
  usage("tail --from -1", /^usage: --from takes a sequence/),
  usage("export --format xml", /^usage: --format takes parquet or jsonl/),
  usage("export --format jsonl --out x", /^usage: --out is the folder of Parquet files/),
  usage("import cursor", /^usage: weir imports claude-code, codex, gemini, copilot, not cursor/),
  usage("run nobody", /^usage: no processor is called nobody/),
  usage("up --without nobody", /^usage: no processor is called nobody/),
  usage("up --without nobody --without validate", /^usage: no processor is called nobody/),
  usage("publish tool.called {} --file x", /^usage: --file brings types and data of its own/),
  usage("init nobody", /^usage: weir init knows claude-code/),
  usage("wrap --name x --payloads all -- true", /^usage: --payloads takes/),
  [["export", "--format", "parquet", "--out", ""], 2, /^usage: --out <folder> is empty/],
  [["watch", "remove", ""], 2, /^usage: <path> is empty/],
  [["import", "codex", ""], 2, /^usage: <dir> is empty/],
];

/** A variable of the environment, its value, and what `weir up` says of it. */
const WRONG_SETTINGS: readonly (readonly [string, string, RegExp])[] = [
  ["WEIR_HTTP_PORT", "http", /^bad_config: WEIR_HTTP_PORT=http is not a whole number from 0 to 65535/],
  ["WEIR_NATS_PORT", "-1", /^bad_config: WEIR_NATS_PORT=-1/],
  ["WEIR_PROFILE", "quick", /^bad_config: WEIR_PROFILE=quick is not safe, fast/],
  ["WEIR_LOG_BYTES", "1e10", /^bad_config: WEIR_LOG_BYTES=1e10/],
  ["WEIR_PRICES_FILE", "/no/such/file", /^bad_config: the price table \/no\/such\/file cannot be read/],
  ["WEIR_FOLLOW", "maybe", /^bad_config: WEIR_FOLLOW=maybe/],
  ["WEIR_LOG_LEVEL", "loud", /^bad_config: WEIR_LOG_LEVEL=loud/],
  // it may hold a password: the value is not repeated
  ["WEIR_NATS_URL", "http://ada:secret@host", /^bad_config: WEIR_NATS_URL is not nats:\/\/\[user:password@\]host:port/],
  ["WEIR_NATS_URL", "nats://ada:100%secret@host", /^bad_config: WEIR_NATS_URL is not/],
];

/** The one line, without what stands in front of every one. */
function expectMistake(what: unknown, ran: Awaited<ReturnType<typeof cli>>, code: number, error: RegExp): void {
  expect({ what, code: ran.code, stdout: ran.stdout }).toEqual({ what, code, stdout: "" });
  expect(ran.stderr, String(what)).toMatch(/^error: [a-z_]+: .+ \([^\n]+\)\n$/);
  expect(ran.stderr.slice("error: ".length), String(what)).toMatch(error);
}

test("wrong usage is one line with what to do, and ends with 2, whether weir runs or not", async () => {
  await using dir = await tempDir();
  const env = envOf(join(dir.path, "data"));
  const ran = await Promise.all(WRONG_USAGE.map(([words]) => cli(words, { env })));
  for (const [k, [words, code, error]] of WRONG_USAGE.entries()) expectMistake(words, ran[k]!, code, error);
});

test("a wrong setting is named with what it takes, and nothing is started or made", async () => {
  await using dir = await tempDir();
  for (const [name, value, error] of WRONG_SETTINGS) {
    const env = envOf(join(dir.path, "data"), { [name]: value });
    const ran = await cli(["up"], { env });
    expectMistake(`${name}=${value}`, ran, 2, error);
    expect(ran.stderr).not.toMatch(/secret/);
  }
  const ran = await cli(["config", "--json"], {
    env: envOf(join(dir.path, "data"), { WEIR_NATS_URL: "nats://ada:secret@host:4222" }),
  });
  expect([ran.code, JSON.parse(ran.stdout).natsUrl]).toEqual([0, "nats://ada:…@host:4222"]);
});

test("what the machine refuses is told, and ends with 1", async () => {
  await using dir = await tempDir();
  const dataDir = join(dir.path, "data");
  const file = join(dir.path, "file");
  await writeFile(file, "");
  const taken = createServer();
  await new Promise<void>((done) => taken.listen(0, "127.0.0.1", done));
  const port = String((taken.address() as { port: number }).port);
  const settings: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
    [{ WEIR_DATA_DIR: file }, /^data_dir_unusable: .*file/],
    [{ WEIR_DATA_DIR: join(file, "below") }, /^data_dir_unusable: /],
    [{ WEIR_HTTP_PORT: port }, new RegExp(`^port_in_use: port ${port} of 127\\.0\\.0\\.1 is in use`)],
    [{ WEIR_NATS_PORT: port }, new RegExp(`^port_in_use: port ${port}, meant for the broker`)],
    [{ WEIR_NATS_URL: `nats://127.0.0.1:9` }, /^broker_unreachable: nats:\/\/127\.0\.0\.1:9 cannot be reached/],
    ...(process.platform === "linux" ? [[{ WEIR_DATA_DIR: "/proc/weir" }, /^data_dir_unusable: /] as const] : []),
  ];
  for (const [more, error] of settings) expectMistake(more, await cli(["up"], { env: envOf(dataDir, more) }), 1, error);
  taken.close();
  for (const [path, why] of [
    [join(dir.path, "none"), /is no working nats-server: spawn .* ENOENT/],
    [file, /is no working nats-server: spawn .* EACCES/],
    [process.execPath, /broker_missing: /], // a program, but another one
  ] as const) {
    const ran = await cli(["up"], { env: envOf(dataDir, { WEIR_NATS_SERVER: path }) });
    expect([path, ran.code, ran.stderr]).toEqual([path, 1, expect.stringMatching(/^error: broker_missing: /)]);
    expect(ran.stderr).toMatch(why);
  }
});

test("a running weir is asked for what is wrong with it: nothing is stored, and the rest of a file is taken", async () => {
  await using weir = await startWeir();
  await using dir = await tempDir();
  const events = await weir.sql<{ n: number }>("select count(*) as n from events where type <> 'clock.ticked'");
  const mistakes: readonly Mistake[] = [
    [["publish", "tool.caled", "{}"], 1, /^bad_input: .*tool\.called/],
    [["publish", "--file", join(dir.path, "none")], 1, /^bad_input: .*none does not exist/],
    [["publish", "--file", dir.path], 1, /^file_unusable: .* cannot be read: it is a folder/],
    [["sql", "select"], 1, /^sql_failed: /],
    [["sql", "select 1; select 2"], 1, /^sql_refused: one statement at a time/],
    [["sql", "select * from nope"], 1, /^sql_refused: there is no table nope/],
    [["acknowledge-alert", "--id", "nope"], 1, /^not_found: /],
    [["remove-threshold", "--name", "nope"], 1, /^not_found: no threshold has the name nope/],
    [["tail", "--from", "99999999"], 2, /^usage: the log ends at \d+, before 99999999/],
    [["import", "claude-code", join(dir.path, "none")], 1, /^bad_input: .*none does not exist/],
    [
      ["export", "--format", "parquet", "--out", join(weir.dataDir, "capture.token", "x")],
      1,
      /^file_unusable: .*: a part of the path is no folder \(ENOTDIR/,
    ],
  ];
  for (const [words, code, error] of mistakes) expectMistake(words, await weir.run(words), code, error);
  expect(await weir.sql("select count(*) as n from events where type <> 'clock.ticked'")).toEqual(events);

  const empty = join(dir.path, "empty");
  await mkdir(empty);
  const none = await weir.run(["import", "codex", empty]);
  expect([none.code, none.stderr]).toEqual([0, `No session files were found in ${empty}.\n`]);

  const good = (n: number) =>
    JSON.stringify({
      specversion: "1.0",
      id: `g${n}`,
      source: "test://x",
      type: "metric.measured",
      data: { name: "a", value: n },
    });
  const deep = `${"[".repeat(5_000)}${"]".repeat(5_000)}`;
  const lines = ["", good(1), "{broken", deep, `"${"x".repeat(3_000_000)}"`, "\u0000\u0001", good(2), "{}", good(3)];
  const file = join(dir.path, "events.jsonl");
  await writeFile(file, Buffer.concat([Buffer.from(lines.join("\n")), Buffer.from([10, 0xff, 0xfe, 0x80])]));
  const ran = await weir.run(["publish", "--file", file, "--json"]);
  const report = JSON.parse(ran.stdout) as { accepted: number; rejected: { line: number; error: string }[] };
  expect([ran.code, report.accepted, report.rejected.map(({ line }) => line)]).toEqual([1, 3, [3, 4, 5, 6, 8, 10]]);
  expect(report.rejected.filter(({ line }) => line === 4 || line === 5).map(({ error }) => error)).toEqual([
    "nested deeper than 64",
    expect.stringMatching(/^longer than \d+ bytes$/),
  ]);
});

test("a weir that does not answer is found within seconds", async () => {
  await using weir = await startWeir();
  process.kill(weir.runtime.pid, "SIGSTOP");
  const ran = await weir.run(["doctor", "--json"]);
  process.kill(weir.runtime.pid, "SIGCONT");
  const { ok, checks } = JSON.parse(ran.stdout) as { ok: boolean; checks: { what: string; found: string }[] };
  expect([ran.code, ok]).toEqual([1, false]);
  expect(checks.find(({ what }) => what === "health")?.found).toMatch(/^failing; weir at .* did not answer in 3 s$/);
  expect(checks.filter(({ what }) => what === "clock")).toEqual([]);
});
