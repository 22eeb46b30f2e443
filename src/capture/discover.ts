import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { LIMITS } from "../base/limits.ts";

/** Assistants whose own session files can be imported and followed. */
export const TRANSCRIPT_KINDS = ["claude-code", "codex", "gemini", "copilot"] as const;
export type TranscriptKind = (typeof TRANSCRIPT_KINDS)[number];

/** The environment variables and the home folder that say where an assistant keeps its files. */
export interface Places {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home?: string;
}

/** A transcript that was found. */
export interface FoundFile {
  readonly path: string;
  readonly size: number;
  readonly mtime_ms: number;
}

/** What a search found; `complete` is false where a limit stopped it. */
export interface Found {
  readonly files: FoundFile[];
  /** Folders that were looked into. */
  readonly folders: string[];
  /** Folders or files that were named but could not be read, with the reason. */
  readonly unreadable: { readonly path: string; readonly reason: string }[];
  readonly complete: boolean;
}

/** The folders an assistant keeps its sessions in, whether they exist or not. */
export function defaultDirs(kind: TranscriptKind, places: Places): string[] {
  const { env } = places;
  const home = places.home ?? env.HOME ?? homedir();
  if (kind === "codex") return [env.CODEX_HOME || join(home, ".codex")];
  if (kind === "gemini") return [join(home, ".gemini")];
  if (kind === "copilot") return [env.COPILOT_HOME || join(home, ".copilot")];
  // several folders joined by commas are a habit of other tools
  const configured = (env.CLAUDE_CONFIG_DIR ?? "").split(",").map((dir) => dir.trim());
  const given = configured.filter((dir) => dir !== "");
  return given.length > 0
    ? given
    : [join(home, ".claude"), join(env.XDG_CONFIG_HOME || join(home, ".config"), "claude")];
}

/** Folders below an assistant's own folder that hold its sessions. */
const SESSION_DIRS: Readonly<Record<TranscriptKind, readonly string[]>> = {
  "claude-code": ["projects"],
  codex: ["sessions", "archived_sessions"],
  // chats lie in a folder a project: tmp/PROJECT/chats
  gemini: ["tmp"],
  copilot: ["session-state"],
};
/** Files of JSON lines that are no transcripts. */
const NOT_TRANSCRIPTS = new Set(["history.jsonl", "session_index.jsonl"]);
const SKIPPED_DIRS = new Set(["node_modules", ".git", "tool-results", "shell-snapshots", "file-history"]);

/** Files that the system is asked about side by side. */
const STATS_AT_ONCE = 64;

const reasonOf = (thrown: unknown): string => (thrown as NodeJS.ErrnoException).code ?? String(thrown);

/** A search under way: what it found and how many more folder entries it may look at. */
interface Search {
  readonly files: Map<string, FoundFile>;
  readonly folders: string[];
  readonly unreadable: { path: string; reason: string }[];
  room: number;
}

/** Finds the transcripts below folders (an assistant's own folder, its `projects` or `sessions`, any other) or named one by one. */
export async function findTranscripts(
  kind: TranscriptKind,
  paths: readonly string[],
  entries_max: number = LIMITS.import_entries_max,
): Promise<Found> {
  const search: Search = { files: new Map(), folders: [], unreadable: [], room: entries_max };
  for (const path of paths) await searchPath(search, kind, resolve(path));
  return {
    files: [...search.files.values()],
    folders: search.folders,
    unreadable: search.unreadable,
    complete: search.room > 0,
  };
}

async function searchPath(search: Search, kind: TranscriptKind, path: string): Promise<void> {
  try {
    const found = await stat(path);
    if (found.isFile()) add(search, path, found);
    if (!found.isDirectory()) return;
  } catch (thrown) {
    search.unreadable.push({ path, reason: reasonOf(thrown) });
    return;
  }
  const own = await existingDirs(SESSION_DIRS[kind].map((name) => join(path, name)));
  for (const dir of own.length > 0 ? own : [path]) await walk(search, dir, LIMITS.import_depth_max);
}

/** Those of the folders that are there. */
async function existingDirs(dirs: readonly string[]): Promise<string[]> {
  const there: string[] = [];
  for (const dir of dirs) {
    const found = await stat(dir).catch(() => undefined);
    if (found?.isDirectory()) there.push(dir);
  }
  return there;
}

function add(search: Search, path: string, found: { readonly size: number; readonly mtimeMs: number }): void {
  if (search.files.size >= LIMITS.import_files_max) search.room = 0;
  else search.files.set(path, { path, size: found.size, mtime_ms: Math.floor(found.mtimeMs) });
}

async function walk(search: Search, dir: string, depth: number): Promise<void> {
  if (depth === 0 || search.room <= 0) return;
  search.folders.push(dir);
  let entries: Dirent[] = [];
  try {
    entries = await readdir(dir, { withFileTypes: true });
  } catch (thrown) {
    search.unreadable.push({ path: dir, reason: reasonOf(thrown) });
  }
  const room = Math.max(0, search.room - 1);
  search.room -= entries.length;
  if (entries.length > room) entries.length = room;
  const paths = entries.filter(isTranscript).map(({ name }) => join(dir, name));
  // side by side: one after the other costs four times the processor time
  for (let from = 0; from < paths.length; from += STATS_AT_ONCE) {
    const some = paths.slice(from, from + STATS_AT_ONCE);
    const found = await Promise.all(some.map((path) => stat(path).catch(() => undefined))); // vanished since: there is nothing to import
    for (const [k, one] of found.entries()) if (one?.isFile()) add(search, some[k]!, one);
  }
  for (const entry of entries)
    if (entry.isDirectory() && isSearched(entry.name)) await walk(search, join(dir, entry.name), depth - 1);
}

const isTranscript = (entry: Dirent): boolean =>
  (entry.isFile() || entry.isSymbolicLink()) && isTranscriptName(entry.name);

/** Whether a file of that name can be a transcript. */
export const isTranscriptName = (name: string): boolean => name.endsWith(".jsonl") && !NOT_TRANSCRIPTS.has(name);

/** Whether a folder of that name can hold transcripts. */
export const isSearched = (name: string): boolean => !SKIPPED_DIRS.has(name);

/** The folders of an assistant's sessions that exist now, below where it keeps its files. */
export const sessionDirs = (kind: TranscriptKind, homes: readonly string[]): Promise<string[]> =>
  existingDirs(homes.flatMap((home) => SESSION_DIRS[kind].map((name) => join(home, name))));

/** What an assistant left on this machine that could be imported. */
export interface Discovered {
  readonly assistant: TranscriptKind;
  readonly dirs: readonly string[];
  readonly files: number;
  readonly bytes: number;
  /** False where there is more than was counted. */
  readonly complete: boolean;
}

/** Which assistants have session files here, how many and how large: fast and bounded, for a first message. */
export async function discoverTranscripts(places: Places): Promise<Discovered[]> {
  const out: Discovered[] = [];
  for (const assistant of TRANSCRIPT_KINDS) {
    const dirs = await sessionDirs(assistant, defaultDirs(assistant, places));
    if (dirs.length === 0) continue;
    const { files, complete } = await findTranscripts(assistant, dirs, LIMITS.discover_entries_max);
    out.push({
      assistant,
      dirs,
      files: files.length,
      bytes: files.reduce((sum, file) => sum + file.size, 0),
      complete,
    });
  }
  return out;
}
