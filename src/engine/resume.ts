import { WeirError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Processor } from "../define/processor.ts";
import type { Connection } from "../wire/connect.ts";
import { firstSequence, type LastFrame } from "../wire/publish.ts";
import { checkSame } from "../wire/streams.ts";
import { eventsSubject, inSubject, validSubject } from "../wire/subjects.ts";

/** What of a runner's options decides where it goes on. */
interface Resuming {
  readonly name: string;
  readonly processor: Processor;
  readonly bus: Connection;
  readonly lossy?: boolean;
  readonly log: Log;
}

/** What a processor reads and writes in one partition. */
export interface Ways {
  readonly inStream: string;
  readonly inSubjects: readonly string[];
  readonly outStream: string;
  readonly outSubject: string;
}

export function waysOf(name: string, processor: Processor, partition: number): Ways {
  if (processor.reads === "in") {
    return {
      inStream: "WEIR_IN",
      inSubjects: [inSubject(partition)],
      outStream: "WEIR_VALID",
      outSubject: validSubject(partition),
    };
  }
  const outSubject = eventsSubject(name, partition);
  if (processor.reads === "valid")
    return { inStream: "WEIR_VALID", inSubjects: [validSubject(partition)], outStream: "WEIR_EVENTS", outSubject };
  return { inStream: "WEIR_EVENTS", inSubjects: [`weir.ev.*.${partition}`], outStream: "WEIR_EVENTS", outSubject };
}

/**
 * Whether the input lost its end, and maybe grew again. In profile fast a power cut does that: what is there is worked through again, and what is
 * known already is dropped by its numbers and ids. In profile safe it is for a person to decide on, and thrown.
 */
export async function isCut(
  { bus, lossy, processor, log, name }: Resuming,
  { inStream }: Ways,
  last: LastFrame,
): Promise<boolean> {
  try {
    await checkSame(bus.jsm, inStream, { last: { seq: last.input, stored_us: last.inputTime } });
    return false;
  } catch (error) {
    if (!(lossy && processor.passes && isChanged(error))) throw error;
    log.error({ processor: name, err: error }, "the broker lost what it had acknowledged; what is there is read again");
    return true;
  }
}

/** Whether a log was replaced or cut. */
export const isChanged = (error: unknown): boolean => error instanceof WeirError && error.code === "stream_changed";

/**
 * Whether a state can be carried on from where it was saved. Another instance may have worked on meanwhile, and trimmed input that this state has
 * not seen; what was trimmed last always leaves the frame it ended at.
 */
export async function fits(
  at: number,
  done: number,
  end: number,
  { processor, bus }: Resuming,
  { inStream, inSubjects }: Ways,
): Promise<boolean> {
  if (at > end) return false; // of a log that was longer
  if (!processor.passes || at === done) return true;
  if (at > done) return false;
  const first = await firstSequence(bus, inStream, inSubjects[0]!);
  return first !== undefined && first <= at;
}
