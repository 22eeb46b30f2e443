import type { Processor } from "../define/processor.ts";
import type { Connection } from "../wire/connect.ts";
import { firstMessage } from "../wire/publish.ts";
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
 * Whether a state can be carried on from where it was saved: nothing was written since, or the input that was worked on since is still there to be
 * seen. Another instance may have worked on meanwhile, and trimmed what this state has not seen. Of validated input the frame that was trimmed up to
 * always stays; of what producers sent nothing does, so that the next one must stand right behind.
 */
export async function fits(
  saved: { readonly input: number; readonly output: number },
  done: { readonly input: number; readonly output: number },
  end: number,
  { processor, bus }: { readonly processor: Processor; readonly bus: Connection },
  { inStream, inSubjects }: Ways,
): Promise<boolean> {
  if (saved.input > end) return false; // of a log that was longer
  if (!processor.passes || saved.input === done.input) return true;
  if (saved.input > done.input) return saved.output === done.output; // what lies in between led to no output
  const first = await firstMessage(bus, inStream, inSubjects[0]!);
  return first !== undefined && first.seq <= saved.input + (processor.reads === "in" ? 1 : 0);
}

/** A reader of an input: of the log with its archived part, of the other streams as they are. */
export const readerOf = (
  { bus, archive }: { readonly bus: Connection; readonly archive?: Archive | undefined },
  stream: string,
  from: { after: number; subjects: readonly string[]; created?: string },
): Reader => (stream === LOG ? openLog(bus, archive, from) : openReader(bus, stream, from));
