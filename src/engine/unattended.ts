import { usFromIso } from "../base/clock.ts";
import type { Connection } from "../wire/connect.ts";
import { firstMessage, lastFrame } from "../wire/publish.ts";
import { eventsSubject, inSubject, type StreamName, validSubject } from "../wire/subjects.ts";

/** Messages on a subject that no processor reads: they were acknowledged, and wait for ever. */
export interface Unattended {
  readonly stream: StreamName;
  readonly subject: string;
  readonly messages: number;
}

/** Of more subjects than this the rest is left out: anybody who may publish can make as many as there are names. */
const NAMED = 100;

/** The streams that processors empty, and where the one that reads a partition tells how far it is. */
const STAGES: readonly {
  readonly processor: string;
  readonly stream: StreamName;
  readonly subject: (partition: number) => string;
  readonly next: StreamName;
  readonly told: (partition: number) => string;
}[] = [
  { processor: "validate", stream: "WEIR_IN", subject: inSubject, next: "WEIR_VALID", told: validSubject },
  {
    processor: "enrich",
    stream: "WEIR_VALID",
    subject: validSubject,
    next: "WEIR_EVENTS",
    told: (partition) => eventsSubject("enrich", partition),
  },
];

/**
 * Subjects beyond the partitions that hold what nobody has worked on. A producer that counts more partitions than weir fills them, and so does a
 * smaller `WEIR_PARTITIONS` than before. What was worked on while there were more, and merely stayed, is not told.
 */
export async function findUnattended(bus: Connection, partitions: number): Promise<Unattended[]> {
  const found: Unattended[] = [];
  for (const { stream, next, told } of STAGES) {
    const { state } = await bus.jsm.streams.info(stream, { subjects_filter: ">" });
    for (const [subject, messages] of Object.entries(state.subjects ?? {})) {
      if (found.length >= NAMED) return found;
      const token = subject.split(".").at(-1)!;
      const partition = /^(0|[1-9]\d{0,8})$/.test(token) ? Number(token) : undefined;
      if (messages === 0 || (partition !== undefined && partition < partitions)) continue;
      if (partition !== undefined) {
        const done = (await lastFrame(bus, next, told(partition)))?.input ?? 0;
        const last = await bus.jsm.streams.getMessage(stream, { last_by_subj: subject });
        if (!last || last.seq <= done) continue;
      }
      found.push({ stream, subject, messages });
    }
  }
  return found;
}

/** What waits for a processor that this instance does not run. */
export interface Left {
  readonly processor: string;
  readonly partition: number;
  /** When the oldest of it came, in microseconds. */
  readonly since_us: number;
}

/** What waits before processors that are not among `here`. Whoever runs them is somewhere else, or nowhere: how long it waits tells which. */
export async function findLeft(bus: Connection, partitions: number, here: ReadonlySet<string>): Promise<Left[]> {
  const found: Left[] = [];
  for (const { processor, stream, subject, next, told } of STAGES.filter((stage) => !here.has(stage.processor)))
    for (let partition = 0; partition < partitions; partition++) {
      const seq = ((await lastFrame(bus, next, told(partition)))?.input ?? 0) + 1;
      const first = await firstMessage(bus, stream, subject(partition), seq);
      if (first) found.push({ processor, partition, since_us: usFromIso(first.timestamp)! });
    }
  return found;
}

/** What to do about them, as a sentence goes on. */
export const unattendedAdvice = (partitions: number): string =>
  `nobody works on ${partitions === 1 ? "any partition but 0" : `partitions beyond ${partitions - 1}`}: give producers WEIR_PARTITIONS=${partitions}, the number this log was made with`;
