import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ImportOptions, type ImportProgress, importTranscripts } from "../../src/capture/import.ts";
import { openPositions } from "../../src/capture/positions.ts";
import { noSessionFile } from "../../src/capture/report.ts";
import { type CollectingSink, collectingSink, idsOf } from "../support/collecting-sink.ts";
import { tempDir } from "../support/temp.ts";
import { answer, prompt, sampleSession, sampleText } from "../support/transcript-sample.ts";

interface Desk {
  readonly dir: string;
  readonly file: string;
  readonly positionsFile: string;
  readonly sink: CollectingSink;
  run(more?: Partial<ImportOptions>): ReturnType<typeof importTranscripts>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** An empty configuration folder, a place for one session file, and an import of it. */
async function desk(): Promise<Desk> {
  const temp = await tempDir();
  const project = join(temp.path, "projects", "-work-app");
  mkdirSync(project, { recursive: true });
  const sink = collectingSink();
  const positionsFile = join(temp.path, "weir", "positions.json");
  return {
    dir: temp.path,
    file: join(project, "5e551010.jsonl"),
    positionsFile,
    sink,
    run: (more) => importTranscripts({ kind: "claude-code", dirs: [temp.path], sink, positionsFile, ...more }),
    [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose](),
  };
}

const text = sampleText(sampleSession());

describe("an import", () => {
  test("tells a file that is no session file", async () => {
    await using it = await desk();
    writeFileSync(it.file, "root:x:0:0\nbin:x:1:1\n");
    expect(noSessionFile(await it.run({ dirs: [it.file] }))).toBe(it.file);
    writeFileSync(it.file, `${text}torn\n`);
    expect(noSessionFile(await it.run({ dirs: [it.file] }))).toBeUndefined();
  });

  test("reports what it read, and reads nothing the second time", async () => {
    await using it = await desk();
    writeFileSync(it.file, text);
    expect(await it.run()).toMatchObject({
      files: 1,
      files_skipped_unchanged: 0,
      lines: sampleSession().length,
      bytes: Buffer.byteLength(text),
      events: it.sink.drafts.length,
      bad_lines_total: 0,
      prompts: 3,
      tool_calls: 6,
      model_calls: 6,
      complete: true,
    });
    expect(await it.run()).toMatchObject({ files: 0, files_skipped_unchanged: 1, lines: 0, events: 0 });
  });

  test("keeps positions for the owner only, after everything is durable", async () => {
    await using it = await desk();
    writeFileSync(it.file, text);
    await it.run();
    expect(statSync(it.positionsFile).mode & 0o777).toBe(0o600);
    expect(it.sink.flushes.at(-1)).toBe(it.sink.drafts.length);
    const failing = { ...it.sink, flush: () => Promise.reject(new Error("disk full")) };
    const before = readFileSync(it.positionsFile);
    appendFileSync(it.file, sampleText([prompt("later", "more")]));
    await expect(it.run({ sink: failing })).rejects.toThrow("disk full");
    expect(readFileSync(it.positionsFile)).toEqual(before);
  });

  test("names lines that hold no record and goes on", async () => {
    await using it = await desk();
    writeFileSync(it.file, `{"cut\n42\n"text"\n[1]\nnull\n\n${text}`);
    const report = await it.run();
    expect(report.bad_lines.map(({ line, reason }) => [line, reason])).toEqual([
      [1, "not JSON"],
      [2, "not a JSON object"],
      [3, "not a JSON object"],
      [4, "not a JSON object"],
      [5, "not a JSON object"],
    ]);
    expect(report).toMatchObject({ bad_lines_total: 5, prompts: 3 });
    writeFileSync(it.file, "x\n".repeat(250));
    const many = await it.run();
    expect(many.bad_lines).toHaveLength(100);
    expect(many.bad_lines_total).toBe(250);
  });

  test("feeds older files first, whatever their names", async () => {
    await using it = await desk();
    const at = (hour: number) => ({ timestamp: new Date(Date.UTC(2026, 6, 1, hour)).toISOString() });
    const history = [prompt("old", "first", at(1)), answer("a", "msg_o", { type: "text", text: "x" }, 5, at(2))];
    const copy = history.map((entry) => ({ ...entry, sessionId: "resumed" }));
    writeFileSync(join(it.dir, "projects", "z.jsonl"), sampleText(history));
    writeFileSync(
      join(it.dir, "projects", "a.jsonl"),
      sampleText([...copy, prompt("new", "on", { ...at(3), sessionId: "resumed" })]),
    );
    await it.run();
    const prompts = it.sink.drafts.filter((draft) => draft.type === "prompt.submitted");
    expect(prompts.map((draft) => draft.session?.slice(0, 4))).toEqual(["5e55", "resu", "resu"]);
    expect(prompts[0]!.id).toBe(prompts[1]!.id);
  });

  test("gives a summary to the session whose last record it names, in whatever file", async () => {
    await using it = await desk();
    writeFileSync(it.file, sampleText([prompt("leaf", "old work")]));
    const later = { sessionId: "later", timestamp: "2026-08-01T00:00:00.000Z" };
    const summary = { type: "summary", summary: "Old work", leafUuid: "leaf" };
    writeFileSync(join(it.dir, "projects", "later.jsonl"), sampleText([summary, prompt("n", "new", later)]));
    await it.run();
    expect(it.sink.drafts.filter((draft) => draft.type === "session.titled")).toMatchObject([
      { session: "5e551010-0000-4000-8000-000000000001", data: { title: "Old work" } },
    ]);
  });

  test("tells how far it is, up to the end", async () => {
    await using it = await desk();
    writeFileSync(it.file, text);
    const seen: ImportProgress[] = [];
    await it.run({ onProgress: (progress) => seen.push(progress) });
    const bytes_total = Buffer.byteLength(text);
    expect(seen.at(-1)).toEqual({ files_done: 1, files_total: 1, bytes_done: bytes_total, bytes_total });
  });

  test("stops on a signal and goes on where it stopped", async () => {
    await using it = await desk();
    writeFileSync(it.file, text);
    const stop = new AbortController();
    const emit: typeof it.sink.emit = (draft) => {
      stop.abort();
      return it.sink.emit(draft);
    };
    const stopping = { ...it.sink, emit };
    const first = await it.run({ sink: stopping, signal: stop.signal });
    expect(first.lines).toBeLessThan(sampleSession().length);
    const second = await it.run();
    expect(first.lines + second.lines).toBe(sampleSession().length);
    await using other = await desk();
    writeFileSync(other.file, text);
    await other.run();
    expect(idsOf(it.sink.drafts)).toEqual(idsOf(other.sink.drafts));
  });
});

describe("a file that changes", () => {
  test("cut shorter or replaced is read again from the start, with the same ids", async () => {
    await using it = await desk();
    writeFileSync(it.file, text);
    await it.run();
    const ids = idsOf(it.sink.drafts);
    truncateSync(it.file, 900);
    await it.run();
    writeFileSync(it.file, text);
    await it.run();
    expect(idsOf(it.sink.drafts)).toEqual(ids);
    const other = sampleText([prompt("other", "a different file of more bytes"), ...sampleSession()]);
    writeFileSync(it.file, other);
    expect((await it.run()).lines).toBe(sampleSession().length + 1);
  });

  test("only touched is read no second time", async () => {
    await using it = await desk();
    writeFileSync(it.file, text);
    await it.run();
    utimesSync(it.file, 1, 1);
    expect(await it.run()).toMatchObject({ files: 0, files_skipped_unchanged: 1, lines: 0, events: 0 });
  });

  test("vanished between finding and reading is reported", async () => {
    await using it = await desk();
    writeFileSync(it.file, text);
    const report = await it.run({ onProgress: () => rmSync(it.file, { force: true }) });
    expect(report).toMatchObject({ files: 0, unreadable: [{ file: it.file, reason: "ENOENT" }], unreadable_total: 1 });
  });

  test("deleted is forgotten", async () => {
    await using it = await desk();
    writeFileSync(it.file, text);
    await it.run();
    rmSync(it.file);
    await it.run();
    expect([...(await openPositions(it.positionsFile))]).toEqual([]);
  });

  test("positions that cannot be read mean reading again", async () => {
    await using it = await desk();
    writeFileSync(it.file, text);
    await it.run();
    const entry = `{"path":${JSON.stringify(it.file)},"position":{"offset":"x"}}`;
    for (const damaged of ["", "{", '{"v":2}\n', `{"positions":2}\n${entry}\n`]) {
      writeFileSync(it.positionsFile, damaged);
      expect((await it.run()).lines).toBe(sampleSession().length);
    }
  });

  test("a folder that is not there is reported", async () => {
    await using it = await desk();
    const missing = join(it.dir, "missing");
    expect(await it.run({ dirs: [missing] })).toMatchObject({
      files: 0,
      unreadable: [{ file: missing, reason: "ENOENT" }],
    });
  });
});

describe("whatever happens to a file", () => {
  test("read in two runs, split at any byte, it gives the ids of one run", async () => {
    const bytes = Buffer.from(`not json\n${text}{"cut":`);
    await using whole = await desk();
    writeFileSync(whole.file, bytes);
    await whole.run();
    const ids = idsOf(whole.sink.drafts);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: bytes.length }), async (at) => {
        await using it = await desk();
        writeFileSync(it.file, bytes.subarray(0, at));
        const first = await it.run();
        appendFileSync(it.file, bytes.subarray(at));
        const second = await it.run();
        expect(idsOf(it.sink.drafts)).toEqual(ids);
        expect(first.lines + second.lines).toBe(sampleSession().length + 1);
      }),
      { numRuns: 150 },
    );
  });

  test("splitting right before and after each newline too", async () => {
    const bytes = Buffer.from(text);
    await using it = await desk();
    let at = 0;
    for (let newline = bytes.indexOf(10); newline >= 0; newline = bytes.indexOf(10, at)) {
      for (const end of [newline, newline + 1]) {
        appendFileSync(it.file, bytes.subarray(at, end));
        at = end;
        await it.run();
      }
    }
    await using whole = await desk();
    writeFileSync(whole.file, bytes);
    await whole.run();
    expect(idsOf(it.sink.drafts)).toEqual(idsOf(whole.sink.drafts));
    expect(it.sink.drafts.length).toBe(idsOf(it.sink.drafts).length);
  });

  test("bytes overwritten, cut out or put in never stop the import", async () => {
    const change = fc.record({ at: fc.nat(), drop: fc.nat(200), put: fc.uint8Array({ maxLength: 20 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 10 }), async (changes) => {
        let bytes = Buffer.from(text);
        for (const { at, drop, put } of changes) {
          const from = at % bytes.length;
          bytes = Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(from + drop)]);
        }
        await using it = await desk();
        writeFileSync(it.file, bytes);
        await it.run();
      }),
      { numRuns: 100 },
    );
  });
});
