import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Status } from "../../src/read/status.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { CLI, PATIENT, start, startWeir, type Weir } from "../support/weir.ts";

const EVENTS = 600;
const lines = (from: number): string =>
  Array.from({ length: EVENTS }, (_, k) =>
    JSON.stringify({
      specversion: "1.0",
      source: "test://archive",
      type: "tool.called",
      session: `s${k % 7}`,
      data: { tool: "Bash", call_id: `call_${from + k}`, duration_ms: k, success: true },
    }),
  ).join("\n");

interface Report {
  readonly ok: boolean;
  readonly archive: { readonly segments: number; readonly faults: readonly { file: string; first: number }[] };
  readonly checked: { readonly events: number; readonly first_seq: number };
}
const publish = async (weir: Weir, from: number): Promise<void> => {
  await weir.json(["publish", "--file", "-", "--json"], { input: lines(from) });
  await weir.settled();
};
const status = async (weir: Weir): Promise<Status> => (await (await weir.http("/api/status")).json()) as Status;
const calls = async (weir: Weir): Promise<number> =>
  (await weir.sql<{ n: number }>("select count(*) as n from tool_calls"))[0]!.n;

test("the log is archived by a command, read by the others, and what is wrong with a file is said by its name", async () => {
  await using dir = await tempDir();
  const dataDir = join(dir.path, "data");
  let file = "";
  {
    await using weir = await startWeir({ dataDir });
    await publish(weir, 0);
    const before = await weir.json<Report>(["verify", "--json"]);
    const done = await weir.json<{ segments: number; end: number; events: number }>(["archive", "--json"]);
    expect(done).toMatchObject({ segments: 1, events: before.checked.events });
    expect(await weir.json(["archive", "--json"])).toMatchObject({ end: expect.any(Number) });

    const { archive, streams, health } = await status(weir);
    expect(archive).toMatchObject({
      state: "waiting",
      first_seq: 1,
      segments: expect.any(Number),
      days: 1,
      problem: null,
    });
    expect(archive.events).toBeGreaterThanOrEqual(done.events);
    expect(streams.find((s) => s.name === "WEIR_EVENTS")!.messages).toBeLessThan(6);
    expect(health.reasons).toEqual([]);
    expect((await weir.run(["status"])).stdout).toMatch(/archive waiting: \d+ events up to sequence \d+/);
    const metrics = await (await weir.http("/metrics")).text();
    expect(metrics).toMatch(new RegExp(`^weir_archive_events ${archive.events}$`, "m"));
    expect(metrics).toMatch(/^weir_archive_failed 0$/m);
    const { checks } = JSON.parse((await weir.run(["doctor", "--json"])).stdout) as {
      checks: { what: string; ok: boolean }[];
    };
    expect(checks.find((c) => c.what === "archive")).toMatchObject({ ok: true });

    const after = await weir.json<Report>(["verify", "--json"]);
    expect(after).toMatchObject({ ok: true, archive: { faults: [] }, checked: { first_seq: 1 } });
    const tail = start(process.execPath, [CLI, "tail", "--from", "1", "--json"], { env: weir.env, input: "" });
    await until("the tail has told everything", () => tail.stdout().split("\n").length > after.checked.events, PATIENT);
    tail.child.kill("SIGTERM");
    expect((await tail.ended).stdout.match(/"call_\d+"/g)).toHaveLength(EVENTS);

    expect(await weir.run(["rebuild", "--json"])).toMatchObject({ code: 0 });
    expect(await calls(weir)).toBe(EVENTS);
    await publish(weir, EVENTS);
    const archiving = weir.run(["archive"]);
    await weir.stop("SIGKILL"); // wherever archiving is
    await archiving;
  }
  {
    await using weir = await startWeir({ dataDir });
    await weir.settled();
    expect(await calls(weir)).toBe(2 * EVENTS);
    expect(await weir.json<Report>(["verify", "--json"])).toMatchObject({ ok: true, archive: { faults: [] } });
    await weir.json(["archive", "--json"]);

    const manifest = readFileSync(join(dataDir, "archive/manifest.jsonl"), "utf8").trimEnd().split("\n");
    file = (JSON.parse(manifest[1]!) as { frames: { file: string } }).frames.file;
    const path = join(dataDir, "archive", file);
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(path, bytes);
    const verified = await weir.run(["verify", "--json"]);
    expect(verified.code).toBe(1);
    expect(JSON.parse(verified.stdout)).toMatchObject({ ok: false, archive: { faults: [{ file, first: 1 }] } });
    expect((await weir.run(["verify"])).stdout).toContain(`NO  the archive's file ${file} (sequences 1 to`);
    const rebuilt = await weir.run(["rebuild"]);
    expect(rebuilt.code).toBe(1);
    expect(rebuilt.stderr).toContain(file);
    expect(await calls(weir)).toBe(2 * EVENTS); // the tables that are there go on
    renameSync(path, `${path}.away`);
    const doctor = JSON.parse((await weir.run(["doctor", "--json"])).stdout) as {
      checks: { what: string; found: string }[];
    };
    expect(doctor.checks.find((c) => c.what === "archive")).toMatchObject({
      ok: false,
      found: expect.stringContaining(file),
    });
    await weir.stop();
  }
  // tables that are lost cannot be made again without the file, and say so
  renameSync(join(dataDir, "weir.duckdb"), join(dataDir, "weir.duckdb.lost"));
  await using weir = await startWeir({ dataDir });
  const stopped = await until(
    "it says so",
    async () => (await status(weir)).health.reasons.find((r) => r.includes(file)),
    PATIENT,
  );
  expect(stopped).toMatch(/archive_broken: .*sequences 1 to \d+ of the log: it is missing \(put the file back/);
});
