import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Event } from "../../src/define/event.ts";
import { faultOf, fieldList } from "../../src/define/field.ts";
import type { FoldProjection, MapProjection } from "../../src/define/projection.ts";
import type { Tables } from "../../src/engine/apply/tables.ts";
import { loadProjections } from "../../src/engine/load.ts";
import { plainData } from "../../src/events/plain.ts";
import { encodeEvents } from "../../src/wire/encode.ts";
import { readFrame } from "../../src/wire/frame.ts";
import { cutPoints, streams } from "../support/generate.ts";
import {
  applyAll,
  contents,
  type Logged,
  logOf,
  openTestTables,
  rollupRows,
  rowsOf,
  sumsOfSources,
} from "../support/tables.ts";
import { tempDir } from "../support/temp.ts";

const projections = await loadProjections(".");
const log = fc.tuple(streams({ max: 80, stamped: true }), cutPoints).map(([events, cuts]) => logOf(events, cuts));
/** Tables with a row a fact that several sources may tell; the others have one writer, whose order counts. */
const FACTS = ["tool_calls", "model_calls", "prompts", "files", "commits", "pull_requests", "session_facts"];
const RUNS = { numRuns: 12, interruptAfterTimeLimit: 40_000 };

/** Works on new tables and gives back what they hold in the end. */
async function held(work: (open: () => Promise<Tables>) => Promise<Tables>): Promise<Record<string, string[]>> {
  await using dir = await tempDir();
  const tables = await work(() => openTestTables(dir.path, projections));
  try {
    return await contents(tables.store, projections);
  } finally {
    await tables.close();
  }
}

const withBase64 = (data: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(data).map(([name, value]) => [
      name,
      value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value,
    ]),
  );

/** Bytes come back from a frame as Node's own kind. */
const withBytes = (data: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(data).map(([name, value]) => [name, value instanceof Uint8Array ? Buffer.from(value) : value]),
  );

const inOneRun = (frames: readonly Logged[], cuts: readonly number[]): Promise<Record<string, string[]>> =>
  held(async (open) => {
    const tables = await open();
    await applyAll(tables, frames, cuts);
    return tables;
  });

describe("tables made from the log", () => {
  test("batches of one frame, of all, and cut anywhere give the same rows", async () => {
    await fc.assert(
      fc.asyncProperty(log, cutPoints, async (frames, cuts) => {
        const whole = await inOneRun(frames, []);
        expect(whole.set_aside).toEqual([]);
        expect(
          await inOneRun(
            frames,
            frames.map((_, k) => k / frames.length),
          ),
        ).toEqual(whole);
        expect(await inOneRun(frames, cuts)).toEqual(whole);
      }),
      RUNS,
    );
  });

  test("closed and opened again in the middle, they go on as if nothing had been", async () => {
    await fc.assert(
      fc.asyncProperty(log, fc.double({ min: 0, max: 1, noNaN: true }), cutPoints, async (frames, share, cuts) => {
        const at = Math.floor(share * frames.length);
        const reopened = await held(async (open) => {
          const first = await open();
          await applyAll(first, frames.slice(0, at), cuts);
          await first.close();
          const second = await open();
          await applyAll(second, frames.slice(at), cuts);
          return second;
        });
        expect(reopened).toEqual(await inOneRun(frames, []));
      }),
      RUNS,
    );
  });

  test("frames that are delivered again change nothing but the count of repeats", async () => {
    await fc.assert(
      fc.asyncProperty(log, async (frames) => {
        await using dir = await tempDir();
        const tables = await openTestTables(dir.path, projections);
        try {
          await applyAll(tables, frames);
          const before = await contents(tables.store, projections);
          const { applied, repeated } = tables.position;
          const again = frames.map(({ bytes }, k) => ({ seq: frames.length + 1 + k, bytes }));
          await applyAll(tables, again, [0.5]);
          expect(await contents(tables.store, projections)).toEqual(before);
          expect(tables.position).toMatchObject({ seq: frames.length * 2, applied, repeated: applied + repeated * 2 });
        } finally {
          await tables.close();
        }
      }),
      { ...RUNS, numRuns: 8 },
    );
  });

  test("the table events holds every event once, as its projection says", async () => {
    const definition = projections.get("events") as MapProjection;
    await fc.assert(
      fc.asyncProperty(streams({ max: 60, stamped: true }), async (list) => {
        await using dir = await tempDir();
        const tables = await openTestTables(dir.path, projections);
        try {
          await applyAll(tables, logOf(list, []));
          const distinct = [...new Map(list.map((event) => [event.id, event])).values()];
          const expected = distinct.flatMap((event) =>
            definition.map({ ...event, data: withBase64(plainData(event)) }, { stream_seq: 1 }),
          );
          const rows = await rowsOf(tables.store, projections, "events");
          const byId = (a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): number =>
            String(a.id) < String(b.id) ? -1 : 1;
          expect(rows.map((row) => ({ ...row, data: JSON.parse(row.data as string) })).sort(byId)).toEqual(
            expected.map((row) => ({ ...row, data: JSON.parse(row.data as string) })).sort(byId),
          );
        } finally {
          await tables.close();
        }
      }),
      { ...RUNS, numRuns: 8 },
    );
  });

  test("roll-ups equal what their source tables hold, after every correction", async () => {
    await fc.assert(
      fc.asyncProperty(log, cutPoints, async (frames, cuts) => {
        await using dir = await tempDir();
        const tables = await openTestTables(dir.path, projections);
        try {
          await applyAll(tables, frames, cuts);
          for (const [name, projection] of projections) {
            if (projection.kind !== "rollup") continue;
            for (const [view, bucket_us] of [
              [name, projection.bucket_us] as const,
              ...Object.entries(projection.coarser ?? {}),
            ]) {
              expect({ view, rows: await rollupRows(tables.store, view, projection) }).toEqual({
                view,
                rows: await sumsOfSources(tables.store, projections, projection, bucket_us),
              });
            }
          }
        } finally {
          await tables.close();
        }
      }),
      { ...RUNS, numRuns: 10 },
    );
  });
});

const events = streams({ max: 60, stamped: true });
const made = [...projections].filter(
  (entry): entry is [string, FoldProjection | MapProjection] => entry[1].kind === "fold" || entry[1].kind === "map",
);

describe.each(made)("rows of %s", (name, projection) => {
  const reads = (event: Event): boolean => projection.on === "all" || projection.on.some((d) => d.type === event.type);

  test("fit their columns, whatever valid events they are made of", () => {
    const kinds = fieldList(projection.row).map(
      ([column, info]) => [column, { ...info, max: Number.POSITIVE_INFINITY, min: Number.NEGATIVE_INFINITY }] as const,
    );
    const check = (row: Readonly<Record<string, unknown>>): void => {
      for (const [column, info] of kinds)
        expect({ column, fault: faultOf(info, row[column]) }).toEqual({ column, fault: undefined });
      for (const column of Object.keys(row)) expect(Object.keys(projection.row)).toContain(column);
    };
    const types = projection.on === "all" || projection.on.length > 20 ? undefined : projection.on.map((d) => d.type);
    fc.assert(
      fc.property(types ? streams({ max: 30, stamped: true, types }) : events, (list) => {
        const rows = new Map<string, never>();
        for (const event of list.filter(reads)) {
          if (projection.kind === "map") for (const row of projection.map(event, { stream_seq: 1 })) check(row);
          else {
            const key = projection.keyOf(event);
            if (key === undefined) continue;
            const row = projection.fold(rows.get(key), event);
            check(row);
            expect(row[projection.key]).toBe(key);
            rows.set(key, row as never);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  test("are the same from plain events and from events read from a frame", () => {
    fc.assert(
      fc.property(events, (list) => {
        const wanted = list.filter(reads).map((event) => ({ ...event, data: withBytes(event.data) }));
        if (wanted.length === 0) return;
        const rowsOf = (from: readonly Event[]): unknown[] =>
          from.flatMap((event): unknown[] =>
            projection.kind === "map"
              ? [...projection.map(event, { stream_seq: 1 })]
              : [projection.keyOf(event), projection.fold(undefined, event)],
          );
        // the table events is filled column by column instead, see below
        if (name !== "events") expect(rowsOf(readFrame(encodeEvents(wanted)).events())).toEqual(rowsOf(wanted));
      }),
      { numRuns: 100 },
    );
  });
});

const SESSION = ["session.started", "session.ended", "session.titled", "model.called", "tool.called"];
const folds = [...projections].filter(
  (entry): entry is [string, FoldProjection] => entry[1].kind === "fold" && FACTS.includes(entry[0]),
);

describe.each(folds)("the fold %s", (_name, projection) => {
  test("gives the same row in whatever order sources tell of a fact", () => {
    const types = projection.on.length > 20 ? SESSION : projection.on.map((d) => d.type);
    const mixed = streams({ max: 12, stamped: true, types }).chain((events) =>
      fc.tuple(
        fc.constant(events),
        fc.shuffledSubarray(events, { minLength: events.length, maxLength: events.length }),
      ),
    );
    const rowsOf = (events: readonly Event[]): Map<string, unknown> => {
      const rows = new Map<string, never>();
      for (const event of new Map(events.map((e) => [e.id, e])).values()) {
        const key = projection.on.some((d) => d.type === event.type) ? projection.keyOf(event) : undefined;
        if (key !== undefined) rows.set(key, projection.fold(rows.get(key), event) as never);
      }
      // which event came first is how the log happened to be
      return new Map(
        [...rows]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([key, row]) => [key, { ...(row as object), event_id: undefined }]),
      );
    };
    fc.assert(
      fc.property(mixed, ([events, shuffled]) => {
        expect(rowsOf(shuffled)).toEqual(rowsOf(events));
      }),
      { numRuns: 500 },
    );
  });
});
