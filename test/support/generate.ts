import fc from "fast-check";
import { derivedId } from "../../src/base/id.ts";
import type { Event, EventDefinition } from "../../src/define/event.ts";
import type { FieldInfo } from "../../src/define/field.ts";
import { CATALOG } from "../../src/events/catalog.ts";
import { factOf } from "../../src/events/facts.ts";

/** A moment all generated events lie around, in microseconds. */
export const BASE_US = 1_790_000_000_000_000;
/** When generated frames arrive: after all of their events. */
export const ARRIVED_US = BASE_US + 12 * 3_600_000_000;

const WORDS = [
  "Bash",
  "Read",
  "mcp__fs__read",
  "mcp____x",
  "claude-opus-4-1",
  "gpt-5",
  "ünïcode ☃ 🎣",
  'quote " back \\ slash',
  "nul\u0000\u001f",
  "",
  " ",
  "true",
  "null",
  "0",
];
/** Names that the generator shares between events, so that events speak of the same facts, series, alerts and thresholds. */
const SHARED: Readonly<Record<string, readonly string[]>> = {
  call_id: ["toolu_1", "toolu_2", "toolu_3", "toolu_4", "toolu_5"],
  message_id: ["msg_1", "msg_2", "msg_3"],
  request_id: ["req_1", "req_2"],
  prompt_id: ["prompt_1", "prompt_2"],
  sha: ["abc1234", "abc1234567", "def5678"],
  path: ["/p/a.ts", "/p/b.ts", `/${"long/".repeat(200)}c.ts`],
  alert: ["alert_1", "alert_2"],
  tool: ["Bash", "Read", "mcp__fs__read", "mcp__git__log"],
  model: ["claude-opus-4-1", "claude-sonnet-4-5", "gpt-5", "no-such-model"],
  rejected: ["01a0c450-6c00-7000-8000-000000000001", "01a0c450-6c00-7000-8000-000000000002"],
  metric: ["tool.duration", "load"],
  labels: ['{"tool":"Bash"}', "{}", "not json", "[1]", "null"],
};
const NAMED: Readonly<Record<string, readonly string[]>> = {
  "threshold.set.name": ["slow", "high"],
  "threshold.set.removed": ["true", "false"],
  "metric.measured.name": ["load", "queue.length"],
  "gap.found.of_producer": ["p1", "p2"],
};

/** Finite numbers at the end of what a float holds. */
const EXTREMES = [Number.MAX_VALUE, -Number.MAX_VALUE, Number.MIN_VALUE, 1e300, -1e-300];

const cut = (text: string, max: number): string => {
  const short = text.slice(0, max);
  return /[\ud800-\udbff]$/.test(short) ? short.slice(0, -1) : short; // half a character is not text
};
const texts = (max: number): fc.Arbitrary<string> =>
  fc
    .oneof(
      { weight: 3, arbitrary: fc.constantFrom(...WORDS) },
      { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 40 }) },
    )
    .map((t) => cut(t, max));
const times = fc.integer({ min: 0, max: 7_200_000_000 }).map((offset) => BASE_US + offset);

/** Valid values of a field. */
function valuesOf(type: string, name: string, info: FieldInfo, extreme: boolean): fc.Arbitrary<unknown> {
  const shared = NAMED[`${type}.${name}`] ?? SHARED[name];
  if (shared) return fc.constantFrom(...shared);
  const max = info.max ?? 64;
  const min = info.min ?? -1_000_000;
  switch (info.kind) {
    case "text":
      return texts(max);
    case "ref":
      return texts(max).map((t) => t || "x");
    case "json":
      return fc
        .dictionary(fc.constantFrom("a", "path", "command"), fc.oneof(texts(20), fc.integer()))
        .map((o) => JSON.stringify(o));
    case "list":
      return fc.array(texts(20), { maxLength: 4 });
    case "choice":
      return fc.constantFrom(...info.values!);
    case "bool":
      return fc.boolean();
    case "int":
      return fc.oneof(
        fc.integer({ min: Math.max(min, -1_000), max: 100_000 }),
        fc.constantFrom(Math.max(min, 0), Math.max(min, 1)),
      );
    case "float":
      return fc
        .oneof(
          fc.double({ min: Math.max(min, -1e6), max: 1e6, noNaN: true }),
          fc.integer({ min: Math.max(min, -100), max: 5_000 }),
          ...(extreme ? [fc.constantFrom(...EXTREMES.filter((n) => n >= min || info.min === undefined))] : []),
        )
        .map((n) => n + 0); // no -0
    case "time":
      return times;
    case "id":
      return fc.tuple(times, fc.nat(20)).map(([time, k]) => derivedId(time, "generated", k));
    case "bytes":
      return fc.uint8Array({ maxLength: 40 }).map((b) => new Uint8Array(b));
  }
}

/** Valid data of a type: each optional field now and then absent. */
export const dataOf = (definition: EventDefinition, extreme = false): fc.Arbitrary<Record<string, unknown>> =>
  fc
    .record(
      Object.fromEntries(
        definition.list.map(([name, info]) => [
          name,
          info.optional
            ? fc.option(valuesOf(definition.type, name, info, extreme), { nil: undefined })
            : valuesOf(definition.type, name, info, extreme),
        ]),
      ),
    )
    .map((data) => Object.fromEntries(Object.entries(data).filter(([, value]) => value !== undefined)));

const SESSIONS = ["session-a", "session-b", "session-c", undefined];
const VIAS = ["hook", "transcript", "otlp", "proxy", "sdk", undefined];
const PROJECTS: Readonly<Record<string, string>> = { "session-a": "/p", "session-b": "/q" };

interface Draw {
  readonly type: string;
  readonly data: Record<string, unknown>;
  readonly session: string | undefined;
  readonly via: string | undefined;
  readonly offset: number;
  readonly branch: string | undefined;
  readonly bare: boolean;
  /** Now and then a number is left out, or comes later. */
  readonly skip: number;
  readonly late: boolean;
  /** Sends an earlier event again. */
  readonly again: number | undefined;
}

const definitions = CATALOG as unknown as readonly EventDefinition[];
const draw = (wanted: readonly EventDefinition[], extreme: boolean): fc.Arbitrary<Draw> =>
  fc.oneof(
    ...wanted.map((definition) =>
      fc.record({
        type: fc.constant(definition.type),
        data: dataOf(definition, extreme),
        session: fc.constantFrom(...SESSIONS),
        via: fc.constantFrom(...VIAS),
        offset: fc.integer({ min: 0, max: 7_200_000_000 }),
        branch: fc.constantFrom(undefined, "main", "feature"),
        bare: fc.boolean(),
        skip: fc.constantFrom(0, 0, 0, 0, 1, 3),
        late: fc.boolean(),
        again: fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat(1_000) }),
      }),
    ),
  );

function eventsOf(draws: readonly Draw[], stamped: boolean): Event[] {
  const out: Event[] = [];
  const numbers = new Map<string, number>();
  const skipped = new Map<string, number[]>();
  draws.forEach((d, i) => {
    if (d.again !== undefined && out.length > 0) {
      out.push(out[d.again % out.length]!);
      return;
    }
    const time = BASE_US + d.offset + i; // no two events of one moment: what came last is decided by time
    const producer = `p${d.via ?? ""}`;
    const left = skipped.get(producer) ?? [];
    const late = d.late ? left.shift() : undefined;
    const n = late ?? (numbers.get(producer) ?? 0) + 1 + d.skip;
    if (late === undefined) {
      skipped.set(producer, [...left, ...Array.from({ length: d.skip }, (_, k) => n - 1 - k)]);
      numbers.set(producer, n);
    }
    const envelope: Record<string, unknown> = {
      id: derivedId(time, "event", i),
      source: `test://${d.via ?? "none"}`,
      time,
      via: d.via,
      session: d.session,
      producer,
      epoch: 1_000,
      n,
    };
    if (!d.bare)
      Object.assign(envelope, {
        subject: d.type,
        branch: d.branch,
        project: PROJECTS[d.session ?? ""],
        assistant: d.session && "claude-code",
        actor: d.via === "sdk" ? "ann" : undefined,
      });
    for (const key of Object.keys(envelope)) if (envelope[key] === undefined) delete envelope[key];
    const event = {
      ...envelope,
      type: d.type,
      v: definitions.find((x) => x.type === d.type)!.v,
      data: d.data,
    } as unknown as Event;
    const fact = stamped ? factOf(event) : undefined;
    out.push(fact ? { ...event, fact } : event);
  });
  return out;
}

/**
 * Streams of valid events: a few sessions and sources, facts told several times, numbers with gaps, events sent again. Of all types, or of a few
 * so that they have to do with each other. `stamped`: with the key of their fact, as the log holds them. `extreme`: with floats at the end of their range.
 */
export function streams({
  max,
  stamped,
  types,
  extreme = false,
}: {
  max: number;
  stamped: boolean;
  types?: readonly string[];
  extreme?: boolean;
}): fc.Arbitrary<Event[]> {
  const wanted = types ? definitions.filter((d) => types.includes(d.type)) : definitions;
  const of = (some: readonly EventDefinition[]): fc.Arbitrary<Event[]> =>
    fc.array(draw(some, extreme), { minLength: 2, maxLength: max }).map((draws) => eventsOf(draws, stamped));
  return types
    ? of(wanted)
    : fc.oneof(
        { weight: 1, arbitrary: of(wanted) },
        { weight: 3, arbitrary: fc.shuffledSubarray([...wanted], { minLength: 1, maxLength: 4 }).chain(of) },
      );
}

/** A list in consecutive portions that end at the given shares of its length. */
export function portions<T>(list: readonly T[], cuts: readonly number[]): T[][] {
  const at = [...new Set(cuts.map((c) => Math.floor(c * list.length)))]
    .filter((c) => c > 0 && c < list.length)
    .sort((a, b) => a - b);
  return [...at, list.length].map((end, k) => list.slice(k === 0 ? 0 : at[k - 1]!, end));
}

/** Where a list may be cut, as shares of its length. */
export const cutPoints: fc.Arbitrary<number[]> = fc.array(
  fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  { maxLength: 6 },
);
