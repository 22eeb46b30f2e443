import {
  appendFileSync,
  closeSync,
  cpSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { tempDir } from "../support/temp.ts";
import { sampleSession, sampleText } from "../support/transcript-sample.ts";
import { countTranscripts, hasSamples, jsonlFiles, TRANSCRIPTS } from "../support/transcript-truth.ts";
import { until } from "../support/until.ts";
import { PATIENT, startWeir, type Weir } from "../support/weir.ts";

interface Followed {
  readonly following: readonly { assistant: string; state: string; files: number; files_waiting: number }[];
}
const followed = async (weir: Weir) => {
  const { following } = (await (await weir.http("/api/status")).json()) as Followed;
  return following.find((f) => f.assistant === "claude-code");
};
const caughtUp = (weir: Weir, files: number) =>
  until(
    "the transcripts are read",
    async () => {
      const f = await followed(weir);
      return f?.state === "following" && f.files === files;
    },
    PATIENT,
  );
const counted = (weir: Weir) =>
  weir.sql(`select (select count(*) from tool_calls) as tools, (select count(*) from model_calls) as messages,
    (select count(*) from prompts) as prompts, (select coalesce(sum(output_tokens), 0)::bigint from model_calls) as output`);
const text = sampleText(sampleSession());

describe("weir up follows transcripts", () => {
  test("a line that is written is a row, and stays one when the transcript is purged", async () => {
    await using temp = await tempDir();
    const project = join(temp.path, "claude", "projects", "-work-app");
    mkdirSync(project, { recursive: true });
    const file = join(project, "5e551010.jsonl");
    writeFileSync(file, "");
    await using weir = await startWeir({ env: { CLAUDE_CONFIG_DIR: join(temp.path, "claude") } });
    await caughtUp(weir, 1);
    appendFileSync(file, text);
    await until("its calls are rows", async () => JSON.stringify(await counted(weir)).includes('"tools":6'), PATIENT);
    await weir.settled();
    const before = await counted(weir);
    rmSync(dirname(project), { recursive: true });
    await until("the purge is seen", async () => (await followed(weir))?.files === 0, PATIENT);
    await weir.settled();
    expect(await counted(weir)).toEqual(before);
    expect(await weir.json(["verify", "--json"])).toMatchObject({ ok: true });
  });

  test("not with WEIR_FOLLOW=off; folders can be named; nonsense is refused", async () => {
    await using temp = await tempDir();
    mkdirSync(join(temp.path, "own"), { recursive: true });
    writeFileSync(join(temp.path, "own", "5e551010.jsonl"), text);
    {
      await using weir = await startWeir({ env: { WEIR_FOLLOW: "off", CLAUDE_CONFIG_DIR: temp.path } });
      expect(await followed(weir)).toBeUndefined();
    }
    {
      await using weir = await startWeir({ env: { WEIR_FOLLOW: `claude-code=${join(temp.path, "own")}` } });
      await caughtUp(weir, 1);
      const { stdout } = await weir.run(["status"]);
      expect(stdout).toContain("claude-code transcripts following: 1 file; 29 lines read");
    }
    await expect(startWeir({ env: { WEIR_FOLLOW: "nobody=/x" } })).rejects.toThrow(/bad_config: WEIR_FOLLOW=nobody/);
  });
});

const skipped = hasSamples ? "" : " (skipped: shared/data/transcripts is not on this machine)";

describe.skipIf(!hasSamples)(`real transcripts while they grow${skipped}`, () => {
  test("killed while it follows, started again, with an import beside it: the totals are the truth", async () => {
    await using temp = await tempDir();
    const claude = join(temp.path, "claude");
    const projects = join(claude, "projects");
    const dataDir = join(temp.path, "data");
    const sources = jsonlFiles(TRANSCRIPTS).filter((file) => !file.includes("/growth/"));
    const target = (file: string) => join(projects, file.slice(TRANSCRIPTS.length + 1).replace("/projects/", "-"));
    // half of them lie there, the others are written while weir runs and while it is down
    const [there, later] = [sources.filter((_, k) => k % 2 === 0), sources.filter((_, k) => k % 2 === 1)];
    for (const file of there) cpSync(file, target(file), { recursive: true });
    mkdirSync(projects, { recursive: true });
    const env = { CLAUDE_CONFIG_DIR: claude };
    let kills = 0;
    let weir = await startWeir({ dataDir, env });
    try {
      for (const [k, file] of later.entries()) {
        mkdirSync(dirname(target(file)), { recursive: true });
        const bytes = readFileSync(file);
        const fd = openSync(target(file), "a");
        for (let at = 0; at < bytes.length; at += 65_536) writeSync(fd, bytes.subarray(at, at + 65_536));
        closeSync(fd);
        if (k === Math.floor(later.length / 3) || k === Math.floor((2 * later.length) / 3)) {
          await weir.stop("SIGKILL");
          kills += 1;
          weir = await startWeir({ dataDir, env });
        }
      }
      expect(kills).toBe(2);
      await weir.json(["import", "claude-code", "--json"]);
      await caughtUp(weir, sources.length);
      await weir.settled();
      const truth = countTranscripts(jsonlFiles(projects)).total;
      expect(await counted(weir)).toEqual([
        { tools: truth.tools, messages: truth.messages, prompts: truth.prompts, output: truth.output },
      ]);
      expect(await weir.json(["verify", "--json"])).toMatchObject({ ok: true, missing: [] });
    } finally {
      await weir[Symbol.asyncDispose]();
    }
  });
});
