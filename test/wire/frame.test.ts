import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { WeirError } from "../../src/base/errors.ts";
import { LIMITS } from "../../src/base/limits.ts";
import { ENVELOPE_FIELDS, type Event } from "../../src/define/event.ts";
import { plain } from "../../src/events/plain.ts";
import { Changes, encodeEvents, encodePassed } from "../../src/wire/encode.ts";
import { type Frame, readFrame } from "../../src/wire/frame.ts";
import { pack } from "../../src/wire/msgpack.ts";
import { streams } from "../support/generate.ts";

const wellMade = streams({ max: 80, stamped: true, extreme: true });
const decoded = (bytes: Uint8Array): Event[] => readFrame(bytes).events().map(plain);
/** Bytes come back as Node's own kind. */
const normal = (events: readonly Event[]): unknown =>
  events.map((e) => ({
    ...e,
    data: Object.fromEntries(Object.entries(e.data).map(([k, v]) => [k, v instanceof Uint8Array ? Buffer.from(v) : v])),
  }));

/** Reads a frame to its last value. It is refused as a whole, at once and as `frame_invalid`, or all of it can be read. */
function readAll(bytes: Uint8Array): "read" | "refused" {
  let frame: Frame;
  try {
    frame = readFrame(bytes);
  } catch (error) {
    if (error instanceof WeirError && error.code === "frame_invalid") return "refused";
    throw error;
  }
  expect(frame.count).toBeLessThanOrEqual(LIMITS.frame_events_max);
  expect(frame.events().map(plain)).toHaveLength(frame.count);
  return "read";
}

describe("frames", () => {
  test("come back as they were", () => {
    fc.assert(
      fc.property(wellMade, (events) => {
        expect(decoded(encodeEvents(events))).toEqual(normal(events));
      }),
      { numRuns: 200 },
    );
  });

  test("hold whatever plain values fields have, also of types nobody knows", () => {
    const value = fc.oneof(
      fc.constant(null),
      fc.boolean(),
      fc.integer(),
      fc.double({ noNaN: true }),
      fc.string({ unit: "binary" }),
      fc.array(fc.string(), { maxLength: 3 }),
      fc.constantFrom("", "=", "d"),
      fc.maxSafeInteger(),
    );
    const row = fc.record({ kind: value, other: fc.option(value, { nil: undefined }), same: fc.constant("x") });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 300 }), (rows) => {
        const events = rows.map(
          (data, k) =>
            ({ id: `i${k}`, source: "s", time: k, type: "thing.unheard_of", v: 3, data }) as unknown as Event,
        );
        const out = decoded(encodeEvents(events));
        const clean = (data: object) =>
          Object.fromEntries(
            Object.entries(data)
              .filter(([, v]) => v !== null && v !== undefined)
              .map(([k, v]) => [k, v === 0 ? 0 : v]),
          );
        expect(out.map((e) => clean(e.data))).toEqual(rows.map(clean));
      }),
      { numRuns: 100 },
    );
  });

  test("are passed on byte for byte where nobody changed a column", () => {
    fc.assert(
      fc.property(wellMade, (events) => {
        const bytes = encodeEvents(events);
        const frame = readFrame(bytes);
        expect(
          Buffer.from(encodePassed([{ frame, changes: frame.groups.map((g) => new Changes(g)) }], [])!).equals(bytes),
        ).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  test("carry changed columns, changed rows and new fields on", () => {
    const subject = ENVELOPE_FIELDS.findIndex(([name]) => name === "subject");
    fc.assert(
      fc.property(
        wellMade,
        fc.array(fc.tuple(fc.nat(100), fc.constantFrom("change", "add", "drop")), { maxLength: 10 }),
        (events, acts) => {
          const frame = readFrame(encodeEvents(events));
          const changes = frame.groups.map((g) => new Changes(g));
          const expected: (Record<string, unknown> | undefined)[] = normal(events) as Record<string, unknown>[];
          const places: (readonly [number, number])[] = [];
          frame.forEach((group, row) => {
            places.push([frame.groups.indexOf(group), row]);
          });
          for (const [k, act] of acts) {
            const at = k % events.length;
            const [g, row] = places[at]!;
            const before = expected[at];
            if (act === "drop") changes[g]!.drop(row);
            else if (act === "add") changes[g]!.setField("added_later", row, k);
            else changes[g]!.setAttribute(subject, row, `changed ${k}`);
            expected[at] =
              act === "drop" || !before
                ? undefined
                : act === "add"
                  ? { ...before, data: { ...(before.data as object), added_later: k } }
                  : { ...before, subject: `changed ${k}` };
          }
          const bytes = encodePassed([{ frame, changes }], []);
          expect(bytes ? decoded(bytes) : []).toEqual(expected.filter((e) => e !== undefined));
        },
      ),
      { numRuns: 150 },
    );
  });

  test("of a thousand events are read, of a thousand and one refused", () => {
    const event = (k: number): Event =>
      ({ id: `${k}`, source: "s", time: k, type: "session.ended", v: 1, data: {} }) as unknown as Event;
    expect(decoded(encodeEvents(Array.from({ length: LIMITS.frame_events_max }, (_, k) => event(k))))).toHaveLength(
      LIMITS.frame_events_max,
    );
    expect(readAll(encodeEvents(Array.from({ length: LIMITS.frame_events_max + 1 }, (_, k) => event(k))))).toBe(
      "refused",
    );
  });
});

describe("hostile bytes", () => {
  test("changed anywhere, cut anywhere or joined, a frame is read or refused, and nothing else happens", () => {
    const change = fc.tuple(
      fc.constantFrom("set", "flip", "cut", "insert", "copy"),
      fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      fc.nat(255),
      fc.nat(40),
    );
    const seen = new Set<string>();
    fc.assert(
      fc.property(
        streams({ max: 20, stamped: true }),
        fc.array(change, { minLength: 1, maxLength: 4 }),
        (events, changes) => {
          let bytes = Buffer.from(encodeEvents(events));
          for (const [how, share, byte, length] of changes) {
            const at = Math.floor(share * bytes.length);
            if (how === "set") bytes[at] = byte;
            else if (how === "flip") bytes[at]! ^= 1 << (byte & 7);
            else if (how === "cut") bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
            else if (how === "insert")
              bytes = Buffer.concat([bytes.subarray(0, at), Buffer.alloc(length, byte), bytes.subarray(at)]);
            else
              bytes = Buffer.concat([
                bytes.subarray(0, at),
                bytes.subarray(Math.max(0, at - length), at),
                bytes.subarray(at),
              ]);
          }
          seen.add(readAll(bytes));
        },
      ),
      { numRuns: 3_000 },
    );
    expect(seen).toEqual(new Set(["read", "refused"]));
  });

  test("every beginning of a frame is refused", () => {
    const [events] = fc.sample(streams({ max: 20, stamped: true }), { numRuns: 1, seed: 3 });
    const bytes = encodeEvents(events!);
    for (let end = 0; end < bytes.length; end++) expect(readAll(bytes.subarray(0, end))).toBe("refused");
  });

  test("random bytes are refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => readAll(bytes) === "refused"),
      { numRuns: 2_000 },
    );
  });

  test("that unpack to more than a limit are refused, whatever form makes them small", () => {
    const rows = 400;
    const data = (x: unknown) => ({
      w: 1,
      n: rows,
      g: [{ t: "a.b", v: 1, n: rows, e: { source: { "=": "s" } }, d: { x } }],
    });
    const text = "x".repeat(10_000);
    const same = pack(data({ "=": text }));
    const few = pack(data({ d: [text, "short"], i: Buffer.alloc(rows) }));
    const short = pack(data({ d: [text, "short"], i: Buffer.alloc(rows, 1) }));
    for (const bytes of [same, few]) {
      expect(readFrame(bytes).unpacked).toBeGreaterThan(rows * text.length);
      expect(readFrame(bytes, rows * 10_010).count).toBe(rows);
      expect(() => readFrame(bytes, rows * 10_000)).toThrow("unpacks to");
    }
    expect(readFrame(short, 10_000).unpacked).toBeLessThan(10_000);
    const huge = pack(data({ "=": "x".repeat(250_000) }));
    expect(readAll(huge)).toBe("refused");
  });

  const e = { id: ["01a0c450-6c00-7000-8000-000000000001"], source: { "=": "x" }, time: [5] };
  const group = (over: object = {}) => ({ t: "session.ended", v: 1, n: 1, e, d: {}, ...over });
  const frame = (over: object = {}) => ({ w: 1, n: 1, g: [group()], ...over });
  const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)]);
  const raw = (...parts: (Uint8Array | readonly number[])[]): Uint8Array =>
    Buffer.concat(parts.map((p) => Buffer.from(p as Uint8Array)));
  /** A frame whose data holds one column `x` of these bytes. */
  const column = (bytes: Uint8Array): Uint8Array => {
    const marker = "MARK";
    const whole = Buffer.from(pack(frame({ g: [group({ t: "a.b", d: { x: marker } })] })));
    const at = whole.indexOf(Buffer.from(pack(marker)));
    return raw(whole.subarray(0, at), bytes, whole.subarray(at + pack(marker).length));
  };

  test("the frame these cases vary is sound", () => {
    expect(readAll(pack(frame()))).toBe("read");
    expect(readAll(column(pack([1])))).toBe("read");
  });

  test.each<[string, Uint8Array]>([
    ["nothing", new Uint8Array()],
    ["no map", pack([1])],
    ["another version", pack(frame({ w: 2 }))],
    ["an unknown part", pack({ ...frame(), x: 1 })],
    ["bytes behind the end", raw(pack(frame()), [0])],
    ["no events", pack(frame({ n: 0, g: [] }))],
    ["a wrong count", pack(frame({ n: 2 }))],
    ["a huge count", pack(frame({ n: 4_000_000_000 }))],
    [
      "a huge count of rows",
      pack(frame({ n: 4_000_000_000, g: [group({ n: 4_000_000_000, e: { source: { "=": "x" } } })] })),
    ],
    [
      "more rows than a frame may have, of one repeated value",
      pack(frame({ n: 1_001, g: [group({ n: 1_001, e: { source: { "=": "x" } } })] })),
    ],
    ["several groups without an order", pack(frame({ n: 2, g: [group(), group({ t: "a.b" })] }))],
    ["an order that names a group that is not there", pack(frame({ o: Buffer.from([1]) }))],
    ["an order that is too short", pack(frame({ n: 2, g: [group(), group({ t: "a.b" })], o: Buffer.from([0]) }))],
    [
      "an order that counts otherwise",
      pack(frame({ n: 2, g: [group(), group({ t: "a.b" })], o: Buffer.from([0, 0]) })),
    ],
    ["an order that is too long", pack(frame({ n: 1, o: Buffer.from([0, 0]) }))],
    [
      "too many types",
      pack(
        frame({
          n: 65,
          g: Array.from({ length: 65 }, (_, k) => group({ t: `a.b${k}` })),
          o: Buffer.from(Array.from({ length: 65 }, (_, k) => k)),
        }),
      ),
    ],
    [
      "groups named twice",
      raw([0x84, 0xa1, 0x77, 1, 0xa1, 0x6e, 2], [0xa1, 0x67], pack([group()]), [0xa1, 0x67], pack([group()]), []),
    ],
    [
      "a part of a group twice",
      raw([0x83, 0xa1, 0x77, 1, 0xa1, 0x6e, 1, 0xa1, 0x67, 0x91, 0x86], pack(group()).subarray(1), [0xa1, 0x6e, 1]),
    ],
    ["a type that is no type", pack(frame({ g: [group({ t: "Session Ended" })] }))],
    ["version 0", pack(frame({ g: [group({ v: 0 })] }))],
    ["columns before their count", pack({ w: 1, n: 1, g: [{ t: "session.ended", v: 1, e, n: 1, d: {} }] })],
    ["a column that is too short", pack(frame({ g: [group({ e: { ...e, time: [] } })] }))],
    ["a column that is too long", pack(frame({ g: [group({ e: { ...e, time: [1, 2] } })] }))],
    ["a column that is no column", pack(frame({ g: [group({ e: { ...e, time: 5 } })] }))],
    ["a column of another shape", pack(frame({ g: [group({ e: { ...e, time: { x: 1 } } })] }))],
    [
      "a column without values to pick from",
      pack(frame({ g: [group({ e: { ...e, time: { d: [], i: Buffer.from([0]) } } })] })),
    ],
    [
      "a column that picks what it has not",
      pack(frame({ g: [group({ e: { ...e, time: { d: [1], i: Buffer.from([7]) } } })] })),
    ],
    [
      "a column that picks too seldom",
      pack(frame({ g: [group({ e: { ...e, time: { d: [1], i: Buffer.alloc(0) } } })] })),
    ],
    ["a column named __proto__", pack(frame({ g: [group({ d: { __proto__x: [1] } })] }))],
    [
      "a column named twice",
      raw(
        Buffer.from(pack(frame({ g: [group({ d: {} })] }))).subarray(0, -1),
        [0x82],
        pack("x"),
        pack([1]),
        pack("x"),
        pack([1]),
      ),
    ],
    [
      "too many columns",
      pack(frame({ g: [group({ d: Object.fromEntries(Array.from({ length: 257 }, (_, k) => [`c${k}`, [1]])) })] })),
    ],
    ["a value nested too deep", column(pack([deep(40)]))],
    ["a value nested without end", column(Buffer.alloc(100_000, 0x91))],
    ["a map with a number for a key", column(raw([0x91, 0x81, 0x01, 0x01]))],
    ["a map with a list for a key", column(raw([0x91, 0x82, 0xa1, 0x61, 0x90, 0x91, 0x01, 0x01]))],
    [
      "a map with a map for a key, behind another map",
      column(raw([0x91, 0x82, 0xa1, 0x61, 0x81, 0xa1, 0x62, 0xc0, 0x80, 0x01])),
    ],
    ["a map with nil for a key", column(raw([0x91, 0xde, 0x00, 0x01, 0xc0, 0x01]))],
    ["an extension type", column(raw([0x91, 0xd4, 0x01, 0x00]))],
    ["a time stamp extension", column(raw([0x91, 0xd6, 0xff, 0, 0, 0, 0]))],
    ["the byte nobody uses", column(raw([0x91, 0xc1]))],
    ["an array that claims four billion entries", column(raw([0xdd, 0xff, 0xff, 0xff, 0xff]))],
    ["a map that claims four billion entries", column(raw([0x91, 0xdf, 0xff, 0xff, 0xff, 0xff]))],
    ["a text that claims four gigabytes", column(raw([0x91, 0xdb, 0xff, 0xff, 0xff, 0xff]))],
    ["bytes that claim four gigabytes", column(raw([0x91, 0xc6, 0xff, 0xff, 0xff, 0xff]))],
  ])("%s: refused", (_, bytes) => {
    expect(readAll(bytes)).toBe("refused");
  });

  test("nested lists and maps with texts for keys are values like others", () => {
    const value = { a: [{ b: { c: [] } }, { d: 1, e: { f: null } }], g: {}, "": [[], {}] };
    const [event] = decoded(column(pack([value])));
    expect(event!.data.x).toEqual(value);
  });

  test("names that mean something to JavaScript are fields like others", () => {
    const names = ["constructor", "group", "row", "prototype", "length", "name"];
    const data = Object.fromEntries(names.map((name) => [name, [`value of ${name}`]]));
    const [event] = decoded(pack(frame({ g: [group({ t: "a.b", d: data })] })));
    expect(event!.data).toEqual(Object.fromEntries(names.map((name) => [name, `value of ${name}`])));
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    const [nested] = decoded(
      column(raw([0x91, 0x81, 0xa9], Buffer.from("__proto__"), [0x81, 0xa8], Buffer.from("polluted"), [0xc3])),
    );
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(nested!.type).toBe("a.b");
  });
});
