import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import { privacyGiven, readConfig } from "../base/config.ts";
import { toWeirError, WeirError } from "../base/errors.ts";
import { openKeys } from "../base/keys.ts";
import { LIMITS } from "../base/limits.ts";
import {
  atHome,
  type Choice,
  LEVELS,
  type Level,
  loadPolicy,
  type PrivacySettings,
  privacyFile,
  readPrivacy,
  writePrivacy,
} from "../base/privacy.ts";
import { privacyChanged } from "../events/setting.ts";
import { createWeir } from "../sdk/index.ts";
import { client } from "./ask.ts";
import { note, say, sayJson } from "./print.ts";

interface Format {
  readonly json?: boolean;
}

const shown = ({ level, encrypt }: Partial<Choice>): string =>
  [level, encrypt === undefined ? undefined : encrypt ? "encrypted" : "not encrypted"].filter(Boolean).join(", ");

/** The settings as they stand; what nobody can read is told with the file's name. */
function settingsOf(dataDir: string): PrivacySettings {
  try {
    return readPrivacy(dataDir);
  } catch (cause) {
    throw new WeirError("bad_config", `${privacyFile(dataDir)}: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
      hint: "correct or remove the file; until then nothing private is kept",
    });
  }
}

/** `weir privacy [show] [path]`. */
export function showPrivacy(path: string | undefined, { json }: Format): void {
  const { dataDir } = readConfig();
  const { projects } = settingsOf(dataDir);
  const policy = loadPolicy(dataDir, privacyGiven());
  if (path !== undefined) {
    const named = resolve(atHome(path));
    const choice = policy.of(named);
    if (json) sayJson({ path: named, ...choice });
    else say(`${named}: ${shown(choice)}`);
    return;
  }
  if (json) {
    sayJson({ default: policy.fallback, unknown: policy.unknown, projects });
    return;
  }
  say(`default: ${shown(policy.fallback)}`);
  for (const rule of projects) say(`${rule.path}: ${shown(rule)}`);
  say(`where the project is not known: ${shown(policy.unknown)}`);
}

/** A choice that was made or taken back, as `privacy.changed` tells it. */
interface Changed extends Partial<Choice> {
  readonly path: string;
  readonly removed?: boolean;
}

/** The event of a choice, for the audit. */
export const privacyEvent = (data: Changed, actor: string) =>
  privacyChanged.of({ actor, subject: data.path.slice(0, LIMITS.subject_chars_max) }, data);

/** Records what was chosen. It holds already, and is kept on disk while weir is away; so a failure is told, and changes nothing. */
async function record(dataDir: string, changes: readonly Changed[]): Promise<void> {
  try {
    await using weir = createWeir({ name: "privacy", source: "weir://cli", via: "weir", dataDir });
    for (const change of changes) await weir.emit(privacyEvent(change, "cli"));
  } catch (error) {
    note(`The choice holds, but could not be recorded for the audit: ${toWeirError(error).message}`);
  }
}

/** `weir privacy set PATH|default [LEVEL] [--encrypt|--no-encrypt]`: holds for every program of weir from now on, running or not. */
export async function setPrivacy(
  path: string,
  level: string | undefined,
  { encrypt, json }: Format & { encrypt?: boolean },
): Promise<void> {
  if (level !== undefined && !LEVELS.includes(level as Level))
    throw new WeirError("usage", `${level} is no level`, { hint: `levels are ${LEVELS.join(", ")}` });
  if (level === undefined && encrypt === undefined)
    throw new WeirError("usage", "nothing was chosen", {
      hint: `give a level (${LEVELS.join(", ")}), --encrypt or --no-encrypt`,
    });
  const { dataDir } = readConfig();
  const settings = settingsOf(dataDir);
  const choice: Partial<Choice> = {
    ...(level === undefined ? {} : { level: level as Level }),
    ...(encrypt === undefined ? {} : { encrypt }),
  };
  const paths = path === "default" ? [path] : pathsOf(path);
  const next: PrivacySettings =
    path === "default"
      ? { ...settings, default: { ...settings.default, ...choice } }
      : {
          ...settings,
          projects: paths.reduce((rules, p) => {
            const before = rules.find((rule) => rule.path === p);
            return [...rules.filter((rule) => rule !== before), { ...before, path: p, ...choice }];
          }, settings.projects),
        };
  writePrivacy(dataDir, next);
  await record(
    dataDir,
    paths.map((one) => ({ path: one, ...choice })),
  );
  const given = privacyGiven();
  if (path === "default" && Object.keys(given).length > 0)
    note("WEIR_PRIVACY or WEIR_ENCRYPT is set here and goes before the default");
  showPrivacy(path === "default" || path.includes("*") ? undefined : path, { json });
}

/** `weir privacy remove PATH`. */
export async function removePrivacy(path: string, { json }: Format): Promise<void> {
  const { dataDir } = readConfig();
  const settings = settingsOf(dataDir);
  const gone = path === "default" ? [] : [path, ...pathsOf(path)];
  const projects = settings.projects.filter((rule) => !gone.includes(rule.path));
  if (path !== "default" && projects.length === settings.projects.length)
    throw new WeirError("not_found", `nothing was chosen for ${gone.slice(1).join(" or ")}`, {
      hint: "weir privacy lists the choices",
    });
  writePrivacy(dataDir, { default: path === "default" ? {} : settings.default, projects });
  const removed = settings.projects.filter((rule) => gone.includes(rule.path)).map((rule) => rule.path);
  await record(
    dataDir,
    (path === "default" ? [path] : removed).map((one) => ({ path: one, removed: true })),
  );
  showPrivacy(undefined, { json });
}

/** A folder as it was named, and as programs that ask the system where they are name it. What a shell left in quotes is completed all the same. */
function pathsOf(path: string): string[] {
  if (path.startsWith("**")) return [path];
  if (path.includes("*")) return [resolve(atHome(path))];
  const named = resolve(atHome(path));
  try {
    return [...new Set([named, realpathSync(named)])];
  } catch {
    return [named]; // it is not there yet
  }
}

/** `weir forget session ID`: the order of that name, and what it could not take back. */
export async function forgetSession(input: Readonly<Record<string, unknown>>, { json }: Format): Promise<void> {
  const { dataDir } = readConfig();
  const encrypted = openKeys(dataDir, { make: false }).has(String(input.session));
  const { ids, seq } = await client().order("forget_session", input, "cli");
  if (json) {
    sayJson({ ids, seq, encrypted });
    return;
  }
  say(`forgotten (${ids[0]}, visible at ${seq})`);
  if (encrypted) say("Its key is gone: what was encrypted with it can be read nowhere any more.");
  else
    say(
      "It was recorded without encryption: tables and queries show nothing private of it any more, but the log keeps its bytes, and so do exports and backups made before.",
    );
}

/**
 * What the environment of `weir up` says holds for hooks and other programs on this data folder too, which may run without it: it becomes the default
 * of the settings; true where it was another. A file nobody can read is left alone: the strictest level holds until it is mended.
 */
export function rememberGiven(dataDir: string, given: Partial<Choice>): boolean {
  if (Object.keys(given).length === 0) return false;
  try {
    const settings = readPrivacy(dataDir);
    const next = { ...settings.default, ...given };
    if (next.level === settings.default.level && next.encrypt === settings.default.encrypt) return false;
    writePrivacy(dataDir, { ...settings, default: next });
    return true;
  } catch {
    return false; // told by weir doctor and weir privacy
  }
}
