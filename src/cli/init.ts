import { existsSync, mkdirSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { type Config, readConfig } from "../base/config.ts";
import { WeirError } from "../base/errors.ts";
import { type Entry, eventsOf, type Scope, type SettingsFile, type Setup } from "../capture/setup/setup.ts";
import { diffLines } from "./diff.ts";
import { captureToken, HOOKS_PATH } from "./hooks.ts";
import { note, say, sayJson } from "./print.ts";
import { findRuntime } from "./runtime.ts";
import { behindLinks, checkWritable, readText, replaceFile } from "./settings-file.ts";
import {
  hookCommand,
  httpAddress,
  installedVersion,
  mcpProgram,
  setupOf,
  spotOf,
  telemetryLines,
  telemetryOf,
} from "./setup.ts";

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
  readonly of: SettingsFile;
}

const BACKUP = ".weir-backup";

/** `weir init ASSISTANT`: enters weir in the assistant's settings, or takes it out again. */
export async function init(assistant: string, options: InitOptions): Promise<void> {
  const setup = setupOf(assistant);
  const { scope } = options;
  if (scope !== "user" && scope !== "project")
    throw new WeirError("usage", `--scope takes user or project, not ${scope.slice(0, 40)}`);
  if (!options.remove) checkOptions(setup, options);
  const config = readConfig();
  const notes: string[] = [];
  const entry = options.remove ? undefined : entryOf(setup, config, options, (text) => notes.push(text));
  const changes = setup.files(spotOf(scope as Scope)).map((file) => change(file, entry));
  const changed = changes.filter(({ before, after }) => before !== after);
  if (!options.dryRun) {
    checkWritable(changed.map(({ file }) => file));
    for (const one of changed) {
      if (options.remove) takeOut(one, entered(one, setup, config));
      else putIn(one);
    }
  }
  if (!options.remove && setup.afterwards !== undefined && changed.length > 0) notes.push(setup.afterwards);
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

function checkOptions({ label, http, telemetry }: Setup, options: InitOptions): void {
  if (options.scope === "project" && (options.http || options.otel))
    throw new WeirError("usage", "--http and --otel put a token into the settings, and those of a project are shared", {
      hint: "use them with --scope user",
    });
  if (options.http && !http) throw new WeirError("usage", `hooks of ${label} are commands; --http is not for them`);
  if (options.otel && telemetry === "none") throw new WeirError("usage", `${label} sends no telemetry of its own`);
}

/** What is entered, as the options ask. */
function entryOf(setup: Setup, config: Config, options: InitOptions, tellNote: (text: string) => void): Entry {
  const { name, label, program, events, telemetry } = setup;
  const version = installedVersion(setup);
  const left = Object.keys(events).filter((event) => !eventsOf(events, version).includes(event));
  if (left.length > 0)
    tellNote(`${label} ${version} does not know ${left.join(", ")}; run weir init again after an update.`);
  // where no event came later than others, the version makes no difference
  if (version === undefined && Object.values(events).some((since) => since !== ""))
    tellNote(`No ${program} answers in PATH; all events known to weir are registered.`);
  const otel = options.otel ? telemetryOf(config) : undefined;
  if (otel && (telemetry === "environment" || setup.tokenInEnvironment))
    tellNote(`Start ${label} with this in its environment:\n${telemetryLines(setup, otel).join("\n")}`);
  return {
    version,
    command: (event) => hookCommand(config, setup, event),
    http: options.http
      ? { url: `${httpAddress(config)}${HOOKS_PATH}${name}`, token: captureToken(config.dataDir) }
      : undefined,
    mcp: options.mcp ? mcpProgram(config) : undefined,
    telemetry: otel,
    note: tellNote,
  };
}

/** What was entered in a file, as far as it decides what goes with it. */
function entered({ of, before }: Change, setup: Setup, config: Config): Entry {
  const { telemetry } = of.standing(before!);
  return {
    version: undefined,
    command: (event) => hookCommand(config, setup, event),
    http: undefined,
    mcp: mcpProgram(config),
    telemetry: telemetry && { endpoint: telemetry.endpoint, token: telemetry.token ?? "" },
    note: () => {},
  };
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

function change(of: SettingsFile, entry: Entry | undefined): Change {
  const file = behindLinks(of.file);
  const before = readText(file);
  const backup = `${file}${BACKUP}`;
  const after = entry ? of.enter(before, entry) : before === undefined ? undefined : of.leave(before, readText(backup));
  return { file, before, after, backup, of };
}

/** Writes a file whole or not at all. The first change since weir was not in it keeps the file as it was beside it. */
function putIn({ file, before, after, backup, of }: Change): void {
  mkdirSync(dirname(file), { recursive: true });
  const isFirst = before !== undefined && (!existsSync(backup) || of.leave(before) === before);
  if (isFirst && !of.own) replaceFile(backup, before, statSync(file).mode & 0o777);
  replaceFile(file, after!);
}

/** Writes a file without weir; as it was before, where nothing else was changed in it since. */
function takeOut({ file, after, backup, of }: Change, entry: Entry): void {
  const kept = readText(backup);
  if (after === undefined && kept === undefined) {
    rmSync(file);
    return;
  }
  const back = kept !== undefined && isAsBefore(of, kept, after ?? of.blank, entry);
  replaceFile(file, back ? kept : (after ?? of.blank));
  if (back) rmSync(backup);
}

/** Whether a text without weir is what stood there before: it differs in space, or by what goes with weir, such as lists that were empty. */
const isAsBefore = (of: SettingsFile, kept: string, left: string, entry: Entry): boolean =>
  of.same(kept, left) || (of.leave(kept) === kept && of.same(of.leave(of.enter(kept, entry)!, kept) ?? of.blank, left));
