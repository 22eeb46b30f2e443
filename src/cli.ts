#!/usr/bin/env node
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { Command, CommanderError, Option } from "commander";
import { OPTIONS, readConfig } from "./base/config.ts";
import { WeirError } from "./base/errors.ts";
import { fail, say, sayJson } from "./cli/print.ts";
import { definitionsRoot, entry, version } from "./cli/root.ts";
import { fieldList } from "./define/field.ts";
import { loadDefinitions } from "./engine/load.ts";

// whoever reads has enough, as in `weir export --format jsonl | head`; a full disk behind it is a failure
process.stdout.on("error", (error: NodeJS.ErrnoException) => (error.code === "EPIPE" ? process.exit(0) : fail(error)));
// nobody reads what is told to people: the work itself goes on
process.stderr.on("error", () => {});

/** What `weir run --help` tells beyond its options. */
const RUN_HELP = `
It works on the broker that WEIR_NATS_URL names, else on that of the weir that runs on WEIR_DATA_DIR, and checks it as weir up does.
Several of one processor share the partitions (WEIR_PARTITIONS); where two meet on one partition, only one of them can write.
SIGTERM and SIGINT let it publish what it has taken, save its state, and end with 0; a second signal ends it at once.
A broker that is away is waited for; a log that was replaced or cut ends it with stream_changed.

Exit codes: 0 ended by a signal, 1 failed, 2 wrong usage or setting, 3 weir is not running.`;

const program = new Command("weir")
  .description(
    "The flight recorder for AI assistants and MCP servers.\nStart it with `weir up`; take in what assistants recorded with `weir import claude-code`.",
  )
  .version(version())
  .exitOverride()
  .showSuggestionAfterError()
  .enablePositionalOptions() // what follows a wrapped command is its own
  .configureOutput({ outputError: () => {}, writeErr: () => {} }) // told once, in weir's own form
  .addHelpText(
    "after",
    () =>
      `\nSettings (environment):\n${Object.values(OPTIONS)
        .map((o) => `  ${o.env.padEnd(24)} ${o.about} [${o.fallback === "" ? "none" : o.fallback}]`)
        .join("\n")}\n\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 weir is not running.`,
  );

// an empty text, as of a variable that is not set, would be the folder this runs in
program.hook("preAction", (_, command) => {
  const given = [
    ...command.options.map((option) => [option.flags, command.getOptionValue(option.attributeName())]),
    ...command.registeredArguments.map((argument, k) => [`<${argument.name()}>`, command.args[k]]),
  ];
  for (const [what, value] of given)
    if (value === "" && /<(file|folder|path|dir)>/.test(what))
      throw new WeirError("usage", `${what} is empty`, { hint: "name a file or folder" });
});

program
  .command("up")
  .description("start everything in the foreground: broker, processors, tables, HTTP and MCP")
  .option("--json", "print the runtime record as one line of JSON when healthy")
  .option("--demo", "an instance of its own, filled with generated sessions")
  .option("--without <processors>", "leave processors to `weir run`, by name with commas; may be repeated", joined)
  .action(async (options) => {
    // two threads load at once what they need
    const [{ createLog }, { startFront }] = await Promise.all([import("./base/log.ts"), import("./cli/front.ts")]);
    const front = startFront(entry("src/cli/front-worker"), createLog("weir", readConfig().logLevel));
    try {
      await (await import("./cli/up.ts")).up(options, front);
    } finally {
      await front.stop();
    }
  });
program
  .command("run <processor>")
  .description("run one processor as a process of its own: validate, enrich, detect or alert")
  .addHelpText("after", RUN_HELP)
  .action(async (name) => (await import("./cli/run.ts")).run(name));
program
  .command("status")
  .description("how the running weir is doing")
  .option("--json", "as JSON")
  .action(async (o) => (await import("./cli/operate.ts")).status(o));
program
  .command("doctor")
  .description("look for what is missing or wrong on this machine, with the fix")
  .option("--json", "as JSON")
  .action(async (o) => (await import("./cli/doctor.ts")).doctor(o));
program
  .command("verify")
  .description("prove that nothing was lost, or name what is missing")
  .option("--json", "as JSON")
  .action(async (o) => (await import("./cli/operate.ts")).verifyCommand(o));
program
  .command("rebuild")
  .description("make the tables again from the log; a running weir goes on answering meanwhile")
  .option("--json", "as JSON")
  .option("--into <file>", "internal: follow the log into this file")
  .action(async (o) => (await import("./cli/operate.ts")).rebuild(o));
program
  .command("archive")
  .description("move the older part of the log into Parquet files now; weir does it by itself when the log fills")
  .option("--new", "begin a new archive, where the old one is lost for good; what is left of it is kept aside")
  .option("--json", "as JSON")
  .action(async (o) => (await import("./cli/archive.ts")).archiveCommand(o));
program
  .command("import <assistant> [dir]")
  .description(
    "take in the session files of an assistant (claude-code, codex, gemini or copilot); repeat it to take in what is new",
  )
  .option("--json", "print the report as JSON")
  .action(async (kind, dir, o) => (await import("./cli/produce.ts")).importCommand(kind, dir, o));
program
  .command("publish [type] [data]")
  .description(
    'record one event: weir publish metric.measured \'{"name":"queue.depth","value":3}\', or many: --file events.jsonl',
  )
  .option("--session <id>", "session it belongs to")
  .option("--subject <text>", "what it is about")
  .option("--source <uri>", "where it happened")
  .option("--time <time>", "when it happened (ISO 8601)")
  .option("--file <file>", "CloudEvents, one JSON object a line; - reads stdin")
  .option("--json", "as JSON")
  .action(async (type, data, { file, json, ...rest }) => {
    if (file !== undefined && type !== undefined)
      throw new WeirError("usage", "--file brings types and data of its own", {
        hint: "give a type and its data, or --file",
      });
    if (file !== undefined) return (await import("./cli/publish-file.ts")).publishFile(file, { json });
    if (!type) throw new WeirError("usage", "publish takes a type and its data, or --file");
    return (await import("./cli/ask.ts")).order(
      "publish",
      { type, ...(data === undefined ? {} : { data }), ...rest },
      { json },
    );
  });
program
  .command("tail")
  .description("print events as they enter the log")
  .option("--json", "as CloudEvents, one a line")
  .option("--from <sequence>", "begin at this sequence of the log")
  .action(async (o) => (await import("./cli/produce.ts")).tail(o));
program
  .command("sql <query>")
  .description("one SELECT over the tables, run apart from the live ones; docs/reference/tables.md lists them")
  .option("--json", "as JSON")
  .addOption(new Option("--csv", "as CSV").conflicts("json"))
  .action(async (text, o) => (await import("./cli/ask.ts")).sql(text, o));
program
  .command("query [name] [arguments...]")
  .description("ask a built-in question; without a name, lists them")
  .option("--json", "as JSON")
  .option("--csv", "as CSV")
  .helpOption(false)
  .allowUnknownOption()
  .action(async (name, words: string[], o) => {
    const rest = words.filter((w) => w !== "--json" && w !== "--csv");
    const wants = (flag: string): boolean => words.includes(flag);
    if (!name || name === "--help" || name === "-h" || wants("--help"))
      return listQueries(name?.startsWith("-") ? undefined : name, o);
    const [json, csv] = [o.json || wants("--json"), o.csv || wants("--csv")];
    if (json && csv) throw new WeirError("usage", "--json and --csv do not go together");
    return (await import("./cli/ask.ts")).query(name, rest, { json, csv });
  });
const watch = program.command("watch").description("folders whose files and git repositories are watched");
for (const [verb, about] of [
  ["add", "put a folder under watch"],
  ["remove", "take a folder out of watch, also a project in use"],
] as const)
  watch
    .command(`${verb} <path>`)
    .description(about)
    .option("--json", "as JSON")
    .action(async (path, o) => {
      // a mistyped folder would be watched without a word, and nothing ever seen in it
      if (verb === "add" && !statSync(path, { throwIfNoEntry: false })?.isDirectory())
        throw new WeirError("usage", `${path} is not a folder`, { hint: "name one that exists" });
      await (await import("./cli/ask.ts")).order(`${verb}_watch`, { path: resolve(path) }, o);
    });
watch
  .command("list")
  .description("what is watched, and why")
  .option("--json", "as JSON")
  .action(async (o) => (await import("./cli/ask.ts")).query("watches", [], o));
program
  .command("coverage [session]")
  .description("which sources saw the prompts, tool calls and model calls, what each missed, and where they disagree")
  .option("--by-session", "rows for each session")
  .option("--since <time>", "start of the period, for example 7d")
  .option("--project <folder>", "only this project")
  .option("--json", "as JSON")
  .addOption(new Option("--csv", "as CSV").conflicts("json"))
  .action(async (session, { json, csv, bySession, ...rest }) =>
    (await import("./cli/ask.ts")).coverage({ session, by_session: bySession, ...rest }, { json, csv }),
  );
program
  .command("export")
  .description("write all events out: Parquet files by day, or CloudEvents one a line on stdout")
  .requiredOption("--format <format>", "parquet or jsonl")
  .option("--out <folder>", "folder for Parquet files; weir-export where absent")
  .action(async (o) => (await import("./cli/operate.ts")).exportEvents(o));
program
  .command("mcp")
  .description("MCP server on stdin and stdout, for an assistant's configuration; asks the running weir")
  .action(async () => (await import("./cli/mcp.ts")).mcp());
program
  .command("hook <assistant> [event]")
  .description("take one payload of an assistant's hook from stdin; prints nothing and ends with 0, whatever happens")
  .action(async () => void (await import("./cli/hook.ts")));
program
  .command("init <assistant>")
  .description(
    "let an assistant be recorded, and offer weir to it as an MCP server: claude-code, codex, gemini, cursor, copilot, opencode",
  )
  .option("--scope <scope>", "user: every project; project: the one in this folder", "user")
  .option("--remove", "take away what an earlier init entered")
  .option("--dry-run", "print what would change, and change nothing")
  .option("--http", "send payloads to the running weir instead of starting a program for each")
  .option("--otel", "let the assistant send its own telemetry to weir as well")
  .option("--no-mcp", "do not offer weir as an MCP server")
  .option("--json", "print what was done as JSON")
  .action(async (assistant, o) => (await import("./cli/init.ts")).init(assistant, o));
program
  .command("wrap [command...]")
  .description(
    "run an MCP server and record what passes: weir wrap --name files -- npx server-filesystem /work; or --all: put this in front of every server of the assistants on this machine",
  )
  .option("--name <name>", "what the server is called in events")
  .option(
    "--payloads <which>",
    "parameters and answers that are kept: off, redacted or full, as far as `weir privacy` lets them; as it says where absent",
  )
  .option("--data-dir <folder>", "weir's folder, where the assistant does not hand on WEIR_DATA_DIR")
  .option("--all", "change the assistants' settings instead of running a server")
  .option("--undo", "with --all: take the proxy away again")
  .option("--dry-run", "with --all: print what would change, and change nothing")
  .option("--scope <scope>", "with --all: user, or project for the files of the project in this folder", "user")
  .option("--json", "with --all: print what was done as JSON")
  .passThroughOptions()
  .action(async (words, o) => {
    if (o.all || o.undo) return (await import("./cli/wrap-all.ts")).wrapAll(o);
    if (o.name === undefined) throw new WeirError("usage", "wrap takes --name, or --all");
    return (await import("./cli/wrap.ts")).wrap(words, o);
  });
program
  .command("mcp-servers")
  .description("the MCP servers that the assistants on this machine use, and whether weir records them")
  .option("--json", "as JSON")
  .action(async (o) => (await import("./cli/mcp-servers.ts")).mcpServers(o));
program
  .command("proxy")
  .description("stand in front of an MCP server over HTTP and record what passes: weir proxy --name web --to URL")
  .requiredOption("--name <name>", "what the server is called in events")
  .requiredOption("--to <url>", "the server's address, for example https://mcp.example.com/mcp")
  .option("--port <port>", "port that clients call; 0 takes any free one", "4780")
  .option("--host <address>", "address that clients call", "127.0.0.1")
  .option("--allowed-hosts <names>", "further names by which clients may call it, with commas")
  .option(
    "--payloads <which>",
    "parameters and answers that are kept: off, redacted or full, as far as `weir privacy` lets them; as it says where absent",
  )
  .option("--json", "print its address as one line of JSON when it listens")
  .action(async (o) => (await import("./cli/proxy.ts")).proxy(o));
const privacy = program
  .command("privacy")
  .description(
    "what is kept of what persons write and tools print: nothing, all but secrets, everything, encrypted or not",
  );
privacy
  .command("show [path]", { isDefault: true })
  .description("what holds, or what holds for a folder")
  .option("--json", "as JSON")
  .action(async (path, o) => (await import("./cli/privacy.ts")).showPrivacy(path, o));
privacy
  .command("set <path> [level]")
  .description(
    "choose for a folder and all below it (* any part of a name, ** any folders), or for `default`: metadata, redacted or full",
  )
  .option("--encrypt", "encrypt private fields with a key per session")
  .option("--no-encrypt", "do not encrypt")
  .option("--json", "as JSON")
  .action(async (path, level, o) => (await import("./cli/privacy.ts")).setPrivacy(path, level, o));
privacy
  .command("remove <path>")
  .description("take the choice for a folder back; the default holds for it again")
  .option("--json", "as JSON")
  .action(async (path, o) => (await import("./cli/privacy.ts")).removePrivacy(path, o));
program
  .command("forget")
  .description("make unreadable for good what persons wrote and tools printed")
  .command("session <id>")
  .description("drop the key of a session and empty the tables' private columns; the audit says who did it")
  .option("--reason <text>", "why, for the audit")
  .option("--json", "as JSON")
  .action(async (session, { json, ...rest }) =>
    (await import("./cli/privacy.ts")).forgetSession({ session, ...rest }, { json }),
  );
const rejected = program
  .command("rejected")
  .description("input that was not taken: list it, look at it, repair it and send it again");
rejected
  .command("list")
  .description("what was rejected and why, the newest first")
  .option("--limit <rows>", "at most so many, 50 where it is not given")
  .option("--json", "as JSON")
  .action(async (o) => (await import("./cli/rejected.ts")).listRejected(o));
rejected
  .command("show <id>")
  .description("one rejection with the input as it was kept")
  .option("--json", "as JSON")
  .action(async (id, o) => (await import("./cli/rejected.ts")).showRejected(id, o));
rejected
  .command("retry <id>")
  .description("send it again, repaired; the rejection is marked with what was sent in its place")
  .option("--set <path=value...>", "change a value, for example data.tool=Bash; null takes it away")
  .option("--file <file>", "send this JSON instead; - reads stdin")
  .option("--json", "as JSON")
  .action(async (id, o) => (await import("./cli/rejected.ts")).retryRejected(id, o));
program
  .command("config")
  .description("list every setting with its value")
  .option("--json", "as JSON")
  .action(async (o) => (await import("./cli/settings.ts")).configCommand(o));

/** The names of commander's own commands; orders must not hide them. */
const taken = new Set(program.commands.map((c) => c.name()));

/** An option that is given again adds to what was given before. */
function joined(value: string, before: string | undefined): string {
  return before === undefined ? value : `${before},${value}`;
}

async function listQueries(name: string | undefined, { json }: { json?: boolean }): Promise<void> {
  const { queries } = await loadDefinitions(definitionsRoot());
  const one = name === undefined ? undefined : queries.get(name);
  if (name !== undefined && !one)
    throw new WeirError("usage", `no query is called ${name}`, { hint: `there are ${[...queries.keys()].join(", ")}` });
  if (!one) {
    const listed = [...queries].map(([name, { title }]) => ({ name, title }));
    if (json) return sayJson(listed);
    say("weir query <name> [--argument value …] [--json | --csv]\n");
    for (const [key, query] of queries) say(`  ${key.padEnd(18)} ${query.title}`);
    return say("\nweir query <name> --help tells more about one.");
  }
  say(`weir query ${name} [--argument value …] [--json | --csv]\n\n${one.about}\n\nArguments:`);
  for (const [key, info] of fieldList(one.input))
    say(`  --${key.padEnd(16)} ${info.about}${info.values ? ` (${info.values.join(", ")})` : ""}`);
}

/** Adds every order of src/commands as a command of its own. */
async function addOrders(): Promise<void> {
  const { commands } = await loadDefinitions(definitionsRoot());
  for (const [name, command] of commands) {
    const shown = name.replaceAll("_", "-");
    if (taken.has(shown)) continue;
    const sub = program
      .command(shown)
      .alias(name)
      .description(command.title)
      .addHelpText("before", `${command.about}\n`);
    for (const [key, info] of fieldList(command.input)) {
      const flag = `--${key.replaceAll("_", "-")} <value>`;
      const about = `${info.about}${info.values ? ` (${info.values.join(", ")})` : ""}`;
      if (info.optional) sub.option(flag, about);
      else sub.requiredOption(flag, about);
    }
    sub.option("--json", "as JSON");
    sub.action(async ({ json, ...given }) => {
      const input = Object.fromEntries(
        Object.entries(given).map(([key, value]) => [key.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`), value]),
      );
      await (await import("./cli/ask.ts")).order(name, input, { json });
    });
  }
}

/** What commander found wrong, on one line, with what to do: the name that was meant, or those there are. */
function wrongUsage(said: string): WeirError {
  const [what = "", near] = said.replace(/^error: /, "").split("\n(Did you mean ");
  const [first = "", second] = process.argv.slice(2);
  const group = program.commands.find((c) => c.name() === first && c.commands.length > 0);
  const names = group && `there are ${group.commands.map((c) => c.name()).join(", ")}`;
  if (near !== undefined) return new WeirError("usage", what, { hint: `did you mean ${near.replace(/\)$/, "")}` });
  if (what !== "(outputHelp)")
    return new WeirError("usage", what, names && /^unknown command/.test(what) ? { hint: names } : {});
  // commander would print its help instead
  if (first === "help")
    return new WeirError("usage", `unknown command '${second}'`, { hint: "weir --help lists them" });
  return new WeirError("usage", `a command of ${first} is missing`, { hint: names ?? "weir --help lists them" });
}

try {
  const [first] = process.argv.slice(2);
  // the fixed commands need not load the definitions of the others
  if (first === undefined || first.startsWith("-") || first === "help" || !taken.has(first)) await addOrders();
  if (first === undefined) program.outputHelp();
  else await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) process.exit(0);
    fail(wrongUsage(error.message));
  }
  fail(error);
}
