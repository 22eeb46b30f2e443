import { describe, expect, test } from "vitest";
import { mergeSources } from "../../src/events/merge.ts";

interface Row {
  readonly call: string;
  readonly time: number;
  readonly session?: string;
  readonly project?: string;
  readonly tool?: string;
  readonly sources: string;
  readonly parts?: string | undefined;
}

const merge = mergeSources({
  own: ["call", "sources", "parts"],
  order: ["transcript", "hook"],
  earliest: ["time"],
  first: ["session", "project"],
  rank: () => 0,
  ranked: [],
});

const told = (time: number, session?: string, project?: string, sources = "transcript"): Row => ({
  call: "c",
  time,
  session,
  project,
  tool: "Bash",
  sources,
  parts: undefined,
});

function orders<T>(list: readonly T[]): T[][] {
  if (list.length < 2) return [[...list]];
  return list.flatMap((one, k) => orders(list.filter((_, n) => n !== k)).map((rest) => [one, ...rest]));
}

const folded = (reports: readonly Row[]): Row => reports.reduce((row, made) => merge(row, made, made.sources));

describe("several reports of one source", () => {
  test("session and project are those of the first in time, not of the larger text", () => {
    for (const reports of orders([told(1, "a0", "/p"), told(5, "f9", "/q"), told(9, "c3", "/z")]))
      expect(folded(reports)).toMatchObject({ time: 1, session: "a0", project: "/p", parts: undefined });
  });

  test("where the first in time does not know a field, the next one that does decides it, in whatever order they come", () => {
    const reports = [told(1), told(2, "b", undefined), told(3, "z", "/p"), told(4, "a", "/z")];
    const rows = orders(reports).map(folded);
    expect(rows[0]).toMatchObject({ time: 1, session: "b", project: "/p" });
    for (const row of rows) expect(row).toEqual(rows[0]);
  });

  test("a first one that knows all comes last", () => {
    const rows = orders([told(1, "b", "/b"), told(2), told(3, "a", "/a")]).map(folded);
    for (const row of rows) expect(row).toMatchObject({ session: "b", project: "/b", parts: undefined });
  });

  test("another source beside them changes nothing in that", () => {
    const reports = [told(1), told(2, "b", "/b"), told(3, "a", "/a"), told(0, "h", "/h", "hook")];
    const rows = orders(reports).map(folded);
    expect(rows[0]).toMatchObject({ time: 0, session: "b", project: "/b", sources: "hook,transcript" });
    for (const row of rows) expect(row).toEqual(rows[0]);
  });
});
