import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { loadProjections } from "../../src/engine/load.ts";
import { streams } from "../support/generate.ts";
import { applyAll, contents, logOf, openTestTables } from "../support/tables.ts";
import { tempDir } from "../support/temp.ts";

const projections = await loadProjections(".");
const [sample] = fc.sample(
  streams({ max: 160, stamped: true, types: ["tool.started", "tool.called", "session.started", "metric.measured"] }),
  { numRuns: 1, seed: 11 },
);
/** The events of the first half come again in the second. */
const half = sample!.slice(0, 80);
const LOGGED = logOf(
  [...half, ...sample!.slice(80), ...half],
  Array.from({ length: 16 }, (_, k) => k / 16),
);
const CUT = 9;

/** What the tables hold when they were never closed. */
async function unbroken(): Promise<{ rows: Record<string, string[]>; repeated: number }> {
  await using dir = await tempDir();
  const tables = await openTestTables(dir.path, projections);
  await applyAll(tables, LOGGED);
  const rows = await contents(tables.store, projections);
  const { repeated } = tables.position;
  await tables.close();
  return { rows, repeated };
}
const whole = await unbroken();

/** Applies the first part, closes, lets `between` change the files, applies the rest, and compares with tables that were never closed. */
async function through(between: (keys: string, dir: string) => void): Promise<void> {
  await using dir = await tempDir();
  const first = await openTestTables(dir.path, projections);
  await applyAll(first, LOGGED.slice(0, CUT));
  const keys = `${first.store.file}.keys`;
  await first.close();
  between(keys, dir.path);
  const second = await openTestTables(dir.path, projections);
  await applyAll(second, LOGGED.slice(CUT));
  expect(second.position.repeated).toBe(whole.repeated);
  expect(await contents(second.store, projections)).toEqual(whole.rows);
  await second.close();
}

test("there are repeats to know", () => expect(whole.repeated).toBeGreaterThan(0));

test("what the first start saved is what the second one reads", async () => {
  await using dir = await tempDir();
  const first = await openTestTables(dir.path, projections);
  await applyAll(first, LOGGED.slice(0, CUT));
  const keys = `${first.store.file}.keys`;
  await first.close();
  const saved = readdirSync(keys).sort();
  expect(saved).toEqual(expect.arrayContaining(["identity", "ids", "tool_calls-0.bloom"]));
  expect(readFileSync(join(keys, "ids")).length).toBeGreaterThan(36 * half.length);
  const made = statSync(join(keys, "identity")).ino;
  const second = await openTestTables(dir.path, projections);
  await applyAll(second, LOGGED.slice(CUT));
  await second.close();
  expect(statSync(join(keys, "identity")).ino).toBe(made); // nothing was thrown away
});

test("with what was saved", () => through(() => {}));
test("without it", () => through((keys) => rmSync(keys, { recursive: true })));
test("with files that are damaged", () =>
  through((keys) => {
    for (const name of readdirSync(keys).filter((n) => n !== "identity")) {
      const bytes = readFileSync(join(keys, name));
      bytes[bytes.length >> 1]! ^= 1;
      writeFileSync(join(keys, name), bytes);
    }
  }));
test("with files of another log", () =>
  through((keys) => writeFileSync(join(keys, "identity"), "WEIR_EVENTS 2001-01-01T00:00:00Z")));

test("with files that know more than the tables, and with older ones", async () => {
  await using dir = await tempDir();
  mkdirSync(join(dir.path, "live"));
  const before = await openTestTables(join(dir.path, "live"), projections);
  await applyAll(before, LOGGED.slice(0, 4));
  await before.close();
  cpSync(join(dir.path, "live"), join(dir.path, "old"), { recursive: true });
  const later = await openTestTables(join(dir.path, "live"), projections);
  await applyAll(later, LOGGED.slice(4, CUT));
  await later.close();
  const keysOf = (part: string): string =>
    join(dir.path, part, readdirSync(join(dir.path, part)).find((name) => name.endsWith(".keys"))!);
  const [oldKeys, liveKeys, kept] = [keysOf("old"), keysOf("live"), join(dir.path, "kept")];
  cpSync(oldKeys, kept, { recursive: true });
  // the tables of before with the caches of later, and the tables of later with the caches of before
  for (const [part, keys, own, from] of [
    ["old", liveKeys, oldKeys, 4],
    ["live", kept, liveKeys, CUT],
  ] as const) {
    rmSync(own, { recursive: true });
    cpSync(keys, own, { recursive: true });
    const tables = await openTestTables(join(dir.path, part), projections);
    await applyAll(tables, LOGGED.slice(from));
    expect(tables.position.repeated).toBe(whole.repeated);
    expect(await contents(tables.store, projections)).toEqual(whole.rows);
    await tables.close();
  }
});
