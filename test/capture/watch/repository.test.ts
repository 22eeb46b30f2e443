import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { branchesOf, parseRefLine } from "../../../src/capture/watch/reflog.ts";
import { openRepository } from "../../../src/capture/watch/repository.ts";
import { checkDraft } from "../../support/collecting-sink.ts";
import { tempDir } from "../../support/temp.ts";

/** A repository made by the real git, with nobody's configuration. */
async function repository() {
  const temp = await tempDir();
  const env = {
    PATH: process.env.PATH!,
    HOME: temp.path,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_AUTHOR_NAME: "Ana",
    GIT_AUTHOR_EMAIL: "ana@example.org",
    GIT_COMMITTER_NAME: "Ana",
    GIT_COMMITTER_EMAIL: "ana@example.org",
  };
  const root = join(temp.path, "repo");
  const git = (...words: string[]): string =>
    execFileSync("git", words, { cwd: root, env, encoding: "utf8", stdio: "pipe" });
  execFileSync("git", ["init", "-q", "-b", "main", root], { env });
  let files = 0;
  const commit = (message: string, ...more: string[]): string => {
    writeFileSync(join(root, `f${files++}.txt`), message);
    git("add", "-A");
    return git("commit", "-m", message, ...more);
  };
  return { root, git, commit, temp, [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose]() };
}

describe("a git repository", () => {
  test("tells commits, branches, switches and merges, each once", async () => {
    await using it = await repository();
    const printed = it.commit("first thing");
    const repo = (await openRepository(it.root))!;
    const first = await repo.read();
    first.forEach(checkDraft);
    const short = /\[main \(root-commit\) ([0-9a-f]+)\]/.exec(printed)![1];
    expect(first).toMatchObject([
      {
        type: "commit.created",
        fact: `commit:${short}`,
        branch: "main",
        project: it.root,
        via: "watch",
        data: { kind: "committed", message: "first thing", author: "Ana", files: 1 },
      },
    ]);
    expect(await repo.read()).toEqual([]);

    it.git("checkout", "-q", "-b", "work/one");
    it.commit("second");
    it.commit("third");
    it.git("commit", "-q", "--amend", "-m", "third, better");
    it.git("checkout", "-q", "main");
    it.git("merge", "-q", "work/one");
    it.git("branch", "-d", "work/one");
    const next = await repo.read();
    next.forEach(checkDraft);
    expect(
      next.map(({ type, branch, data }) => [type.split(".")[0], branch, data.kind ?? data.action, data.message]),
    ).toEqual([
      ["commit", "work/one", "committed", "second"],
      ["commit", "work/one", "committed", expect.stringContaining("third")],
      ["commit", "work/one", "amended", "third, better"],
      ["branch", "work/one", "switched", undefined],
      ["branch", "main", "switched", undefined],
      ["branch", "main", "merged", undefined],
    ]);
    expect(await repo.read()).toEqual([]);
    // another process gives the same ids: read again, nothing is counted twice
    const again = await (await openRepository(join(it.root)))!.read();
    const commits = (drafts: typeof next) => drafts.filter((d) => d.type === "commit.created").map((d) => d.id);
    expect(commits(again)).toEqual([...commits(first), ...commits(next)]);
  });

  test("a commit that is gone takes nothing away from what is told of others", async () => {
    await using it = await repository();
    it.commit("first");
    const gone = it.git("rev-parse", "HEAD").trim();
    it.git("commit", "-q", "--amend", "-m", "first, better");
    rmSync(join(it.root, ".git", "objects", gone.slice(0, 2), gone.slice(2)));
    const told = await (await openRepository(it.root))!.read();
    expect(told.map(({ data }) => [data.message, data.author])).toEqual([
      ["first", undefined],
      ["first, better", "Ana"],
    ]);
  });

  test("tells branches that came and went between two looks, and real merges", async () => {
    await using it = await repository();
    it.commit("first");
    const repo = (await openRepository(it.root))!;
    await repo.read();
    it.git("branch", "side");
    expect(await repo.read()).toMatchObject([{ data: { branch: "side", action: "created" } }]);
    it.git("checkout", "-q", "side");
    it.commit("on side");
    it.git("checkout", "-q", "main");
    it.commit("on main");
    it.git("merge", "-q", "--no-edit", "side");
    const drafts = await repo.read();
    expect(drafts.filter((d) => d.type === "commit.created").map((d) => d.data.kind)).toEqual([
      "committed",
      "committed",
      "merged",
    ]);
    it.git("branch", "-q", "-D", "side");
    it.git("pack-refs", "--all");
    expect(await repo.read()).toMatchObject([{ data: { branch: "side", action: "removed" } }]);
  });

  test("tells what a pull and a merge of several branches make, and no commit or move where there was none", async () => {
    await using it = await repository();
    it.commit("first");
    const clone = join(it.temp.path, "clone");
    it.git("clone", "-q", it.root, clone);
    const repo = (await openRepository(clone))!;
    await repo.read();
    const git = (...words: string[]): string => it.git("-C", clone, ...words);
    const own = (name: string): string => {
      writeFileSync(join(clone, name), name);
      git("add", "-A");
      return git("commit", "-q", "-m", name);
    };
    const told = async () =>
      (await repo.read())
        .filter(({ data }) => data.action !== "created" && data.action !== "switched")
        .map(({ branch, data }) => [branch, data.kind ?? data.action, data.message]);
    it.commit("theirs");
    own("ours");
    git("pull", "-q", "--no-rebase", "--no-edit");
    expect(await told()).toEqual([
      ["main", "committed", "ours"],
      ["main", "merged", expect.stringContaining("Merge branch")],
    ]);
    it.commit("theirs again");
    own("ours again");
    git("pull", "-q", "--rebase");
    expect((await told()).map(([, ...what]) => what)).toEqual([
      ["committed", "ours again"],
      ["rebased", "ours"],
      ["rebased", "ours again"],
      ["moved", undefined],
    ]);
    for (const name of ["one", "two"]) {
      git("checkout", "-q", "-b", name, "main");
      own(name);
    }
    git("checkout", "-q", "main");
    git("checkout", "-q", "main");
    git("merge", "-q", "one", "two", "-m", "both");
    expect(await told()).toEqual([
      ["one", "committed", "one"],
      ["two", "committed", "two"],
      ["main", "merged", "both"],
    ]);
    writeFileSync(join(clone, "one"), "other");
    git("stash", "-q");
    expect(await told()).toEqual([]);
    git("checkout", "-q", "-b", "back", "two~1");
    git("cherry-pick", "--ff", "two");
    git("merge", "-q", "-m", "unused", "main");
    expect((await told()).map(([, what]) => what)).toEqual(["moved", "merged"]);
  });

  test("commits of a rebase that stops half way are of its branch", async () => {
    await using it = await repository();
    it.commit("first");
    const write = (text: string): void => writeFileSync(join(it.root, "same.txt"), text);
    it.git("checkout", "-q", "-b", "work");
    it.commit("fine");
    write("work");
    it.commit("conflicts");
    it.git("checkout", "-q", "main");
    write("main");
    it.commit("on main");
    it.git("checkout", "-q", "work");
    const repo = (await openRepository(it.root))!;
    await repo.read();
    expect(() => it.git("rebase", "main")).toThrow();
    expect(await repo.read()).toMatchObject([{ branch: "work", data: { kind: "rebased", message: "fine" } }]);
    it.git("rebase", "--abort");
  });

  test("is found from a folder inside, and in a worktree", async () => {
    await using it = await repository();
    it.commit("first");
    const tree = join(it.temp.path, "tree");
    it.git("worktree", "add", "-q", tree, "-b", "in-tree");
    const repo = (await openRepository(tree))!;
    await repo.read();
    writeFileSync(join(tree, "x.txt"), "x");
    execFileSync("git", ["-C", tree, "add", "-A"]);
    execFileSync("git", [
      "-C",
      tree,
      "-c",
      "user.name=Ana",
      "-c",
      "user.email=a@b",
      "commit",
      "-q",
      "-m",
      "in the tree",
    ]);
    expect(await repo.read()).toMatchObject([{ branch: "in-tree", project: tree, data: { message: "in the tree" } }]);
    expect(await openRepository(it.temp.path)).toBeUndefined();
  });
});

test("a reflog line that is none says nothing", () => {
  expect(parseRefLine("")).toBeUndefined();
  expect(parseRefLine("x".repeat(200))).toBeUndefined();
  const sha = "a".repeat(40);
  const line = (text: string) => parseRefLine(`${sha} ${sha} A <a@b> 1700000000 +0100\t${text}`)!;
  expect(line("clone: from x").change).toBeUndefined();
  expect(line("rebase (pick): fix").change).toEqual({ kind: "commit", how: "rebased", message: "fix" });
  expect(parseRefLine(`${sha} ${"b".repeat(40)} A <a@b> 1700000000 +0100\treset: moving to HEAD~1`)!.change).toEqual({
    kind: "branch",
    action: "moved",
  });
  expect(line("reset: moving to HEAD").change).toBeUndefined();
  expect(line("checkout: moving from x to x").change).toBeUndefined();
  expect(line("cherry-pick: fast-forward").change).toEqual({ kind: "branch", action: "moved" });
  const forward = "merge side: Fast-forward (no commit created; -m option ignored)";
  expect(line(forward).change).toEqual({ kind: "branch", action: "merged", from: "side" });
  const lines = [line("commit: a"), line("checkout: moving from x to y"), line("commit: b")];
  expect(branchesOf(lines, "y")).toEqual(["x", "y", "y"]);
});
