import { execFile } from "node:child_process";
import { open, readdir, readFile, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { clock } from "../../base/clock.ts";
import { environment } from "../../base/config.ts";
import { derivedId, newId } from "../../base/id.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Draft } from "../../define/event.ts";
import { branchChanged, commitCreated } from "../../events/work.ts";
import { boundText } from "../bound.ts";
import { identityOf } from "./changes.ts";
import { branchesOf, parseRefLine, type RefLine } from "./reflog.ts";

const run = promisify(execFile);

/** A git repository, and how far its reflog was read. */
export interface Repository {
  /** Folder of the working tree. */
  readonly root: string;
  /** Which folder of git's files it is: another one in its place is another repository. */
  readonly identity: string;
  /** Folders whose change may mean that something happened, as far as the last call of `read` found them. */
  readonly folders: readonly string[];
  /** What happened since the last call; the first call looks some days back. */
  read(): Promise<Draft[]>;
}

/** The repository a folder is in; undefined where there is none. */
export async function openRepository(folder: string): Promise<Repository | undefined> {
  for (let root = resolve(folder); ; root = dirname(root)) {
    const git = await gitFolder(join(root, ".git"));
    const found = git && (await stat(git.own).catch(() => undefined));
    if (found) return repositoryAt(root, git.own, git.common, identityOf(found));
    if (dirname(root) === root) return undefined;
  }
}

/** The folder of git's files: `.git`, or in a worktree what the file of that name says, and the one all worktrees share. */
export async function gitFolder(path: string): Promise<{ own: string; common: string } | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) return { own: path, common: path };
  if (!found?.isFile()) return undefined;
  const named = /^gitdir: (.+)$/m.exec(await readFile(path, "utf8").catch(() => ""))?.[1];
  if (named === undefined) return undefined;
  const own = resolve(dirname(path), named.trim());
  const common = await readFile(join(own, "commondir"), "utf8").catch(() => "");
  return { own, common: common === "" ? own : resolve(own, common.trim()) };
}

function repositoryAt(root: string, own: string, common: string, identity: string): Repository {
  const log = join(own, "logs", "HEAD");
  const heads = join(common, "refs", "heads");
  let read = { offset: -1, branches: undefined as ReadonlyMap<string, string> | undefined };
  return {
    root,
    identity,
    get folders() {
      // a branch with a slash in its name is a file in a folder of its own
      const inner = [...(read.branches?.keys() ?? [])].map((name) => dirname(join(heads, name)));
      return [...new Set([own, join(own, "logs"), heads, ...inner])];
    },
    async read() {
      const { lines, offset } = await newLines(log, read.offset);
      const branches = await branchesIn(common);
      const now = await currentBranch(own);
      const drafts = [...(await commitsOf(root, lines, now)), ...switchesOf(root, lines, now)];
      if (read.branches) drafts.push(...madeAndRemoved(root, read.branches, branches));
      read = { offset, branches };
      return drafts;
    },
  };
}

/** Whole lines after an offset. At first, and when the log was cut, those of the last days. */
async function newLines(file: string, from: number): Promise<{ lines: RefLine[]; offset: number }> {
  const handle = await open(file, "r").catch(() => undefined);
  if (!handle) return { lines: [], offset: 0 };
  try {
    const { size } = await handle.stat();
    const anew = from < 0 || size < from;
    const start = anew ? Math.max(0, size - LIMITS.reflog_bytes_max) : Math.max(from, size - LIMITS.reflog_bytes_max);
    const bytes = Buffer.alloc(size - start);
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, start);
    const end = bytes.subarray(0, bytesRead).lastIndexOf(10) + 1;
    const since = anew ? clock.nowUs() - LIMITS.reflog_days * 86_400_000_000 : 0;
    const parsed = bytes.toString("utf8", 0, end).split("\n").map(parseRefLine);
    return {
      lines: parsed.filter((line) => line !== undefined && line.time >= since) as RefLine[],
      offset: start + end,
    };
  } finally {
    await handle.close();
  }
}

/** The branch that is checked out; while a rebase stops half way, the one it works on. */
async function currentBranch(own: string): Promise<string | undefined> {
  const head = await readFile(join(own, "HEAD"), "utf8").catch(() => "");
  const name = /^ref: refs\/heads\/(.+)$/m.exec(head)?.[1];
  if (name !== undefined || head === "") return name;
  for (const folder of ["rebase-merge", "rebase-apply"]) {
    const text = await readFile(join(own, folder, "head-name"), "utf8").catch(() => "");
    const rebased = /^refs\/heads\/(.+)$/m.exec(text)?.[1];
    if (rebased !== undefined) return rebased;
  }
  return undefined;
}

/** Branches and where they point. */
async function branchesIn(common: string): Promise<Map<string, string>> {
  const out = new Map<string, string>();
  const packed = await readFile(join(common, "packed-refs"), "utf8").catch(() => "");
  for (const [, sha, name] of packed.matchAll(/^([0-9a-f]{40,64}) refs\/heads\/(.+)$/gm)) out.set(name!, sha!);
  const heads = join(common, "refs", "heads");
  const names = await readdir(heads, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of names.slice(0, LIMITS.branches_max)) {
    if (!entry.isFile() || entry.name.endsWith(".lock")) continue;
    const path = join(entry.parentPath, entry.name);
    const sha = (await readFile(path, "utf8").catch(() => "")).trim();
    if (sha !== "") out.set(path.slice(heads.length + 1), sha);
  }
  return out;
}

const envelope = (root: string, time: number, branch: string | undefined) =>
  ({ time, source: "git://local", via: "watch", project: root, ...(branch === undefined ? {} : { branch }) }) as const;

interface Shown {
  readonly short: string;
  readonly author: string;
  readonly subject: string;
  readonly files: number | undefined;
}

/** `commit.created` for lines that made one. Its key is the short hash that git prints, which is what transcripts have. */
async function commitsOf(root: string, lines: readonly RefLine[], now: string | undefined): Promise<Draft[]> {
  const branches = branchesOf(lines, now);
  const made = lines
    .map((line, k) => ({ line, branch: branches[k] }))
    .filter(({ line }) => line.change?.kind === "commit")
    .slice(-LIMITS.reflog_commits_max);
  const shown = await show(
    root,
    made.map(({ line }) => line.sha),
  );
  return made.flatMap(({ line, branch }) => {
    const { sha, time, change } = line;
    if (change?.kind !== "commit") return [];
    const about = shown.get(sha);
    const short = about?.short ?? sha.slice(0, 7);
    const id = derivedId(time, "git", "commit.created", root, sha);
    return [
      commitCreated.of(
        { ...envelope(root, time, branch), id, subject: sha, fact: `commit:${short}` },
        {
          sha,
          kind: change.how,
          message: boundText(about?.subject ?? change.message, 1_000),
          author: about && boundText(about.author, 256),
          files: about?.files,
        },
      ),
    ];
  });
}

/** What git knows of commits, all in one call; nothing of those that are gone, nor where git is missing. */
async function show(root: string, shas: readonly string[]): Promise<ReadonlyMap<string, Shown>> {
  const out = new Map<string, Shown>();
  if (shas.length === 0) return out;
  const format = "--format=%x01%H%x00%h%x00%an%x00%s";
  const words = ["-C", root, "log", "--no-walk=unsorted", "--ignore-missing", "--shortstat", format, ...shas];
  const options = {
    timeout: LIMITS.git_ms_max,
    maxBuffer: 16_777_216,
    env: { ...environment(), LC_ALL: "C", GIT_OPTIONAL_LOCKS: "0" },
  };
  const text = await run("git", words, options).then(
    ({ stdout }) => stdout,
    () => "",
  );
  for (const part of text.split("\u0001").slice(1)) {
    const [head = "", ...rest] = part.split("\n");
    const [sha = "", short = "", author = "", subject = ""] = head.split("\0");
    const files = /(\d+) files? changed/.exec(rest.join("\n"))?.[1];
    out.set(sha, { short, author, subject, files: files === undefined ? undefined : Number(files) });
  }
  return out;
}

function switchesOf(root: string, lines: readonly RefLine[], now: string | undefined): Draft[] {
  const branches = branchesOf(lines, now);
  return lines.flatMap(({ change, time, sha, old }, k) => {
    if (change?.kind !== "branch") return [];
    const branch = change.branch ?? branches[k];
    const id = derivedId(time, "git", "branch.changed", root, change.action, branch ?? "", old, sha);
    const data = { branch: branch ?? sha, action: change.action, from_branch: change.from, sha };
    return [branchChanged.of({ ...envelope(root, time, branch), id, subject: data.branch }, data)];
  });
}

function madeAndRemoved(
  root: string,
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): Draft[] {
  const time = clock.nowUs();
  const told = (branch: string, action: "created" | "removed", sha: string): Draft =>
    branchChanged.of({ ...envelope(root, time, branch), id: newId(time), subject: branch }, { branch, action, sha });
  return [
    ...[...after].filter(([name]) => !before.has(name)).map(([name, sha]) => told(name, "created", sha)),
    ...[...before].filter(([name]) => !after.has(name)).map(([name, sha]) => told(name, "removed", sha)),
  ];
}
