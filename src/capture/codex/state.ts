import { LIMITS } from "../../base/limits.ts";

/** A tool call that waits for its output. */
export interface OpenCall {
  readonly id: string;
  tool: string;
  readonly time: number;
  mcp_server?: string;
  readonly input_bytes?: number;
  /** What an event beside the output told: whether it worked. */
  ok?: boolean;
  /** Its error, redacted. */
  failure?: string;
}

/** The start of a session, held back until its model is known. */
export interface Beginning {
  readonly time: number;
  records: number;
  cwd?: string;
  assistant_version?: string;
  entrypoint?: string;
  parent?: string;
  agent?: string;
}

/** What tells the end of copied history: when the file's session began, and whether turns have ids. */
export interface Copied {
  readonly began_ms: number;
  turns: boolean;
}

/** What the mapping remembers of one rollout between two records; plain bounded data, like the transcript's. */
export interface State {
  readonly v: 1;
  readonly source: string;
  session?: string;
  cwd?: string;
  branch?: string;
  model?: string;
  provider?: string;
  agent?: string;
  turn?: string;
  /** Prompts and unnamed calls of the turn so far: they have no id of their own. */
  turn_prompts: number;
  turn_calls: number;
  time: number;
  beginning?: Beginning;
  /** The history of another session is being repeated. */
  copied?: Copied;
  /** Cumulative figures of the last token count, which can be sent again. */
  totals?: string;
  readonly calls: OpenCall[];
  /** Call id of a web search whose item has not come yet. */
  web_search?: string;
  /** A compaction was told by its record; the event that follows tells the same. */
  compacted: boolean;
}

/** The file a state is made for. */
export interface RolloutFile {
  readonly name: string;
  /** Machine the sessions ran on; absent: this one. */
  readonly host?: string;
}

/** The state before the first record. */
export const startRollout = (file: RolloutFile): State => ({
  v: 1,
  source: `codex://${encodeURIComponent(file.host ?? "local")}`.slice(0, LIMITS.source_chars_max),
  turn_prompts: 0,
  turn_calls: 0,
  time: 0,
  calls: [],
  compacted: false,
});
