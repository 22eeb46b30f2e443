import type { Connection } from "../wire/connect.ts";
import { HEADERS, type Totals } from "../wire/publish.ts";
import type { StreamIdentity } from "../wire/streams.ts";

/*
 * A position in a stream is a number, and numbers begin anew when a stream is replaced, or go on from an earlier one when it was cut or restored
 * from a copy. Then other events stand where a processor has been, and it would pass them by. So each output also tells in which stream its
 * position is, and when the message there was stored.
 */

/** Where a processor stands in its input, as its last output tells it. */
export interface InputPlace {
  readonly input: number;
  /** Making of the stream and time of the message, see {@link placeText}; absent in outputs of before. */
  readonly place: string | undefined;
}

/** The place as a header's text. */
export const placeText = (created: string, stored_us: number): string => `${created} ${stored_us}`;

/** Why the input does not go on from a place; undefined where it does. */
export async function brokenOff(
  bus: Pick<Connection, "jsm">,
  stream: string,
  identity: StreamIdentity,
  { input, place }: InputPlace,
): Promise<string | undefined> {
  if (input === 0) return undefined;
  const [created, stored] = place?.split(" ") ?? [];
  if (created !== undefined && created !== identity.created)
    return `${stream} was made at ${identity.created}, the one that was worked on at ${created}: it was replaced`;
  if (identity.last_seq < input)
    return `${stream} ends at ${identity.last_seq}, ${input} was worked on: it was cut or restored`;
  if (stored === undefined || input < identity.first_seq) return undefined; // trimmed, because it was worked on
  const message = await bus.jsm.streams.getMessage(stream, { seq: input });
  // what a reader is told of the time is rounded, so that the two may differ by a millisecond
  if (!message || Math.abs(message.time.getTime() - Number(stored) / 1_000) < 2) return undefined;
  return `${stream} holds another message at ${input} than the one that was worked on: it was cut or restored`;
}

/**
 * Totals to go on with behind the beginning of an input that broke off. What the stage before ever wrote is compared with what was taken of it; so
 * what it wrote before that beginning counts as taken.
 */
export async function totalsAt(
  bus: Pick<Connection, "jsm">,
  stream: string,
  identity: StreamIdentity,
  subject: string,
  before: Totals,
): Promise<Totals> {
  const query = { seq: Math.max(1, identity.first_seq), next_by_subj: subject }; // the client's type does not know the pair
  const message = await bus.jsm.streams.getMessage(stream, query as { seq: number });
  const written = Number(message?.header.get(HEADERS.written) || 0) - Number(message?.header.get(HEADERS.count) || 0);
  const taken = Math.max(0, written);
  return {
    taken,
    passed: Math.max(0, taken - before.rejected - before.repeated),
    rejected: before.rejected,
    repeated: before.repeated,
  };
}
