import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, statSync, writeSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";

/** How much of what persons wrote and tools printed is kept: nothing, all but secrets, everything. The strictest first. */
export const LEVELS = ["metadata", "redacted", "full"] as const;
export type Level = (typeof LEVELS)[number];

/** What holds for a project. */
export interface Choice {
  readonly level: Level;
  /** Private fields are encrypted with a key per session. */
  readonly encrypt: boolean;
}

/** What was chosen for a folder and everything below it. In `path`, `*` stands for any part of a name and `**` for any folders, `~/` in front for the user's own. */
export interface Rule extends Partial<Choice> {
  readonly path: string;
}

/** The file of settings. What a rule leaves open is as in `default`; what that leaves open is as in {@link PLAIN}. */
export interface PrivacySettings {
  readonly default: Partial<Choice>;
  readonly projects: readonly Rule[];
}

/** What holds where nobody chose. */
export const PLAIN: Choice = { level: "redacted", encrypt: false };

/** What holds for each project. */
export interface Policy {
  /** {@link PLAIN} holds for every project. */
  readonly plain: boolean;
  readonly fallback: Choice;
  /** What holds where the project is not known: the strictest of all that may hold. */
  readonly unknown: Choice;
  of(project: string | undefined): Choice;
  /** The strictest rule that the name of an assistant's folder of transcripts points to: the project's path with dashes. */
  ofTranscript(path: string | undefined): Choice | undefined;
  /** Why the settings cannot be read; the strictest level holds then. */
  readonly fault?: string;
}

/** Of two choices the stricter, by level and encryption apart. */
export const stricter = (a: Choice, b: Choice): Choice => ({
  level: LEVELS.indexOf(a.level) <= LEVELS.indexOf(b.level) ? a.level : b.level,
  encrypt: a.encrypt || b.encrypt,
});

const KNOWN_PROJECTS_MAX = 1_000; // whose choice is remembered

/** Makes the policy of settings; `given` is what the environment says, which stands for the default. */
export function policyOf(settings: PrivacySettings, given: Partial<Choice> = {}, fault?: string): Policy {
  const fallback: Choice = { ...PLAIN, ...settings.default, ...given };
  const rules = settings.projects
    .map((rule) => ({ ...matcherOf(rule.path), choice: { ...fallback, ...chosen(rule) } }))
    .sort((a, b) => b.weight - a.weight);
  const unknown = rules.reduce((all, { choice }) => stricter(all, choice), fallback);
  const known = new Map<string, Choice>();
  const find = (project: string): Choice => {
    const path = resolve(project);
    const best = rules.filter((rule) => rule.matches(path));
    return best.length === 0
      ? fallback
      : best
          .filter((rule) => rule.weight === best[0]!.weight)
          .reduce((all, { choice }) => stricter(all, choice), best[0]!.choice);
  };
  return {
    plain:
      unknown.level === PLAIN.level &&
      unknown.encrypt === PLAIN.encrypt &&
      fallback.level === PLAIN.level &&
      rules.every(({ choice }) => choice.level === PLAIN.level),
    fallback,
    unknown,
    of(project) {
      if (project === undefined || project === "") return unknown;
      let choice = known.get(project);
      if (!choice) {
        choice = find(project);
        if (known.size >= KNOWN_PROJECTS_MAX) known.clear();
        known.set(project, choice);
      }
      return choice;
    },
    ofTranscript(path) {
      const folder = /([^/]+)\/[^/]+$/.exec(path ?? "")?.[1];
      const named = rules.filter(
        ({ slug }) => slug !== undefined && (folder === slug || folder?.startsWith(`${slug}-`)),
      );
      return named.length === 0
        ? undefined
        : named.reduce((all, { choice }) => stricter(all, choice), named[0]!.choice);
    },
    ...(fault === undefined ? {} : { fault }),
  };
}

const chosen = ({ level, encrypt }: Partial<Choice>): Partial<Choice> => ({
  ...(level === undefined ? {} : { level }),
  ...(encrypt === undefined ? {} : { encrypt }),
});

/** A rule's path with the folder of the user in the place of `~`, as a shell has it that was given no quotes. */
export const atHome = (path: string): string => (/^~(\/|$)/.test(path) ? `${homedir()}${path.slice(1)}` : path);

/** Whether a rule's path can hold for any folder. */
const isReachable = (path: string): boolean => isAbsolute(atHome(path)) || path.startsWith("**");

/** How a rule's path is compared: the more letters it names, the more it weighs. */
function matcherOf(path: string): { matches(folder: string): boolean; weight: number; slug: string | undefined } {
  const whole = atHome(path);
  const clean = whole.length > 1 ? whole.replace(/\/+$/, "") : whole;
  if (!clean.includes("*"))
    return {
      matches: (folder) => clean === "/" || folder === clean || folder.startsWith(`${clean}/`),
      weight: clean.length,
      slug: clean.replace(/[^A-Za-z0-9]/g, "-"),
    };
  const source = clean
    .replace(/[.+?^${}()|[\]\\]/g, "\\$&")
    .replace(/\*\*|\*/g, (stars) => (stars === "**" ? ".*" : "[^/]*"));
  const pattern = new RegExp(`^${source}(?:/.*)?$`);
  return { matches: (folder) => pattern.test(folder), weight: clean.replaceAll("*", "").length, slug: undefined };
}

/** The file of settings in a data folder. */
export const privacyFile = (dataDir: string): string => join(dataDir, "privacy.json");

/** What the file says; nothing where there is none. Throws where it says what nobody can read. */
export function readPrivacy(dataDir: string): PrivacySettings {
  let text: string;
  try {
    text = readFileSync(privacyFile(dataDir), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT" || (error as NodeJS.ErrnoException).code === "ENOTDIR")
      return { default: {}, projects: [] };
    throw error;
  }
  const { default: fallback = {}, projects = [] } = JSON.parse(text) as Partial<PrivacySettings>;
  for (const { level, encrypt } of [fallback, ...projects])
    if ((level !== undefined && !LEVELS.includes(level)) || (encrypt !== undefined && typeof encrypt !== "boolean"))
      throw new Error(`no level is called ${JSON.stringify(level)}, or encrypt is neither true nor false`);
  if (projects.some(({ path }) => typeof path !== "string" || path === "")) throw new Error("a project has no path");
  const vague = projects.find(({ path }) => !isReachable(path));
  if (vague) throw new Error(`the path ${vague.path} is not absolute`);
  return { default: fallback, projects };
}

/** Writes the file; it is on the disk when this returns. */
export function writePrivacy(dataDir: string, settings: PrivacySettings): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const file = privacyFile(dataDir);
  const fd = openSync(`${file}.new`, "w", 0o600);
  try {
    writeSync(fd, `${JSON.stringify(settings, null, 2)}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(`${file}.new`, file);
}

/** Reads the policy of a data folder. Never throws: where the file cannot be read, the strictest level holds. */
export function loadPolicy(dataDir: string, given: Partial<Choice>): Policy {
  try {
    return policyOf(readPrivacy(dataDir), given);
  } catch (error) {
    const fault = `${privacyFile(dataDir)}: ${error instanceof Error ? error.message : error}`;
    return policyOf({ default: {}, projects: [] }, { level: "metadata", encrypt: given.encrypt ?? false }, fault);
  }
}

const LOOK_MS = 250; // how often a long-lived process looks whether the settings changed

/** The policy of a data folder as it stands now, for processes that go on: read again when the file changed. */
export function watchPolicy(dataDir: string, given: Partial<Choice>): () => Policy {
  let policy: Policy | undefined;
  let stamp = "";
  let looked = Number.NEGATIVE_INFINITY;
  return () => {
    const now = performance.now();
    if (policy && now - looked < LOOK_MS) return policy;
    looked = now;
    const found = statSync(privacyFile(dataDir), { throwIfNoEntry: false });
    const seen = found ? `${found.ino} ${found.mtimeMs} ${found.size}` : "none";
    if (!policy || seen !== stamp) {
      policy = loadPolicy(dataDir, given);
      stamp = seen;
    }
    return policy;
  };
}
