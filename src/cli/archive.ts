import { counted } from "../base/counted.ts";
import type { Archived } from "../engine/archive/archiver.ts";
import { operate } from "./operate.ts";
import { say, sayJson } from "./print.ts";

/** `weir archive`: archives and trims what the tables hold already, instead of waiting until the log is full. */
export async function archiveCommand({ json, new: anew }: { json?: boolean; new?: boolean }): Promise<void> {
  if (anew) {
    const { aside, begins } = await operate<{ aside: string | null; begins: number }>("archive/new");
    if (json) return sayJson({ aside, begins });
    return say(`A new archive begins at sequence ${begins}${aside ? `; the old one is kept as ${aside}` : ""}.`);
  }
  const done = await operate<Archived>("archive");
  if (json) return sayJson(done);
  if (done.segments === 0) return say(`Nothing new: sequences up to ${done.end} are archived.`);
  say(
    `${counted(done.events, "event")} in ${counted(done.messages, "message")} archived in ${done.seconds} s: ${counted(done.segments, "segment")}, ${(done.bytes / 1e6).toFixed(1)} MB; the log was trimmed up to sequence ${done.end}.`,
  );
}
