import { copyFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { importTranscripts } from "../../src/capture/import.ts";
import type { Draft } from "../../src/define/event.ts";
import { collectingSink, distinct, idsOf } from "../support/collecting-sink.ts";
import {
  type Counts,
  countRollout,
  countTranscripts,
  hasSamples,
  jsonlFiles,
  ROLLOUTS,
  statedFigures,
  statedRollouts,
  TRANSCRIPTS,
  zero,
} from "../support/transcript-truth.ts";

const folder = mkdtempSync(join(tmpdir(), "weir-truth-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let runs = 0;
async function importAll(dirs: string[], kind: "claude-code" | "codex" = "claude-code") {
  const sink = collectingSink();
  const report = await importTranscripts({ kind, dirs, sink, positionsFile: join(folder, `positions-${runs++}.json`) });
  return { drafts: sink.drafts, report };
}

type Data = Record<string, number | string | boolean | undefined>;
const totalOf = (data: Data): number =>
  Number(data.input_tokens) +
  Number(data.output_tokens) +
  Number(data.cache_creation_tokens) +
  Number(data.cache_read_tokens);

/** What tables show: equal ids once, then one row a fact; of an answer the largest total. A fact is its first event's session's. */
function countEvents(drafts: readonly Draft[]): { total: Counts; sessions: Map<string, Counts> } {
  const total = zero();
  const sessions = new Map<string, Counts>();
  const add = (session: string | undefined, key: keyof Counts, by = 1) => {
    total[key] += by;
    sessions.get(session ?? "")![key] += by;
  };
  const answers = new Map<string, { session?: string; data: Data }>();
  const seen = new Set<string>();
  const first = (kind: string, draft: Draft) => !seen.has(kind + draft.fact) && seen.add(kind + draft.fact);
  for (const draft of distinct(drafts)) {
    const data = draft.data as Data;
    if (!sessions.has(draft.session ?? "")) sessions.set(draft.session ?? "", zero());
    if (draft.type === "prompt.submitted" && first("prompt", draft)) add(draft.session, "prompts");
    if (draft.type === "tool.started" && first("tool", draft)) add(draft.session, "tools");
    const failed = draft.type === "tool.denied" || (draft.type === "tool.called" && data.success === false);
    if (failed && first("error", draft)) add(draft.session, "errors");
    if (draft.type !== "model.called") continue;
    const known = answers.get(draft.fact!);
    if (!known) answers.set(draft.fact!, { session: draft.session, data });
    else if (totalOf(data) > totalOf(known.data)) known.data = data;
  }
  for (const { session, data } of answers.values()) {
    add(session, "messages");
    add(session, "input", Number(data.input_tokens));
    add(session, "output", Number(data.output_tokens));
    add(session, "creation", Number(data.cache_creation_tokens));
    add(session, "read", Number(data.cache_read_tokens));
  }
  return { total, sessions };
}

const sorted = <T>(map: Map<string, T>): [string, T][] => [...map].sort(([a], [b]) => (a < b ? -1 : 1));

describe.skipIf(!hasSamples)("real transcripts of Claude Code", () => {
  const stated = hasSamples ? statedFigures() : new Map();

  test.each([["", ...[]], ...[...stated.keys()].filter((name) => name !== "").map((name) => [name])])(
    "the figures of the README come out: %s",
    async (origin) => {
      const dir = join(TRANSCRIPTS, origin as string);
      const expected = stated.get(origin as string)!;
      const truth = countTranscripts(jsonlFiles(dir));
      // the counter itself agrees with the README
      const { files, lines, bad, sessions, prompts, ...figures } = expected;
      const { prompts: distinctPrompts, ...counted } = truth.total;
      expect({ files: truth.files, lines: truth.lines, bad: truth.bad, sessions: truth.sessions.size }).toEqual({
        files,
        lines,
        bad,
        sessions,
      });
      expect(truth.promptRecords).toBe(prompts);
      expect(counted).toEqual(figures);

      const { drafts, report } = await importAll([dir]);
      const events = countEvents(drafts);
      expect(events.total).toEqual(truth.total);
      expect(sorted(events.sessions)).toEqual(sorted(truth.sessions));
      // the README counts a repeated prompt again, a table does not
      expect(drafts.filter((draft) => draft.type === "prompt.submitted").length).toBe(prompts);
      expect(report).toMatchObject({
        files,
        lines,
        bad_lines_total: bad,
        prompts: distinctPrompts,
        tool_calls: counted.tools,
        model_calls: counted.messages,
        unreadable_total: 0,
      });
    },
  );

  test("the whole set has the totals everybody expects", async () => {
    expect(stated.get("")).toMatchObject({ sessions: 93, prompts: 211, messages: 2_266, tools: 2_462, errors: 141 });
    expect(stated.get("")).toMatchObject({ input: 116_061, output: 815_383, creation: 9_136_518, read: 297_838_615 });
  });

  test("a copy of history gives the ids of the original, under whatever session", async () => {
    const { drafts } = await importAll([join(TRANSCRIPTS, "oh-my-posh")]);
    const sessionsOf = new Map<string, Set<string>>();
    for (const { id, session } of drafts) sessionsOf.set(id!, (sessionsOf.get(id!) ?? new Set()).add(session ?? ""));
    const repeated = [...sessionsOf.values()].filter((sessions) => sessions.size > 1);
    expect(repeated.length).toBeGreaterThan(1_000);
    const owner = distinct(drafts).filter((draft) => sessionsOf.get(draft.id!)!.size > 1);
    expect(new Set(owner.map((draft) => draft.session?.slice(0, 8)))).toEqual(new Set(["030df228"]));
  });

  test("files and commits are linked to the calls that made them", async () => {
    const { drafts } = await importAll([TRANSCRIPTS]);
    const kept = distinct(drafts);
    const of = (type: string) => kept.filter((draft) => draft.type === type);
    expect(new Set(of("file.changed").map((draft) => draft.data.action))).toEqual(
      new Set(["read", "created", "changed"]),
    );
    expect(new Set(of("commit.created").map((draft) => draft.fact)).size).toBe(15);
    expect(of("commit.created").find((draft) => draft.data.sha === "b51711ec")!.data).toMatchObject({
      kind: "committed",
      message: "@ feat(website): let segment docs edit their sample config",
      files: 16,
    });
    expect(of("session.compacted")).toHaveLength(4);
    expect(of("tool.denied").length).toBeGreaterThan(10);
    expect(of("session.titled").length).toBeGreaterThan(5);
    const calls = new Set(of("tool.started").map((draft) => draft.data.call_id));
    for (const draft of [...of("file.changed"), ...of("commit.created")])
      expect(calls.has(draft.data.call_id)).toBe(true);
  });

  test.each(["6878eb98", "88e16f61"])(
    "importing each snapshot of a growing session equals importing the last: %s",
    async (name) => {
      const dir = join(TRANSCRIPTS, "growth", name);
      const snapshots = readdirSync(dir).sort();
      const live = join(folder, `${name}.jsonl`);
      const positionsFile = join(folder, `${name}-positions.json`);
      const sink = collectingSink();
      let lines = 0;
      for (const snapshot of snapshots) {
        copyFileSync(join(dir, snapshot), live);
        lines += (await importTranscripts({ kind: "claude-code", dirs: [live], sink, positionsFile })).lines;
      }
      const last = await importAll([join(dir, snapshots.at(-1)!)]);
      expect(lines).toBe(last.report.lines);
      expect(idsOf(sink.drafts)).toEqual(idsOf(last.drafts));
      expect(sink.drafts.length).toBe(idsOf(sink.drafts).length);
    },
  );

  test("a second import reads nothing", async () => {
    const positionsFile = join(folder, "twice.json");
    const sink = collectingSink();
    const options = { kind: "claude-code" as const, dirs: [join(TRANSCRIPTS, "sniffly")], sink, positionsFile };
    const first = await importTranscripts(options);
    const events = sink.drafts.length;
    expect(await importTranscripts(options)).toMatchObject({
      files: 0,
      files_skipped_unchanged: first.files,
      lines: 0,
      events: 0,
    });
    expect(sink.drafts.length).toBe(events);
  });
});

describe.skipIf(!hasSamples)("real rollouts of Codex", () => {
  const stated = hasSamples ? statedRollouts() : new Map();

  test.each([...stated.keys()])("the figures of the README come out: %s", async (name) => {
    const file = join(ROLLOUTS, name);
    const expected = stated.get(name)!;
    const { final, ...truth } = countRollout(file);
    expect(truth).toEqual(expected);
    // in these files the parts add up to the cumulative figure
    expect(final).toEqual({ input: truth.input, cached: truth.cached, output: truth.output });

    const { drafts, report } = await importAll([file], "codex");
    const events = countEvents(drafts);
    expect(events.sessions.size).toBe(1);
    expect(events.total).toMatchObject({
      prompts: expected.prompts,
      tools: expected.tools,
      input: expected.input - expected.cached,
      read: expected.cached,
      output: expected.output,
      creation: 0,
    });
    expect(report).toMatchObject({
      files: 1,
      lines: expected.lines,
      bad_lines_total: 0,
      prompts: expected.prompts,
      tool_calls: expected.tools,
    });
    expect(drafts.every((draft) => draft.type !== "model.called" || draft.data.model !== "unknown")).toBe(true);
    expect(drafts.filter((draft) => draft.type === "session.started")).toHaveLength(1);
  });
});
