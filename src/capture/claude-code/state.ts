import { LIMITS } from "../../base/limits.ts";

/** A tool call that waits for its result. */
export interface OpenCall {
  readonly id: string;
  readonly tool: string;
  readonly time: number;
  readonly mcp_server?: string;
  readonly agent?: string;
  readonly file_path?: string;
  readonly input_bytes?: number;
}

/** The start of a session, held back until its model is known. */
export interface Beginning {
  readonly session: string;
  readonly time: number;
  records: number;
  cwd?: string;
  branch?: string;
  assistant_version?: string;
  entrypoint?: string;
  model?: string;
}

/** A title that waits for the record it belongs to, or for the first time in the file. Positions are kept in clear, so it is redacted before it waits. */
export interface WaitingTitle {
  readonly title: string;
  readonly leaf?: string;
  readonly session?: string;
}

/**
 * What the mapping remembers of one transcript between two records. Plain data, each list bounded, so that it can be kept as JSON and
 * reading can go on where it stopped.
 */
export interface State {
  readonly v: 1;
  readonly source: string;
  /** The subagent the file belongs to. */
  readonly agent?: string;
  session?: string;
  cwd?: string;
  branch?: string;
  /** Time of the last record that had one; 0 before the first. */
  time: number;
  /** Sessions whose start was seen in this file. */
  readonly started: string[];
  beginning?: Beginning;
  /** Answers whose lines may still grow: key and largest total so far. */
  readonly answers: [key: string, total: number][];
  readonly calls: OpenCall[];
  readonly titles: WaitingTitle[];
  /** The last records: uuid, time, session. */
  readonly recent: [uuid: string, time: number, session: string][];
  /** Prompt id and record of the last prompt. */
  prompted?: [prompt_id: string, own: string];
  /** Short hash of session and title of the last title given, which newer versions repeat again and again. */
  titled?: string;
}

/** The file a state is made for. */
export interface TranscriptFile {
  /** Name of the file without folder. */
  readonly name: string;
  /** Machine the sessions ran on; absent: this one. */
  readonly host?: string;
}

/** The state before the first record. */
export function startTranscript(file: TranscriptFile): State {
  const agent = /^agent-(.+?)(\.jsonl)?$/.exec(file.name)?.[1];
  return {
    v: 1,
    source: `claude-code://${encodeURIComponent(file.host ?? "local")}`.slice(0, LIMITS.source_chars_max),
    agent: agent?.slice(0, 128),
    time: 0,
    started: [],
    answers: [],
    calls: [],
    titles: [],
    recent: [],
  };
}

/** Appends to a bounded list: the oldest entry gives way. */
export function remember<T>(list: T[], entry: T, max: number): void {
  list.push(entry);
  if (list.length > max) list.splice(0, list.length - max);
}
