import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { ProjectWatch, ProjectWatches } from "../../../src/capture/watch/project.ts";
import { collectingSink } from "../../support/collecting-sink.ts";
import { tempDir } from "../../support/temp.ts";
import { until } from "../../support/until.ts";

async function project(files: Readonly<Record<string, string>>) {
  const temp = await tempDir();
  const root = join(temp.path, "app");
  const write = (name: string, text: string): void => {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  };
  mkdirSync(root);
  for (const [name, text] of Object.entries(files)) write(name, text);
  const sink = collectingSink();
  const failures: object[] = [];
  const watch = await ProjectWatch.start(root, sink, { warn: (about) => void failures.push(about) });
  const told = () =>
    sink.drafts.map(({ data }) => {
      const { path, action, from_path, files: count } = data as Record<string, string>;
      const name = path!.slice(root.length + 1);
      return [action, name, from_path?.slice(root.length + 1) ?? count].filter((x) => x !== undefined).join(" ");
    });
  return {
    root,
    sink,
    write,
    watch,
    told,
    saw: (text: string) => until(`it tells ${text}`, () => told().includes(text)),
    async [Symbol.asyncDispose]() {
      await watch.close();
      expect(failures).toEqual([]);
      await temp[Symbol.asyncDispose]();
    },
  };
}

describe("files of a project", () => {
  test("made, changed, renamed and removed are told, what was there before is not", async () => {
    await using it = await project({ "a.txt": "a", "src/b.txt": "b" });
    expect(it.told()).toEqual([]);
    it.write("c.txt", "c");
    await it.saw("created c.txt");
    it.write("src/b.txt", "longer");
    await it.saw("changed src/b.txt");
    renameSync(join(it.root, "a.txt"), join(it.root, "src", "z.txt"));
    await it.saw("renamed src/z.txt a.txt");
    rmSync(join(it.root, "c.txt"));
    await it.saw("removed c.txt");
    it.write("new/deep/d.txt", "d");
    await it.saw("created new/deep/d.txt");
    it.write("new/deep/e.txt", "e");
    await it.saw("created new/deep/e.txt");
    rmSync(join(it.root, "new"), { recursive: true });
    await it.saw("removed new/deep/e.txt");
    expect(it.told().length).toBe(8);
  });

  test("a file that takes the inode of a removed one is made, not renamed", async () => {
    await using it = await project({ "a.txt": "a" });
    for (let k = 0; k < 3; k++) {
      rmSync(join(it.root, k === 0 ? "a.txt" : `n${k - 1}.txt`));
      it.write(`n${k}.txt`, "other");
      await it.saw(`created n${k}.txt`);
    }
    expect(it.told().filter((text) => text.startsWith("renamed"))).toEqual([]);
  });

  test("a folder that was put in the place of another is watched on", async () => {
    await using it = await project({ "src/in/a.txt": "a", "gone/b.txt": "b" });
    rmSync(join(it.root, "gone"), { recursive: true });
    it.write("gone/c.txt", "c");
    await it.saw("created gone/c.txt");
    it.write("gone/d.txt", "d");
    await it.saw("created gone/d.txt");
    renameSync(join(it.root, "src"), join(it.root, "old"));
    it.write("src/in/n.txt", "n");
    await it.saw("renamed old/in/a.txt src/in/a.txt");
    it.write("src/in/o.txt", "o");
    await it.saw("created src/in/o.txt");
    it.write("old/in/p.txt", "p");
    await it.saw("created old/in/p.txt");
    const told = ["created gone/c.txt", "created gone/d.txt", "created old/in/p.txt", "created src/in/n.txt"];
    told.push("created src/in/o.txt", "removed gone/b.txt", "renamed old/in/a.txt src/in/a.txt");
    expect(it.told().sort()).toEqual(told);
  });

  test("what .gitignore names is left out, node_modules and .git always", async () => {
    await using it = await project({
      ".gitignore": "dist/\n*.log\n!keep.log\n",
      "src/.gitignore": "local.txt\n",
      "node_modules/x/index.js": "x",
      ".git/HEAD": "ref: refs/heads/main\n",
      "dist/out.js": "x",
    });
    expect(it.watch.status()).toMatchObject({ folders: 2, files: 2 });
    for (const name of ["dist/more.js", "a.log", "src/local.txt", "node_modules/x/other.js", ".git/index"])
      it.write(name, "x");
    it.write("keep.log", "x");
    await it.saw("created keep.log");
    it.write("src/last.txt", "x");
    await it.saw("created src/last.txt");
    expect(it.told().sort()).toEqual(["created keep.log", "created src/last.txt"]);
    it.write(".gitignore", "");
    await it.saw("changed .gitignore");
    it.write("b.log", "x");
    await it.saw("created b.log");
  });

  test("other rules remove and make nothing, and reach folders below", async () => {
    await using it = await project({ "a.log": "a", "dist/x.js": "x", "src/b.log": "b", "src/c.txt": "c" });
    it.write(".gitignore", "dist/\n*.log\n");
    await it.saw("created .gitignore");
    for (const name of ["a.log", "dist/x.js", "dist/y.js", "src/b.log"]) it.write(name, "not told");
    rmSync(join(it.root, "src", "c.txt"));
    await it.saw("removed src/c.txt");
    it.write(".gitignore", "");
    await it.saw("changed .gitignore");
    for (const name of ["src/b.log", "dist/x.js"]) it.write(name, "told again");
    await it.saw("changed src/b.log");
    await it.saw("changed dist/x.js");
    expect(it.told().length).toBe(5);
  });

  test.skipIf(["darwin", "win32"].includes(process.platform))("a rule names what is written as it is", async () => {
    await using it = await project({ ".gitignore": "Build/\n*.LOG\n" });
    it.write("build/a.ts", "a");
    await it.saw("created build/a.ts");
    it.write("b.log", "b");
    await it.saw("created b.log");
  });

  test("in a folder of a repository the rules of those around it hold, but for one that is left out as a whole", async () => {
    await using it = await project({ "app/a.ts": "a", "left/a.ts": "a" });
    execFileSync("git", ["init", "-q"], { cwd: it.root });
    it.write(".gitignore", "dist/\n*.log\n/left\n");
    it.write(".git/info/exclude", "mine.txt");
    for (const name of ["app", "left"]) {
      const sink = collectingSink();
      const watch = await ProjectWatch.start(join(it.root, name), sink);
      for (const file of ["a.log", "dist/x.js", "mine.txt", "z.ts"]) it.write(`${name}/${file}`, "x");
      const told = () => sink.drafts.map(({ data }) => String(data.path).slice(it.root.length + 1)).sort();
      await until("it is told", () => told().includes(`${name}/z.ts`));
      await watch.close();
      const all = ["a.log", "dist/x.js", "mine.txt", "z.ts"];
      expect(told()).toEqual((name === "app" ? ["z.ts"] : all).map((file) => `${name}/${file}`));
    }
  });

  test("a storm is told as one change a folder", async () => {
    await using it = await project({ "a.txt": "a" });
    for (let k = 0; k < 300; k++) it.write(`gen/f${k}.txt`, "x");
    await until("all are counted", () => it.watch.status().files === 301);
    await until("it is told", () => it.told().some((text) => /^changed gen \d+$/.test(text)));
    expect(it.told().length).toBeLessThan(60);
  });

  test("a branch is told as soon as it is made, whatever slashes its name has", async () => {
    await using it = await project({ "a.txt": "a" });
    const git = (...words: string[]): void =>
      void execFileSync("git", ["-c", "user.name=Ana", "-c", "user.email=ana@example.org", ...words], { cwd: it.root });
    git("init", "-q", "-b", "main");
    await until("it is a repository", () => it.watch.status().repository);
    git("commit", "-q", "--allow-empty", "-m", "first");
    // branches that are there when it first looks are not told as made
    await until("it has looked", () => it.sink.drafts.some(({ type }) => type === "commit.created"));
    for (const name of ["flat", "work/one", "work/two", "work/deep/three", "work/deep/four"]) {
      git("branch", name);
      await until(`it tells of ${name}`, () => it.sink.drafts.some(({ subject }) => subject === name));
    }
  });

  test("a folder and a repository that take the place of those under watch are watched", async () => {
    await using it = await project({ "a.txt": "a" });
    const sink = collectingSink();
    const watches = new ProjectWatches(sink);
    const git = (...words: string[]): void =>
      void execFileSync("git", ["-c", "user.name=Ana", "-c", "user.email=ana@example.org", ...words], { cwd: it.root });
    const saw = (what: string) =>
      until(`it tells ${what}`, () =>
        sink.drafts.some(({ data }) => data.message === what || String(data.path).endsWith(what)),
      );
    const commit = (message: string): void => git("commit", "-q", "--allow-empty", "-m", message);
    git("init", "-q");
    commit("first");
    await watches.use({ watch: [it.root], taken: [] });
    await saw("first");
    renameSync(it.root, `${it.root}.old`);
    await until("it has seen that the folder is gone", () => watches.status()[0]?.files === 0);
    it.write("b.txt", "b");
    git("init", "-q");
    await watches.use({ watch: [it.root], taken: [] });
    await saw("b.txt");
    it.write("c.txt", "c");
    await saw("c.txt");
    commit("in the new folder");
    await saw("in the new folder");
    rmSync(join(it.root, ".git"), { recursive: true });
    git("init", "-q");
    await watches.use({ watch: [it.root], taken: [] });
    for (const message of ["in the new repository", "and another"]) {
      commit(message);
      await saw(message);
    }
    await watches.close();
  });

  test("a folder that was taken out is not looked into, also inside one that is watched, and tells nothing by that", async () => {
    await using it = await project({ "src/a.txt": "a", "secret/b.txt": "b", "secret/open/c.txt": "c" });
    const sink = collectingSink();
    const watches = new ProjectWatches(sink);
    const told = () => sink.drafts.map(({ data }) => `${data.action} ${String(data.path).slice(it.root.length + 1)}`);
    const saw = (what: string) => until(`it tells ${what}`, () => told().includes(what));
    const secret = join(it.root, "secret");
    await watches.use({ watch: [it.root], taken: [] });
    await watches.use({ watch: [it.root, join(secret, "open")], taken: [secret] });
    await until("it is out", () => watches.status()[0]?.files === 1);
    expect(watches.status().map(({ path }) => path)).toEqual([it.root, join(secret, "open")]);
    it.write("secret/b.txt", "not told");
    it.write("secret/open/d.txt", "d");
    await saw("created secret/open/d.txt");
    it.write("src/e.txt", "e");
    await saw("created src/e.txt");
    await watches.use({ watch: [it.root], taken: [] });
    await until("it is back", () => watches.status()[0]?.files === 5);
    it.write("secret/b.txt", "told again");
    await saw("changed secret/b.txt");
    await watches.close();
    expect(told().length).toBe(3);
  });

  test("of the folders named, those that are there and are projects are watched", async () => {
    await using it = await project({ "src/a.txt": "a" });
    const watches = new ProjectWatches(collectingSink());
    const use = (...watch: string[]) => watches.use({ watch, taken: [] });
    await use("/", "/home", homedir(), dirname(homedir()), join(it.root, "missing"), it.root, join(it.root, "src"));
    expect(watches.status().map(({ path }) => path)).toEqual([it.root]);
    await use(join(it.root, "src"));
    expect(watches.status().map(({ path }) => path)).toEqual([join(it.root, "src")]);
    await watches.close();
    expect(watches.status()).toEqual([]);
  });
});
