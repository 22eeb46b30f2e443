import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { importTranscripts } from "../../src/capture/import.ts";
import { collectingSink } from "../support/collecting-sink.ts";
import { corpus, finder } from "../support/corpus.ts";
import { tempDir } from "../support/temp.ts";

const stamp = (k: number): string => new Date(1_795_000_000_000 + k * 1_000).toISOString();
const linesOf = (records: readonly object[]): string => records.map((one) => `${JSON.stringify(one)}\n`).join("");
const PLANTED = corpus();
const PRIVATE = "the words of a person";

/** Reads one file and gives what is remembered of it. */
async function remembered(kind: "claude-code" | "codex", name: string, text: string): Promise<string> {
  await using temp = await tempDir();
  const folder = join(temp.path, kind === "codex" ? "sessions/2026" : "projects/-work-app");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), text);
  const positionsFile = join(temp.path, "weir", "import", `${kind}.jsonl`);
  // the oldest of too many waiting titles give way: each file holds few
  await importTranscripts({ kind, dirs: [temp.path], sink: collectingSink(), positionsFile });
  return readFileSync(positionsFile, "utf8");
}

const groups = Array.from({ length: Math.ceil(PLANTED.length / 60) }, (_, k) => PLANTED.slice(k * 60, k * 60 + 60));

test("no secret of a waiting title is remembered, and nothing of one that was given out", async () => {
  for (const planted of groups) {
    const base = { sessionId: "s1", cwd: "/home/ada/app", version: "2.1.0", timestamp: stamp(0) };
    const kept = await remembered(
      "claude-code",
      "s1.jsonl",
      linesOf([
        { ...base, type: "user", uuid: "u1", message: { role: "user", content: "hello" } },
        ...planted.map(({ text }, k) => ({ type: "summary", summary: text, leafUuid: `none-${k}` })),
        { type: "custom-title", customTitle: PRIVATE, sessionId: "s1" },
      ]),
    );
    expect(kept).toContain(`"leaf":"none-${planted.length - 1}"`);
    expect(finder(planted)(kept)).toEqual([]);
    expect(kept).not.toContain(PRIVATE);
  }
});

test("no secret of a failed call that waits for its output is remembered", async () => {
  for (const planted of groups) {
    const kept = await remembered(
      "codex",
      "rollout-2026-11-20T08-00-00-5e551010.jsonl",
      linesOf(
        [
          { type: "session_meta", payload: { id: "s1", cwd: "/home/ada/app", timestamp: stamp(0) } },
          ...planted.flatMap(({ text }, k) => [
            { type: "response_item", payload: { type: "function_call", name: "q", call_id: `c${k}`, arguments: "{}" } },
            { type: "event_msg", payload: { type: "mcp_tool_call_end", call_id: `c${k}`, result: { Err: text } } },
          ]),
        ].map((line, k) => ({ timestamp: stamp(k), ...line })),
      ),
    );
    expect(kept).toContain('"failure"');
    expect(finder(planted)(kept)).toEqual([]);
  }
});
