import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { Follower, type FollowOptions } from "../../../src/capture/follow/follow.ts";
import { importTranscripts } from "../../../src/capture/import.ts";
import { openPositions } from "../../../src/capture/positions.ts";
import { type CollectingSink, collectingSink, distinct, idsOf } from "../../support/collecting-sink.ts";
import { tempDir } from "../../support/temp.ts";
import { prompt, sampleSession, sampleText } from "../../support/transcript-sample.ts";
import { hasSamples, jsonlFiles, TRANSCRIPTS } from "../../support/transcript-truth.ts";
import { until } from "../../support/until.ts";

interface Desk {
  readonly root: string;
  readonly positionsFile: string;
  readonly sink: CollectingSink;
  path(...names: string[]): string;
  follow(more?: Partial<FollowOptions>): Promise<Follower & AsyncDisposable>;
  /** Ids that an import of everything gives. */
  imported(): Promise<string[]>;
  [Symbol.asyncDispose](): Promise<void>;
}

async function desk(): Promise<Desk> {
  const temp = await tempDir();
  const root = join(temp.path, "projects");
  mkdirSync(join(root, "-work-app"), { recursive: true });
  const sink = collectingSink();
  const positionsFile = join(temp.path, "weir", "claude-code.jsonl");
  let runs = 0;
  return {
    root,
    positionsFile,
    sink,
    path: (...names) => {
      const path = join(root, ...names);
      mkdirSync(dirname(path), { recursive: true });
      return path;
    },
    async follow(more) {
      const kind = "claude-code";
      const follower = await Follower.start({ kind, dirs: async () => [root], sink, positionsFile, ...more });
      return Object.assign(follower, { [Symbol.asyncDispose]: () => follower.stop() });
    },
    async imported() {
      const all = collectingSink();
      const file = join(temp.path, `import-${runs++}.jsonl`);
      await importTranscripts({ kind: "claude-code", dirs: [root], sink: all, positionsFile: file });
      return idsOf(all.drafts);
    },
    [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose](),
  };
}

const text = sampleText(sampleSession());
const lines = text.split("\n").filter((line) => line !== "");
const never = { sweep_ms: 3_600_000 };

/** The follower has given out all that an import would, and nothing else. */
const caughtUp = (it: Desk) =>
  until("everything is given out", async () => {
    const expected = await it.imported();
    return JSON.stringify(idsOf(it.sink.drafts)) === JSON.stringify(expected);
  });

describe("a transcript that grows", () => {
  test("is read line by line, wherever a write cuts it", async () => {
    await using it = await desk();
    await using _ = await it.follow(never);
    const file = it.path("-work-app", "5e551010.jsonl");
    writeFileSync(file, "");
    for (let at = 0; at < text.length; at += 997) {
      appendFileSync(file, text.slice(at, at + 997));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await caughtUp(it);
  });

  test("byte by byte the last line counts once it is whole", async () => {
    await using it = await desk();
    const file = it.path("-work-app", "5e551010.jsonl");
    writeFileSync(file, `${lines[0]}\n`);
    await using follower = await it.follow(never);
    await caughtUp(it);
    for (const byte of Buffer.from(`${lines[1]}\n`)) {
      appendFileSync(file, Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until("both lines are read", () => follower.status().lines >= 2);
    expect(follower.status()).toMatchObject({ lines: 2, bad_lines: 0 });
    await caughtUp(it);
  });

  test("in a folder that did not exist, subagents included", async () => {
    await using it = await desk();
    await using _ = await it.follow(never);
    await until("the roots are watched", () => _.status().folders_watched > 0);
    writeFileSync(it.path("-work-new", "5e551010.jsonl"), text);
    const agent = prompt("a1", "look", { isSidechain: true, agentId: "a1b2" });
    writeFileSync(it.path("-work-new", "5e551010", "subagents", "agent-a1b2.jsonl"), sampleText([agent]));
    await caughtUp(it);
    expect(it.sink.drafts.length).toBeGreaterThan(10);
  });

  test("two writers in one file spoil lines, not the rest", async () => {
    await using it = await desk();
    await using follower = await it.follow(never);
    const file = it.path("-work-app", "5e551010.jsonl");
    const [first, second, ...rest] = lines;
    writeFileSync(file, `${first}\n${second!.slice(0, 40)}${lines[3]}\n${rest.join("\n")}\n`);
    await caughtUp(it);
    expect(follower.status()).toMatchObject({ bad_lines: 1 });
  });
});

describe("a transcript that is", () => {
  test("cut short and written on is read again from its start", async () => {
    await using it = await desk();
    const file = it.path("-work-app", "5e551010.jsonl");
    writeFileSync(file, text);
    await using follower = await it.follow(never);
    await caughtUp(it);
    const before = it.sink.drafts.length;
    truncateSync(file, Buffer.byteLength(`${lines.slice(0, 4).join("\n")}\n`));
    await until("the cut is seen", () => follower.status().lines > lines.length);
    appendFileSync(file, sampleText([prompt("after-cut", "go on")]));
    await until("the new line is given out", () => it.sink.drafts.some((d) => d.data.text === "go on"));
    const known = new Set(idsOf(it.sink.drafts.slice(0, before)));
    const added = distinct(it.sink.drafts).filter(({ id }) => !known.has(id!));
    expect(added.map(({ type }) => type)).toEqual(["prompt.submitted"]);
  });

  test("replaced by another under its name is read whole", async () => {
    await using it = await desk();
    const file = it.path("-work-app", "5e551010.jsonl");
    writeFileSync(file, text);
    await using _ = await it.follow(never);
    await caughtUp(it);
    writeFileSync(`${file}.new`, sampleText([prompt("other-1", "another beginning"), ...sampleSession()]));
    renameSync(`${file}.new`, file);
    await until("its first line is given out", () => it.sink.drafts.some((d) => d.data.text === "another beginning"));
  });

  test("renamed gives the same events again, and none new", async () => {
    await using it = await desk();
    const file = it.path("-work-app", "5e551010.jsonl");
    writeFileSync(file, text);
    await using follower = await it.follow(never);
    await caughtUp(it);
    const before = idsOf(it.sink.drafts);
    renameSync(file, it.path("-work-app", "6e551010.jsonl"));
    await until("the other name is read", () => follower.status().lines >= 2 * lines.length);
    expect(idsOf(it.sink.drafts)).toEqual(before);
  });

  test("deleted is forgotten, and takes nothing back", async () => {
    await using it = await desk();
    const file = it.path("-work-app", "5e551010.jsonl");
    writeFileSync(file, text);
    await using follower = await it.follow(never);
    await caughtUp(it);
    const before = idsOf(it.sink.drafts);
    rmSync(file);
    await until("it is gone", () => follower.status().files === 0);
    await follower.stop();
    expect([...(await openPositions(it.positionsFile))]).toEqual([]);
    expect(idsOf(it.sink.drafts)).toEqual(before);
  });

  test("in a folder without a watch is found by the sweep", async () => {
    await using it = await desk();
    const file = it.path("-work-app", "5e551010.jsonl");
    writeFileSync(file, text.slice(0, 3_000));
    await using follower = await it.follow({ ...never, watches_max: 0 });
    await follower.sweep();
    expect(follower.status()).toMatchObject({ folders_watched: 0, folders_unwatched: 2 });
    appendFileSync(file, text.slice(3_000));
    await follower.sweep();
    expect(idsOf(it.sink.drafts)).toEqual(await it.imported());
  });

  test("in a folder without a watch is found by a later sweep too", async () => {
    await using it = await desk();
    const file = it.path("-work-app", "5e551010.jsonl");
    writeFileSync(file, text.slice(0, 3_000));
    let sweeps = 0;
    const dirs = async () => {
      sweeps++;
      return [it.root];
    };
    await using follower = await it.follow({ sweep_ms: 20, watches_max: 0, dirs });
    await until("sweeps find nothing", () => sweeps > 10 && follower.status().state === "following");
    appendFileSync(file, text.slice(3_000)); // read before a watch or a look at what grew could know of it
    await caughtUp(it);
  });

  test("in a folder that comes later is found although sweeps rest", async () => {
    await using it = await desk();
    writeFileSync(it.path("-work-app", "5e551010.jsonl"), text);
    let sweeps = 0;
    let there = false;
    const dirs = async () => {
      sweeps++;
      return there ? [it.root] : [];
    };
    await using _ = await it.follow({ sweep_ms: 20, dirs });
    await until("sweeps rest", () => sweeps > 20);
    there = true;
    await caughtUp(it);
  });

  test("one that grew lately is seen without watch and sweep", async () => {
    await using it = await desk();
    const file = it.path("-work-app", "5e551010.jsonl");
    writeFileSync(file, text.slice(0, 3_000));
    await using follower = await it.follow({ ...never, watches_max: 0 });
    await follower.sweep();
    appendFileSync(file, text.slice(3_000, 6_000));
    await follower.sweep();
    appendFileSync(file, text.slice(6_000));
    await caughtUp(it);
  });
});

describe("positions", () => {
  test("what was read is not read again after a restart", async () => {
    await using it = await desk();
    const file = it.path("-work-app", "5e551010.jsonl");
    writeFileSync(file, text);
    {
      await using follower = await it.follow(never);
      await follower.sweep();
    }
    const before = it.sink.drafts.length;
    appendFileSync(file, sampleText([prompt("new", "more")]));
    await using follower = await it.follow(never);
    await follower.sweep();
    expect(follower.status()).toMatchObject({ lines: 1, state: "following" });
    expect(it.sink.drafts.length).toBe(before + 1);
  });

  test("an import and a follower at the same time give each id once, and either goes on where the other stopped", async () => {
    await using it = await desk();
    for (let k = 0; k < 20; k++)
      writeFileSync(it.path(`-work-${k % 3}`, `s${k}.jsonl`), text.replaceAll("r1", `r${k}x`));
    await using follower = await it.follow(never);
    const { sink, positionsFile, root } = it;
    await Promise.all([
      follower.sweep(),
      importTranscripts({ kind: "claude-code", dirs: [root], sink, positionsFile }),
    ]);
    expect(idsOf(sink.drafts)).toEqual(await it.imported());
    const again = await importTranscripts({ kind: "claude-code", dirs: [root], sink, positionsFile });
    expect(again).toMatchObject({ files: 0, files_skipped_unchanged: 20 });
  });

  test("the file stays in proportion to what it stands for", async () => {
    await using it = await desk();
    const positions = await openPositions(it.positionsFile);
    const state = { v: 1, fill: "x".repeat(20_000) };
    for (let offset = 0; offset < 2_000; offset++) {
      positions.set("/a", { kind: "claude-code", size: 1, mtime_ms: 1, offset, line: 1, open: false, mark: "", state });
      await positions.save(async () => {});
    }
    expect(statSync(it.positionsFile).size).toBeLessThan(6_000_000);
    expect((await openPositions(it.positionsFile)).get("/a")).toMatchObject({ offset: 1_999 });
  });

  test("a line cut by a crash costs that line only", async () => {
    await using it = await desk();
    const at = {
      kind: "claude-code",
      size: 1,
      mtime_ms: 1,
      offset: 1,
      line: 1,
      open: false,
      mark: "",
      state: { v: 1 },
    };
    const first = await openPositions(it.positionsFile);
    for (const path of ["/a", "/b"]) {
      first.set(path, at);
      await first.save(async () => {});
    }
    truncateSync(it.positionsFile, statSync(it.positionsFile).size - 20);
    const second = await openPositions(it.positionsFile);
    second.set("/c", at);
    await second.save(async () => {});
    expect([...(await openPositions(it.positionsFile))].map(([path]) => path)).toEqual(["/a", "/c"]);
  });
});

const skipped = hasSamples ? "" : " (skipped: shared/data/transcripts is not on this machine)";

describe.skipIf(!hasSamples)(`real transcripts${skipped}`, () => {
  test("growing by their snapshots, they give what an import of the last ones gives", async () => {
    await using it = await desk();
    await using follower = await it.follow(never);
    const growth = jsonlFiles(join(TRANSCRIPTS, "growth")).sort();
    expect(growth.length).toBeGreaterThan(5);
    for (const snapshot of growth) {
      const file = it.path("-work-app", `${dirname(snapshot).split("/").at(-1)}.jsonl`);
      const old = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
      const grown = readFileSync(snapshot);
      for (let from = old; from < grown.length; from += 100_003)
        appendFileSync(file, grown.subarray(from, Math.min(grown.length, from + 100_003)));
      const seen = follower.status().lines;
      await until("some of it is read", () => follower.status().lines > seen);
    }
    await caughtUp(it);
  });

  test("newest first, each record still belongs to the session that had it first", async () => {
    await using it = await desk();
    const project = join(TRANSCRIPTS, "oh-my-posh", "projects", "-oh-my-posh");
    for (const file of jsonlFiles(project)) copyFileSync(file, it.path("-oh-my-posh", file.slice(project.length + 1)));
    await using follower = await it.follow(never);
    await follower.sweep();
    const owners = (drafts: CollectingSink["drafts"]) =>
      new Map(distinct(drafts).flatMap(({ id, type, session }) => (type === "model.called" ? [[id, session]] : [])));
    const all = collectingSink();
    await importTranscripts({ kind: "claude-code", dirs: [it.root], sink: all, positionsFile: join(it.root, "p") });
    expect(owners(it.sink.drafts)).toEqual(owners(all.drafts));
    expect(it.sink.drafts[0]!.time).toBeGreaterThan(all.drafts[0]!.time!);
  });
});
