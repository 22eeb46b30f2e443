import type { Processor } from "../define/processor.ts";
import type { Connection } from "../wire/connect.ts";
import { firstSequence } from "../wire/publish.ts";
import { openReader, type Reader } from "../wire/read.ts";
import { eventsSubject, inSubject, validSubject } from "../wire/subjects.ts";
import type { Archive } from "./archive/archive.ts";
import { LOG, openLog } from "./archive/read-log.ts";

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
 * Whether a state can be carried on from where it was saved. Another instance may have worked on meanwhile, and trimmed input that this state has
 * not seen; what was trimmed last always leaves the frame it ended at.
 */
export async function fits(
  at: number,
  done: number,
  end: number,
  { processor, bus }: { readonly processor: Processor; readonly bus: Connection },
  { inStream, inSubjects }: Ways,
): Promise<boolean> {
  if (at > end) return false; // of a log that was longer
  if (!processor.passes || at === done) return true;
  if (at > done) return false;
  const first = await firstSequence(bus, inStream, inSubjects[0]!);
  return first !== undefined && first <= at;
}

/** A reader of an input: of the log with its archived part, of the other streams as they are. */
export const readerOf = (
  { bus, archive }: { readonly bus: Connection; readonly archive?: Archive | undefined },
  stream: string,
  from: { after: number; subjects: readonly string[]; created?: string },
): Reader => (stream === LOG ? openLog(bus, archive, from) : openReader(bus, stream, from));
