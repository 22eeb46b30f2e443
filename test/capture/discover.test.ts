import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, test } from "vitest";
import { defaultDirs, discoverTranscripts, findTranscripts } from "../../src/capture/discover.ts";
import { tempDir } from "../support/temp.ts";

function write(root: string, ...paths: string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), "{}\n");
  }
}

const SESSIONS = [
  "projects/-a/s1.jsonl",
  "projects/-a/agent-1.jsonl",
  "projects/-a/s1/subagents/agent-2.jsonl",
  "projects/-a/s1/subagents/workflows/wf_1/agent-3.jsonl",
  "projects/-a/s1/subagents/workflows/wf_1/journal.jsonl",
];

test("an assistant's folder, its projects, any folder and a single file are taken", async () => {
  await using dir = await tempDir();
  write(
    dir.path,
    ...SESSIONS,
    "history.jsonl",
    "projects/-a/s1/tool-results/x.jsonl",
    "projects/-a/memory.md",
    "todos/t.jsonl",
  );
  const found = async (path: string) =>
    (await findTranscripts("claude-code", [join(dir.path, path)])).files
      .map((file) => relative(dir.path, file.path))
      .sort();
  expect(await found("")).toEqual([...SESSIONS].sort());
  expect(await found("projects")).toEqual([...SESSIONS].sort());
  expect(await found("projects/-a/s1")).toEqual(SESSIONS.slice(2).sort());
  expect(await found("projects/-a/s1.jsonl")).toEqual(["projects/-a/s1.jsonl"]);
});

test("a folder named twice gives each file once; links to files are followed, links to folders are not", async () => {
  await using dir = await tempDir();
  write(dir.path, "p/s1.jsonl");
  symlinkSync(dir.path, join(dir.path, "p", "loop"));
  symlinkSync(join(dir.path, "p", "s1.jsonl"), join(dir.path, "p", "link.jsonl"));
  const found = await findTranscripts("claude-code", [dir.path, join(dir.path, "p")]);
  expect(found.files.map((file) => relative(dir.path, file.path)).sort()).toEqual(["p/link.jsonl", "p/s1.jsonl"]);
  expect(found.complete).toBe(true);
});

test("a search stops at its limit and says so", async () => {
  await using dir = await tempDir();
  write(dir.path, ...Array.from({ length: 20 }, (_, n) => `s${n}.jsonl`));
  const found = await findTranscripts("claude-code", [dir.path], 10);
  expect(found.complete).toBe(false);
  expect(found.files.length).toBeLessThan(20);
});

test("where an assistant keeps its files follows its environment", () => {
  expect(defaultDirs("claude-code", { env: {}, home: "/h" })).toEqual(["/h/.claude", "/h/.config/claude"]);
  expect(defaultDirs("claude-code", { env: { HOME: "/u", XDG_CONFIG_HOME: "/x" } })).toEqual([
    "/u/.claude",
    "/x/claude",
  ]);
  expect(defaultDirs("claude-code", { env: { CLAUDE_CONFIG_DIR: "/c, /d" }, home: "/h" })).toEqual(["/c", "/d"]);
  expect(defaultDirs("codex", { env: {}, home: "/h" })).toEqual(["/h/.codex"]);
  expect(defaultDirs("codex", { env: { CODEX_HOME: "/c" }, home: "/h" })).toEqual(["/c"]);
});

test("what could be imported on a machine", async () => {
  await using dir = await tempDir();
  expect(await discoverTranscripts({ env: {}, home: dir.path })).toEqual([]);
  write(join(dir.path, ".claude"), ...SESSIONS);
  write(
    join(dir.path, ".codex"),
    "sessions/2026/06/01/rollout-1.jsonl",
    "archived_sessions/rollout-2.jsonl",
    "history.jsonl",
  );
  expect(await discoverTranscripts({ env: {}, home: dir.path })).toEqual([
    { assistant: "claude-code", dirs: [join(dir.path, ".claude/projects")], files: 5, bytes: 15, complete: true },
    {
      assistant: "codex",
      dirs: [join(dir.path, ".codex/sessions"), join(dir.path, ".codex/archived_sessions")],
      files: 2,
      bytes: 6,
      complete: true,
    },
  ]);
});
