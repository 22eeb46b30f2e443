import { existsSync, mkdirSync, realpathSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { type Config, readConfig } from "../base/config.ts";
import { WeirError } from "../base/errors.ts";
import { EVENTS } from "../capture/claude-code/hook/registered.ts";
import {
  addEnvironment,
  addHooks,
  addMcpServer,
  removeEnvironment,
  removeHooks,
  removeMcpServer,
} from "../capture/claude-code/hook/settings.ts";
import { type JsonText, openJson, sameButSpace } from "../capture/json-text.ts";
import { looseOf } from "../capture/loose.ts";
import { assistantVersion, filesOf, mcpServer, type Scope, telemetryVariables, wantedHandlers } from "./claude-code.ts";
import { diffLines } from "./diff.ts";
import { note, say, sayJson } from "./print.ts";
import { findRuntime } from "./runtime.ts";
import { readText, replaceFile } from "./settings-file.ts";

interface InitOptions {
  readonly scope: string;
  readonly remove?: boolean;
  readonly dryRun?: boolean;
  readonly http?: boolean;
  readonly otel?: boolean;
  /** False with --no-mcp. */
  readonly mcp: boolean;
  readonly json?: boolean;
}

/** One file before and after. `after` undefined: it is removed again. */
interface Change {
  readonly file: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
  readonly backup: string;
}

const BACKUP = ".weir-backup";

/** `weir init claude-code`: enters weir in the assistant's settings, or takes it out again. */
export async function init(assistant: string, options: InitOptions): Promise<void> {
  if (assistant !== "claude-code")
    throw new WeirError("usage", `weir init knows claude-code, not ${assistant.slice(0, 40)}`);
  const { scope } = options;
  if (scope !== "user" && scope !== "project")
    throw new WeirError("usage", `--scope takes user or project, not ${scope.slice(0, 40)}`);
  if (scope === "project" && (options.http || options.otel) && !options.remove)
    throw new WeirError("usage", "--http and --otel put a token into the settings, and those of a project are shared", {
      hint: "use them with --scope user",
    });
  const config = readConfig();
  const files = filesOf(scope as Scope, process.cwd());
  const notes: string[] = [];
  const changes = options.remove
    ? [change(files.settings, (s) => takeOut(s)), change(files.mcp, (s) => removeMcpServer(s))]
    : [
        change(files.settings, (s) => enter(s, files.settings, config, options, notes)),
        ...(options.mcp ? [change(files.mcp, (s) => offer(s, files.mcp, config, notes))] : []),
      ];
  const changed = changes.filter(({ before, after }) => before !== after);
  if (!options.dryRun) for (const one of changed) write(one, options.remove ?? false);
  if (options.json) {
    sayJson({
      changed: changed.map(({ file }) => file),
      dry_run: options.dryRun ?? false,
      notes,
      ...(options.dryRun && {
        diff: changed.map(({ file, before, after }) => ({ file, lines: diffLines(before ?? "", after ?? "") })),
      }),
    });
    return;
  }
  tell(changes, options, config);
  for (const text of notes) note(text);
}

function tell(changes: readonly Change[], options: InitOptions, config: Config): void {
  for (const { file, before, after, backup } of changes) {
    if (before === after) say(`${file}: nothing to change`);
    else if (options.dryRun) {
      say(`--- ${before === undefined ? "/dev/null" : file}\n+++ ${after === undefined ? "/dev/null" : file}`);
      for (const line of diffLines(before ?? "", after ?? "")) say(line);
    } else if (options.remove) say(`${file}: weir is taken out`);
    else say(`${file}: weir is entered${before === undefined ? "" : ` (as it was: ${backup})`}`);
  }
  if (options.dryRun || options.remove) return;
  if (findRuntime(config.dataDir)) say("Sessions are recorded from now on. Look at them with: weir query sessions");
  else say("Events wait on disk until weir runs. Start it with: weir up");
}

function change(given: string, edit: (settings: JsonText) => void): Change {
  // a link to a file elsewhere stays a link
  const file = existsSync(given) ? realpathSync(given) : given;
  const before = readText(file);
  const backup = `${file}${BACKUP}`;
  const settings = openJson(before ?? "", file);
  const start = settings.text;
  edit(settings);
  if (settings.text === start) return { file, before, after: before, backup };
  return { file, before, after: settings.text, backup };
}

function enter(settings: JsonText, file: string, config: Config, options: InitOptions, notes: string[]): void {
  const version = assistantVersion();
  const handlers = wantedHandlers(config, { http: options.http ?? false, version });
  addHooks(settings, handlers, file);
  const left = Object.keys(EVENTS).filter((event) => !(event in handlers));
  if (left.length > 0)
    notes.push(`Claude Code ${version} does not know ${left.join(", ")}; run weir init again after an update.`);
  if (version === undefined) notes.push("No claude answers in PATH; all events known to weir are registered.");
  if (settings.get(["disableAllHooks"]) === true) notes.push(`disableAllHooks is set in ${file}: no hook runs.`);
  if (!options.otel) return;
  const taken = addEnvironment(settings, telemetryVariables(config), isOurVariable);
  if (taken.length > 0) notes.push(`${taken.join(", ")} had other values already and were left alone.`);
}

function offer(settings: JsonText, file: string, config: Config, notes: string[]): void {
  const there = looseOf(settings.get(["mcpServers", "weir"]));
  if (Array.isArray(there.args) && there.args.at(-1) !== "mcp") {
    notes.push(`${file} names another MCP server weir; it was left alone.`);
    return;
  }
  addMcpServer(settings, mcpServer(config));
}

/** Values that only we write: an address of this machine, and the token of a weir. */
const isOurVariable = (name: string, value: string): boolean =>
  name === "OTEL_EXPORTER_OTLP_ENDPOINT"
    ? /^http:\/\/127\.0\.0\.1:\d+$/.test(value)
    : name === "OTEL_EXPORTER_OTLP_HEADERS" && /^Authorization=Bearer%20[\w-]{32}$/.test(value);

function takeOut(settings: JsonText): void {
  removeHooks(settings);
  const { OTEL_EXPORTER_OTLP_HEADERS: headers } = looseOf(settings.get(["env"]));
  if (typeof headers === "string" && isOurVariable("OTEL_EXPORTER_OTLP_HEADERS", headers))
    removeEnvironment(settings, TELEMETRY_NAMES);
}

const TELEMETRY_NAMES = [
  "CLAUDE_CODE_ENABLE_TELEMETRY",
  "CLAUDE_CODE_ENHANCED_TELEMETRY_BETA",
  "OTEL_METRICS_EXPORTER",
  "OTEL_LOGS_EXPORTER",
  "OTEL_TRACES_EXPORTER",
  "OTEL_EXPORTER_OTLP_PROTOCOL",
  "OTEL_EXPORTER_OTLP_ENDPOINT",
  "OTEL_EXPORTER_OTLP_HEADERS",
];

/** Writes a file whole or not at all. The first change keeps the file as it was beside it; taking out puts it back where only space differs. */
function write({ file, before, after, backup }: Change, remove: boolean): void {
  mkdirSync(dirname(file), { recursive: true });
  const kept = readText(backup);
  if (remove) {
    const ours = kept === undefined && after !== undefined && openJson(after, file).isEmpty;
    const same = kept !== undefined && after !== undefined && sameButSpace(kept, after);
    if (ours) rmSync(file);
    else replaceFile(file, same ? kept : after!);
    if (same) rmSync(backup);
    return;
  }
  if (before !== undefined && kept === undefined) replaceFile(backup, before, statSync(file).mode & 0o777);
  replaceFile(file, after!);
}
