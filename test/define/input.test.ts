import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { WeirError } from "../../src/base/errors.ts";
import {
  bool,
  choice,
  faultOf,
  fieldInfo,
  float,
  int,
  json,
  list,
  optional,
  ref,
  text,
  time,
} from "../../src/define/field.ts";
import { parseInput } from "../../src/define/input.ts";

const NOW_US = Date.UTC(2026, 10, 20, 12) * 1_000;
const FIELDS = {
  name: ref("name"),
  since: optional(time("start")),
  count: optional(int("how many", { min: 1 })),
  ratio: optional(float("ratio", { min: 0 })),
  deep: optional(bool("deep")),
  kind: optional(choice("kind", ["red", "green"])),
  tags: optional(list("tags", { max: 3 })),
  labels: optional(json("labels")),
  note: optional(text("note", { max: 20 })),
};
const parse = (raw: unknown) => parseInput(FIELDS, raw, NOW_US);
const fault = (raw: unknown): WeirError => {
  try {
    parse(raw);
  } catch (error) {
    if (error instanceof WeirError) return error;
    throw error;
  }
  throw new Error("no fault was found");
};

describe("parseInput", () => {
  it("reads texts of a URL or a command line", () => {
    const raw = {
      name: "a",
      since: "7d",
      count: "5",
      ratio: "1.5e1",
      deep: "yes",
      kind: "red",
      tags: "a, b",
      labels: '{"x":"y"}',
      note: "7d",
    };
    expect(parse(raw)).toEqual({
      name: "a",
      since: NOW_US - 7 * 86_400_000_000,
      count: 5,
      ratio: 15,
      deep: true,
      kind: "red",
      tags: ["a", "b"],
      labels: '{"x":"y"}',
      note: "7d",
    });
  });
  it("takes JSON values as they are", () => {
    const raw = { name: "a", since: NOW_US, count: 5, ratio: 1, deep: false, tags: ["a"], labels: { x: "y" } };
    expect(parse(raw)).toEqual({ ...raw, labels: '{"x":"y"}' });
  });
  it.each([
    ["2026-11-20", Date.UTC(2026, 10, 20) * 1_000],
    ["2026-11-20T10:00", Date.UTC(2026, 10, 20, 10) * 1_000],
    ["2026-11-20 10:00:00", Date.UTC(2026, 10, 20, 10) * 1_000],
    ["2026-11-20T10:00:00+02:00", Date.UTC(2026, 10, 20, 8) * 1_000],
    ["2026-11-20T10:00:00.123456Z", Date.UTC(2026, 10, 20, 10) * 1_000 + 123_456],
    ["1795168800000000", 1_795_168_800_000_000],
    ["now", NOW_US],
    ["90m", NOW_US - 5_400_000_000],
    ["-24h", NOW_US - 86_400_000_000],
  ])("reads the time %s", (given, expected) => {
    expect(parse({ name: "a", since: given }).since).toBe(expected);
  });
  it.each(["yesterday", "2026-13-45", "1795168800000", "7", "1.5d", "2026"])("refuses the time %s", (given) => {
    expect(fault({ name: "a", since: given }).message).toMatch(/^since=.* is (no time|too small)/);
  });
  it("names every fault at once, with the nearest name", () => {
    const error = fault({ nam: "a", count: "many", kind: "blue", labels: "{", limit: 3 });
    expect(error.code).toBe("bad_input");
    expect(error.message).toContain("nam is no argument (did you mean name?)");
    expect(error.message).toContain("limit is no argument;");
    expect(error.message).toContain("name is missing: name");
    expect(error.message).toContain("count=many is not a whole number");
    expect(error.message).toContain("kind=blue is not one of red, green");
    expect(error.message).toContain("labels={ is no JSON");
    expect(error.hint).toContain("it takes name, since");
  });
  it("is not fooled by names every object has", () => {
    for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
      expect(fault(JSON.parse(`{"name":"a","${name}":"x"}`)).message).toContain(`${name} is no argument`);
    }
    expect(fault(Object.create({ name: "inherited" })).message).toContain("name is missing");
  });
  it("refuses what is no object", () => {
    for (const raw of [[], "name=a", 5, true])
      expect(fault(raw).message).toBe("the arguments are not an object with names");
  });
  it("counts what it does not name", () => {
    expect(fault(Object.fromEntries(Array.from({ length: 40 }, (_, k) => [`zzzzzzzz${k}`, 1]))).message).toMatch(
      /; and 31 more$/,
    );
  });
});

describe("parseInput, for any input", () => {
  it("either gives values that pass the fields' own check, or a bad_input of bounded length", () => {
    const value = fc.oneof(
      fc.jsonValue(),
      fc.string(),
      fc.constantFrom("7d", "now", "true", "5", "1.5", "[1]", "{}", "", null),
      fc.integer(),
      fc.double(),
    );
    const raw = fc.oneof(
      fc.dictionary(fc.constantFrom(...Object.keys(FIELDS), "other", "__proto__"), value),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(raw, (given) => {
        try {
          const parsed: Record<string, unknown> = parse(given);
          for (const [name, held] of Object.entries(parsed))
            expect(faultOf(fieldInfo(FIELDS[name as "name"]), held)).toBeUndefined();
        } catch (error) {
          expect(error).toBeInstanceOf(WeirError);
          expect((error as WeirError).code).toBe("bad_input");
          expect((error as WeirError).message.length).toBeLessThan(4_000);
          expect((error as WeirError).message).not.toMatch(/[\u0000-\u001f]/);
        }
      }),
      { numRuns: 500 },
    );
  });
  it("reads what JSON and URL say alike", () => {
    const valid = fc.record({
      name: fc.stringMatching(/^[a-z]{1,20}$/),
      since: fc.integer({ min: 100_000_000_000_000, max: 4_000_000_000_000_000 }),
      count: fc.integer({ min: 1, max: 2 ** 50 }),
      ratio: fc.double({ min: 0, max: 1e9, noNaN: true }),
      deep: fc.boolean(),
    });
    const asTexts = (input: object) => Object.fromEntries(Object.entries(input).map(([k, v]) => [k, String(v)]));
    fc.assert(
      fc.property(valid, (input) => {
        expect(parse(asTexts(input))).toEqual(parse(input));
      }),
    );
  });
});
