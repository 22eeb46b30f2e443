import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { tempDir } from "../support/temp.ts";
import { cli, envOf, type Ran, startWeir, type Weir } from "../support/weir.ts";

// many programs one after the other
vi.setConfig({ testTimeout: 240_000 });

const EVENTS = 2_000;
const event = (k: number): string =>
  JSON.stringify({
    specversion: "1.0",
    id: `damage-${k}`,
    source: "test://damage",
    type: "tool.called",
    time: `2026-07-01T10:00:00.${String(k % 1_000_000).padStart(6, "0")}Z`,
    session: `s${k % 5}`,
    data: { tool: "Bash", call_id: `c${k}`, duration_ms: k, success: true },
  });

/** Changes one byte in every `every`, from a place on. */
function scratch(file: string, from: number, every: number): void {
  const bytes = readFileSync(file);
  for (let at = from; at < bytes.length; at += every) bytes[at] = bytes[at]! ^ 0x55;
  writeFileSync(file, bytes);
}
const seen = async (weir: Weir): Promise<number> =>
  (await weir.sql<{ n: number }>("select count(*) as n from tool_calls"))[0]!.n;
const errorOf = (ran: Ran): string => ran.stderr.trim().split("\n").at(-1)!;

test("a damaged table file is told as one, set aside on the user's word and made again; damaged caches are passed by", async () => {
  await using dir = await tempDir();
  const dataDir = join(dir.path, "data");
  const env = envOf(dataDir);
  const file = join(dataDir, "weir.duckdb");
  await fill(dataDir);
  const damages: readonly (readonly [string, () => void])[] = [
    ["other bytes", () => writeFileSync(file, Buffer.alloc(100_000, 7))],
    ["scratched", () => scratch(file, 12_288, 4_096)],
    ["cut short", () => writeFileSync(file, readFileSync(file).subarray(0, 50_000))],
  ];
  // what a killed weir left behind, with a number that belongs to another program now
  const record = { pid: process.pid, http_url: "http://127.0.0.1:9", nats_url: "nats://127.0.0.1:9", token: "x" };
  for (const [what, damage] of damages) {
    damage();
    writeFileSync(join(dataDir, "runtime.json"), JSON.stringify(record));
    const before = readFileSync(file);
    const up = await cli(["up"], { env });
    expect([what, up.code, errorOf(up)]).toEqual([
      what,
      1,
      expect.stringMatching(/^error: store_corrupt: .*weir rebuild/),
    ]);
    expect(readFileSync(file).equals(before), what).toBe(true);
    const rebuilt = await cli(["rebuild"], { env });
    expect([what, rebuilt.code, rebuilt.stdout]).toEqual([what, 0, expect.stringMatching(/^\d+ events replayed/)]);
    const [, kept = ""] = /^the old tables are kept as (.+)$/m.exec(rebuilt.stderr) ?? [];
    expect(readFileSync(kept).equals(before), what).toBe(true);
  }
  // caches: a filter of keys that forgets would write rows twice
  for (const name of readdirSync(`${file}.keys`).filter((n) => n.endsWith(".bloom")))
    writeFileSync(join(`${file}.keys`, name), Buffer.alloc(statSync(join(`${file}.keys`, name)).size));
  for (const name of readdirSync(join(dataDir, "snapshots"))) scratch(join(dataDir, "snapshots", name), 40, 64);
  await using weir = await startWeir({ dataDir });
  expect(await seen(weir)).toBe(EVENTS);
  await weir.run(["publish", "--file", "-"], {
    input: Array.from({ length: 20 }, (_, k) => event(EVENTS - 10 + k)).join("\n"),
  });
  await weir.settled();
  expect(await seen(weir)).toBe(EVENTS + 10);
  expect(await weir.run(["verify"])).toMatchObject({ code: 0 });
});

/** A data folder with all events, from a weir that ended in order. */
async function fill(dataDir: string): Promise<void> {
  await using weir = await startWeir({ dataDir });
  await weir.run(["publish", "--file", "-"], { input: Array.from({ length: EVENTS }, (_, k) => event(k)).join("\n") });
  await weir.settled();
}

test("a log that was wiped is told, and nothing the tables know is thrown away", async () => {
  await using dir = await tempDir();
  const dataDir = join(dir.path, "data");
  await fill(dataDir);
  rmSync(join(dataDir, "nats"), { recursive: true });
  {
    await using weir = await startWeir({ dataDir });
    const { health } = await weir.json<{ health: { state: string; reasons: string[] } }>(["status", "--json"]);
    expect(health).toEqual({ state: "failing", reasons: [expect.stringMatching(/stream_changed: .*weir rebuild/)] });
    const verify = await weir.run(["verify"]);
    expect([verify.code, errorOf(verify)]).toEqual([1, expect.stringMatching(/^error: stream_changed: /)]);
    expect(await seen(weir)).toBe(EVENTS); // what the tables have goes on answering
    const rebuilt = await weir.json<{ kept: string }>(["rebuild", "--json"]);
    expect(existsSync(rebuilt.kept)).toBe(true);
    expect(await weir.run(["verify"])).toMatchObject({ code: 0 });
    expect(weir.process.stderr()).toMatch(/^error: stream_changed: .*$/m);
  }
});

test("a flipped bit in the log is named by verify and told by status; a rebuild goes on without, and keeps the old tables", async () => {
  await using dir = await tempDir();
  const dataDir = join(dir.path, "data");
  await fill(dataDir);
  const folder = join(dataDir, "nats/store/jetstream/$G/streams/WEIR_EVENTS/msgs");
  const block = join(folder, readdirSync(folder).find((name) => name.endsWith(".blk"))!);
  scratch(block, Math.floor(statSync(block).size / 2), statSync(block).size); // one byte
  await using weir = await startWeir({ dataDir });
  expect(await seen(weir)).toBe(EVENTS);
  const verify = await weir.run(["verify"]);
  expect([verify.code, verify.stdout]).toEqual([
    1,
    expect.stringMatching(/^NO {2}the log lacks sequences \d+ to \d+$/m),
  ]);
  const { health } = await weir.json<{ health: { state: string; reasons: string[] } }>(["status", "--json"]);
  expect(health).toMatchObject({
    state: "failing",
    reasons: expect.arrayContaining([expect.stringMatching(/weir verify/)]),
  });
  const rebuilt = await weir.run(["rebuild"]);
  expect(rebuilt).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/^the log lacks sequence.*\nthe old tables are kept as /),
  });
  // what the streams before the log still hold is derived again; the rest is named
  const left = await seen(weir);
  expect(left).toBeLessThanOrEqual(EVENTS);
  const after = await weir.run(["verify"]);
  expect(after).toMatchObject({ code: 1, stdout: expect.stringMatching(/^NO {2}the log lacks sequences/m) });
  expect(/numbers \d+ to \d+ are missing/.test(after.stdout)).toBe(left < EVENTS);
});
