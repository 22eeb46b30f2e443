import { LIMITS } from "../base/limits.ts";
import type { Draft } from "../define/event.ts";

/** What an import read and gave out. */
export interface ImportReport {
  /** Transcripts in which something new was read. */
  files: number;
  files_skipped_unchanged: number;
  /** Files and folders that could not be read or vanished, the first hundred. */
  readonly unreadable: { readonly file: string; readonly reason: string }[];
  unreadable_total: number;
  /** False where there were more files than one import takes, or it was stopped. */
  complete: boolean;
  lines: number;
  bytes: number;
  /** Events given out; one that an older import gave out already has the same id and changes nothing. */
  events: number;
  /** Lines that hold no record, the first hundred. */
  readonly bad_lines: { readonly file: string; readonly line: number; readonly reason: string }[];
  bad_lines_total: number;
  /** Different prompts, tool calls and answers of a model among the events. */
  prompts: number;
  tool_calls: number;
  model_calls: number;
}

/** A report before anything was read. */
export const emptyReport = (): ImportReport => ({
  files: 0,
  files_skipped_unchanged: 0,
  unreadable: [],
  unreadable_total: 0,
  complete: true,
  lines: 0,
  bytes: 0,
  events: 0,
  bad_lines: [],
  bad_lines_total: 0,
  prompts: 0,
  tool_calls: 0,
  model_calls: 0,
});

/** Notes a line that holds no record. */
export function noteBadLine(report: ImportReport, file: string, line: number, reason: string): void {
  report.bad_lines_total += 1;
  if (report.bad_lines.length < LIMITS.bad_lines_max) report.bad_lines.push({ file, line, reason });
}

/** Notes a file or folder that could not be read. */
export function noteUnreadable(report: ImportReport, file: string, reason: string): void {
  report.unreadable_total += 1;
  if (report.unreadable.length < LIMITS.bad_lines_max) report.unreadable.push({ file, reason });
}

/** Events that tell a prompt, a call or an answer, and where they are counted. */
const COUNTED: Readonly<Record<string, "prompts" | "tool_calls" | "model_calls">> = {
  "prompt.submitted": "prompts",
  "tool.started": "tool_calls",
  // some tell the end alone
  "tool.called": "tool_calls",
  "model.called": "model_calls",
};

/** Notes an event that was given out; `seen` holds the facts counted so far. */
export function noteEvent(report: ImportReport, seen: Set<string>, draft: Draft): void {
  report.events += 1;
  const name = COUNTED[draft.type];
  if (name === undefined) return;
  const fact = draft.fact ?? draft.id ?? "";
  if (seen.has(fact)) return;
  // beyond the limit repeats are no longer told apart: the count can be too high, memory cannot
  if (seen.size < LIMITS.import_facts_max) seen.add(fact);
  report[name] += 1;
}

/** The one file that was read, where it holds something else than a session: no event came of it, and its first line is no record. */
export function noSessionFile({ files, events, bad_lines }: ImportReport): string | undefined {
  const [bad] = bad_lines;
  return files === 1 && events === 0 && bad?.line === 1 ? bad.file : undefined;
}
