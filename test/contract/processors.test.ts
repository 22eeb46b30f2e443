import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Event } from "../../src/define/event.ts";
import type { Outcome, Processor } from "../../src/define/processor.ts";
import { loadProcessors } from "../../src/engine/load.ts";
import { throughCodec } from "../../src/engine/snapshot.ts";
import { stepFrame } from "../../src/engine/step.ts";
import { checkEvent } from "../../src/events/check.ts";
import { plain } from "../../src/events/plain.ts";
import { encodeEvents, encodePassed, type Passed } from "../../src/wire/encode.ts";
import { type Frame, readFrame } from "../../src/wire/frame.ts";
import { ARRIVED_US, cutPoints, portions, streams } from "../support/generate.ts";

const processors = [...(await loadProcessors("."))];
const all = streams({ max: 60, stamped: false, extreme: true });
const RUNS = { numRuns: 60 };

const frameOf = (events: readonly Event[]): Frame => readFrame(encodeEvents(events));
const framed = (events: readonly Event[], cuts: readonly number[]): Frame[] => portions(events, cuts).map(frameOf);

interface Output {
  readonly passed: readonly Event[];
  readonly emitted: readonly Event[];
}

/** What a processor makes of frames: what it passes on, as a reader of the next stream sees it, and what it emits. */
function run(
  name: string,
  processor: Processor,
  frames: readonly Frame[],
  from?: unknown,
): Output & { state: unknown } {
  const state = from ?? processor.start();
  const passed: Event[] = [];
  const emitted: Event[] = [];
  for (const frame of frames) {
    const stepped = stepFrame(name, processor, state, frame, ARRIVED_US);
    const bytes = stepped.passed && encodePassed([stepped.passed], []);
    if (bytes) passed.push(...readFrame(bytes).events().map(plain));
    emitted.push(...stepped.emitted.map(plain));
  }
  return { passed, emitted, state };
}
const outputOf = ({ passed, emitted }: Output): Output => ({ passed, emitted });

/** Streams a processor has something to do with: all types, or mostly those it reads. */
const streamOf = (processor: Processor): fc.Arbitrary<Event[]> =>
  processor.on === "all"
    ? all
    : fc.oneof(
        { weight: 1, arbitrary: all },
        {
          weight: 3,
          arbitrary: streams({ max: 250, stamped: true, extreme: true, types: processor.on.map((d) => d.type) }),
        },
      );

describe.each(processors)("processor %s", (name, processor) => {
  const stream = streamOf(processor);

  test("a replay gives the same", () => {
    fc.assert(
      fc.property(stream, cutPoints, (events, cuts) => {
        const frames = framed(events, cuts);
        expect(run(name, processor, frames)).toEqual(run(name, processor, framed(events, cuts)));
        // frames that were read by an earlier stage give the same as fresh ones
        expect(outputOf(run(name, processor, frames))).toEqual(outputOf(run(name, processor, frames)));
      }),
      RUNS,
    );
  });

  test("one frame, frames of one event, and frames cut anywhere give the same", () => {
    fc.assert(
      fc.property(stream, cutPoints, (events, cuts) => {
        const whole = run(name, processor, [frameOf(events)]);
        expect(run(name, processor, framed(events, cuts))).toEqual(whole);
        expect(
          run(
            name,
            processor,
            events.map((event) => frameOf([event])),
          ),
        ).toEqual(whole);
      }),
      RUNS,
    );
  });

  test("stopped anywhere and resumed from its saved state, it does the same", () => {
    fc.assert(
      fc.property(stream, fc.double({ min: 0, max: 1, noNaN: true }), (events, cut) => {
        const at = Math.floor(cut * events.length);
        const [before, after] = [events.slice(0, at), events.slice(at)].map((part) =>
          part.map((event) => frameOf([event])),
        );
        const first = run(name, processor, before!);
        const second = run(name, processor, after!, throughCodec(first.state));
        const whole = run(name, processor, [...before!, ...after!]);
        expect({ passed: [...first.passed, ...second.passed], emitted: [...first.emitted, ...second.emitted] }).toEqual(
          outputOf(whole),
        );
        expect(throughCodec(second.state)).toEqual(throughCodec(whole.state));
      }),
      RUNS,
    );
  });

  test("several frames merged into one output hold what they held one by one", () => {
    fc.assert(
      fc.property(stream, cutPoints, (events, cuts) => {
        const state = processor.start();
        const passed: Passed[] = [];
        const emitted: Event[] = [];
        for (const frame of framed(events, cuts)) {
          const stepped = stepFrame(name, processor, state, frame, ARRIVED_US);
          if (stepped.passed) passed.push(stepped.passed);
          emitted.push(...stepped.emitted);
        }
        const bytes = encodePassed(passed, emitted);
        const one = run(name, processor, framed(events, cuts));
        expect(bytes ? readFrame(bytes).events().map(plain) : []).toEqual([...one.passed, ...one.emitted]);
      }),
      RUNS,
    );
  });

  test("plain events and events read from a frame are stepped alike", () => {
    fc.assert(
      fc.property(stream, (events) => {
        const wanted = events.filter((e) => processor.on === "all" || processor.on.some((d) => d.type === e.type));
        if (wanted.length === 0) return;
        const step = (list: readonly Event[]): { outcomes: (Outcome | undefined)[]; state: unknown } => {
          const state = processor.start();
          return {
            outcomes: list.map((event) => throughCodec(processor.step(state, event, { arrived_us: ARRIVED_US }))),
            state,
          };
        };
        expect(step(frameOf(wanted).events())).toEqual(step(wanted.map(plain)));
      }),
      RUNS,
    );
  });

  test("generated streams make it write every type it declares", () => {
    const written = new Set<string>();
    for (const events of fc.sample(stream, { numRuns: 100, seed: 1 })) {
      for (const event of run(name, processor, [frameOf(events)]).emitted) written.add(event.type);
      // what is generated is valid, so there is nothing to reject
    }
    expect(written).toEqual(new Set(processor.emits.map((d) => d.type).filter((type) => type !== "input.rejected")));
  });

  test("what comes out is of a declared type and valid by its definition", () => {
    const declared = new Set(processor.emits.map((d) => d.type));
    fc.assert(
      fc.property(stream, (events) => {
        const { passed, emitted } = run(name, processor, [frameOf(events)]);
        for (const event of emitted) expect(declared).toContain(event.type);
        for (const event of [...passed, ...emitted])
          expect({ type: event.type, fault: checkEvent(event) }).toEqual({ type: event.type, fault: undefined });
        if (!processor.passes) expect(passed).toEqual([]);
        else
          for (const event of passed)
            expect(events.find((e) => e.id === event.id)).toMatchObject({
              type: event.type,
              source: event.source,
              time: event.time,
            });
        // each event leads to events with ids of their own; one that comes again leads to the same ids
        const distinct = [...new Map(events.map((event) => [event.id, event])).values()];
        const ids = run(name, processor, [frameOf(distinct)]).emitted.map((event) => event.id);
        expect(new Set(ids).size).toBe(ids.length);
      }),
      RUNS,
    );
  });
});
