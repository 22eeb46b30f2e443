import { expect, test } from "vitest";
import { tableText } from "../../src/cli/table.ts";

const DAY = "2026-07-01T00:00:00.000Z";
const columns = [
  { name: "time", type: "TIMESTAMP" },
  { name: "model", type: "VARCHAR" },
  { name: "calls", type: "BIGINT" },
  { name: "text", type: "VARCHAR" },
];
const rows = [
  [DAY, null, 5, `first ${"x".repeat(60)}`],
  [DAY, null, 12_345, "second\u001b[31m\nline"],
];
const widest = (text: string): number => Math.max(...text.split("\n").map((line) => line.length));

test("days stand as days, times without letters, numbers to the right, and what would steer the terminal does not", () => {
  const text = tableText(columns, rows);
  expect(text).toContain("│ 2026-07-01 │       │     5 │ first");
  expect(text).toContain("second [31m line");
  expect(tableText([columns[0]!], [[DAY], ["2026-07-01T01:02:03.004Z"]])).toContain("│ 2026-07-01 01:02:03.004 │");
});

test("times within lists are left as they are", () => {
  expect(tableText([{ name: "a", type: "TIMESTAMP[]" }], [[[DAY]]])).toContain(`["${DAY}"]`);
});

test("columns without any value are left out where nobody chose them", () => {
  expect(tableText(columns, rows, { sparse: true }).split("\n")[1]).toMatch(/^│ time +│ calls │ text +│$/);
});

test("a table is as wide as its room: the longest columns are cut first", () => {
  for (const room of [60, 70, 90]) {
    const text = tableText(columns, rows, { room });
    expect(widest(text)).toBe(room);
    expect(text).toContain("│ 2026-07-01 │");
    expect(text).toContain("…");
  }
  expect(tableText(columns, rows, { room: 500 })).toBe(tableText(columns, rows));
});

test("where no cutting helps, each row is a block without the columns it has no value for", () => {
  expect(tableText(columns, rows, { room: 30 })).toBe(
    [
      "time   2026-07-01",
      "calls  5",
      `text   first ${"x".repeat(60)}`,
      "",
      "time   2026-07-01",
      "calls  12345",
      "text   second [31m line",
    ].join("\n"),
  );
});
