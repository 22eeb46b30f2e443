import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LIMITS } from "../../src/base/limits.ts";
import { readsAhead } from "../../src/engine/apply/ahead.ts";
import type { Tables } from "../../src/engine/apply/tables.ts";
import { loadProjections } from "../../src/engine/load.ts";
import { createSelect } from "../../src/store/select.ts";
import { readFrame } from "../../src/wire/frame.ts";
import { cutPoints, streams } from "../support/generate.ts";
import { contents, LOG, type Logged, logOf, openTestTables } from "../support/tables.ts";
import { tempDir } from "../support/temp.ts";

const projections = await loadProjections(".");
/** The longest of some streams. */
const [events] = fc
  .sample(streams({ max: 150, stamped: true }), { numRuns: 150, seed: 11 })
  .sort((a, b) => b.length - a.length);
const LOGGED = logOf(
  events!,
  Array.from({ length: 30 }, (_, k) => k / 30),
);
const BOUNDS = { rowsMax: 1_000, timeMs: 10_000 };

/** As weir does it: what rows are ahead of stays so. */
const apply = async (tables: Tables, frames: readonly Logged[]): Promise<void> => {
  for (const { seq, bytes } of frames) await tables.apply([{ seq, frame: readFrame(bytes) }], LOG);
};
const rows = async (tables: Tables, sql: string): Promise<unknown[][]> =>
  (await tables.store.writer.runAndReadAll(sql)).getRowsJS() as unknown[][];
const wholeOf = async (frames: readonly Logged[]): Promise<Record<string, string[]>> => {
  await using dir = await tempDir();
  const tables = await openTestTables(dir.path, projections);
  await tables.apply(
    frames.map(({ seq, bytes }) => ({ seq, frame: readFrame(bytes) })),
    LOG,
  );
  await tables.quiet(async () => {});
  const found = await contents(tables.store, projections);
  await tables.close();
  return found;
};

describe("rows that are ahead of their tables", () => {
  test("are written before somebody looks", async () => {
    await using dir = await tempDir();
    const tables = await openTestTables(dir.path, projections);
    await apply(tables, LOGGED);
    expect(tables.position.ahead).toBeGreaterThan(LOGGED.length / 2);
    expect(await rows(tables, "select count(*) from _rollups")).toEqual([[0n]]);
    await tables.quiet(async () => {});
    expect(tables.position).toMatchObject({ ahead: 0, seq: LOGGED.length });
    expect(await rows(tables, "select count(*) from _ahead")).toEqual([[0n]]);
    expect(await contents(tables.store, projections)).toEqual(await wholeOf(LOGGED));
    await tables.close();
  });

  test("are not lost with the process, wherever it was killed", async () => {
    const whole = await wholeOf(LOGGED);
    await fc.assert(
      fc.asyncProperty(cutPoints, fc.nat(2), async (cuts, looks) => {
        await using dir = await tempDir();
        mkdirSync(join(dir.path, "0"));
        let tables = await openTestTables(join(dir.path, "0"), projections);
        const ends = [...new Set([...cuts.map((c) => Math.ceil(c * LOGGED.length)), LOGGED.length])];
        for (const [k, end] of ends.sort((a, b) => a - b).entries()) {
          await apply(tables, LOGGED.slice(tables.position.seq, end));
          if (k % 3 < looks) await tables.quiet(async () => {});
          cpSync(join(dir.path, String(k)), join(dir.path, String(k + 1)), { recursive: true }); // as it would be found
          await tables.close();
          tables = await openTestTables(join(dir.path, String(k + 1)), projections);
          expect(tables.position).toMatchObject({ seq: end, ahead: 0 });
        }
        expect(await contents(tables.store, projections)).toEqual(whole);
        await tables.close();
      }),
      { numRuns: 6, interruptAfterTimeLimit: 40_000 },
    );
  });

  test("do not become more than a limit", async () => {
    await using dir = await tempDir();
    const tables = await openTestTables(dir.path, projections);
    const { ahead_rows_max } = LIMITS;
    try {
      Object.assign(LIMITS, { ahead_rows_max: 40 });
      let most = 0;
      for (const frame of LOGGED) {
        await apply(tables, [frame]);
        most = Math.max(most, tables.position.ahead);
      }
      expect(most).toBeGreaterThan(0);
      expect(most).toBeLessThan(LOGGED.length);
    } finally {
      Object.assign(LIMITS, { ahead_rows_max });
    }
    await tables.quiet(async () => {});
    expect(await contents(tables.store, projections)).toEqual(await wholeOf(LOGGED));
    await tables.close();
  });

  test("are in every answer about them, and wait with others", async () => {
    await using dir = await tempDir();
    const tables = await openTestTables(dir.path, projections);
    let caughtUp = 0;
    const select = createSelect(tables.store.instance, {
      connections: 1,
      behind: {
        reads: readsAhead(projections),
        catchUp: (begin) => {
          caughtUp++;
          return tables.quiet(begin);
        },
      },
    });
    const answer = async (sql: string) => {
      const { rows: found, as_of } = await select({ sql, values: {} }, BOUNDS);
      return { value: found[0]![0], seq: as_of.seq };
    };
    for (const frame of LOGGED.slice(0, 6)) {
      await apply(tables, [frame]);
      expect((await answer("select count(*) from events")).seq).toBe(frame.seq);
    }
    expect(caughtUp).toBe(0);
    const sessions = new Set(
      LOGGED.slice(0, 6).flatMap(({ bytes }) =>
        readFrame(bytes)
          .events()
          .flatMap(({ session }) => session ?? []),
      ),
    );
    expect(await answer("select count(*) from sessions")).toEqual({ value: sessions.size, seq: 6 });
    expect(await answer("select count(*) from metrics_day")).toMatchObject({ seq: 6 });
    expect(caughtUp).toBe(1);
    select.close();
    await tables.close();
  });
});

test("a statement reads such tables by their names, those of roll-ups, and of views over them", () => {
  const reads = readsAhead(projections);
  for (const name of ["tool_calls", "session_totals", "metrics_hour", "usage_daily", "sessions", "coverage"])
    expect([name, reads(`select * from "${name}" limit 1`)]).toEqual([name, true]);
  for (const name of ["events", "measurements", "spans"])
    expect([name, reads(`select * from ${name}`)]).toEqual([name, false]);
});
