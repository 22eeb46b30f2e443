import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/*
 * Counts real transcripts from the rules in shared/data/transcripts/README.md alone, the slow and plain way: everything in memory.
 * It shares no code with the importer, so that the two can check each other.
 */

export const TRANSCRIPTS = new URL("../../../shared/data/transcripts", import.meta.url).pathname;
export const ROLLOUTS = new URL("../../../shared/data/codex", import.meta.url).pathname;
export const hasSamples = existsSync(TRANSCRIPTS) && existsSync(ROLLOUTS);

export interface Tokens {
  input: number;
  output: number;
  creation: number;
  read: number;
}

export interface Counts extends Tokens {
  prompts: number;
  messages: number;
  tools: number;
  errors: number;
}

export interface Truth {
  files: number;
  lines: number;
  bad: number;
  /** Prompt records: repeats of history count again, as in the README. */
  promptRecords: number;
  total: Counts;
  sessions: Map<string, Counts>;
}

export const zero = (): Counts => ({
  prompts: 0,
  messages: 0,
  tools: 0,
  errors: 0,
  input: 0,
  output: 0,
  creation: 0,
  read: 0,
});

/** Every .jsonl file below a folder. */
export function jsonlFiles(dir: string): string[] {
  const names = readdirSync(dir, { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.endsWith(".jsonl")).map((name) => join(dir, name));
}

/** Older files first: first time, last time, name. */
function olderFirst(files: string[]): string[] {
  const edges = files.map((file) => {
    const times = [...readFileSync(file, "utf8").matchAll(/"timestamp": ?"([^"]+)"/g)].map((match) =>
      Date.parse(match[1]!),
    );
    return { file, first: times[0] ?? Number.MAX_SAFE_INTEGER, last: times.at(-1) ?? Number.MAX_SAFE_INTEGER };
  });
  edges.sort((a, b) => a.first - b.first || a.last - b.last || (a.file < b.file ? -1 : 1));
  return edges.map((edge) => edge.file);
}

// biome-ignore lint/suspicious/noExplicitAny: the records are whatever the files hold
type Any = any;

function isPrompt(record: Any): boolean {
  const content = record.message?.content;
  const blocks: Any[] = Array.isArray(content) ? content : [];
  if (blocks.some((block) => block?.type === "tool_result")) return false;
  if (record.isSidechain || record.isMeta || record.isCompactSummary) return false;
  if (record.origin?.kind && record.origin.kind !== "human") return false;
  const text = (typeof content === "string" ? content : blocks.map((block) => block?.text ?? "").join("")).trim();
  return !/^(<task-notification|<teammate-message|<local-command|<bash-std|\[Request interrupted)/.test(text);
}

/** Counts the transcripts of Claude Code in the files given. */
export function countTranscripts(found: string[]): Truth {
  const truth: Truth = { files: found.length, lines: 0, bad: 0, promptRecords: 0, total: zero(), sessions: new Map() };
  const answers = new Map<string, { session: string; tokens: Tokens; sum: number }>();
  const owners = {
    prompts: new Map<string, string>(),
    tools: new Map<string, string>(),
    errors: new Map<string, string>(),
  };
  const own = (map: Map<string, string>, key: string, session: string) => map.has(key) || map.set(key, session);
  for (const file of olderFirst(found)) {
    let session = "";
    for (const line of readFileSync(file, "utf8").split("\n")) {
      if (line === "") continue;
      truth.lines += 1;
      let record: Any;
      try {
        record = JSON.parse(line);
      } catch {}
      if (record === null || typeof record !== "object" || Array.isArray(record)) {
        truth.bad += 1;
        continue;
      }
      session = record.sessionId ?? session;
      if (session !== "" && !truth.sessions.has(session)) truth.sessions.set(session, zero());
      const content: Any[] = Array.isArray(record.message?.content) ? record.message.content : [];
      if (record.type === "assistant") {
        for (const block of content) if (block?.type === "tool_use") own(owners.tools, block.id, session);
        const usage = record.message?.usage;
        if (!usage || record.message.model === "<synthetic>") continue;
        const key = record.message.id ? `${record.message.id} ${record.requestId}` : record.uuid;
        const tokens = {
          input: usage.input_tokens ?? 0,
          output: usage.output_tokens ?? 0,
          creation: usage.cache_creation_input_tokens ?? 0,
          read: usage.cache_read_input_tokens ?? 0,
        };
        const sum = tokens.input + tokens.output + tokens.creation + tokens.read;
        const known = answers.get(key);
        if (!known) answers.set(key, { session, tokens, sum });
        else if (sum > known.sum) Object.assign(known, { tokens, sum });
      } else if (record.type === "user") {
        for (const block of content) {
          if (block?.type === "tool_result" && block.is_error === true) own(owners.errors, block.tool_use_id, session);
        }
        if (isPrompt(record)) {
          truth.promptRecords += 1;
          own(owners.prompts, record.uuid, session);
        }
      }
    }
  }
  for (const [name, map] of Object.entries(owners) as [keyof typeof owners, Map<string, string>][]) {
    for (const session of map.values()) {
      truth.sessions.get(session)![name] += 1;
      truth.total[name] += 1;
    }
  }
  for (const { session, tokens } of answers.values()) {
    for (const counts of [truth.total, truth.sessions.get(session)!]) {
      counts.messages += 1;
      for (const key of ["input", "output", "creation", "read"] as const) counts[key] += tokens[key];
    }
  }
  return truth;
}

/** One section, or the whole set, as the README gives it. */
export interface Stated extends Counts {
  files: number;
  lines: number;
  bad: number;
  sessions: number;
}

/** The figures of the README: "" is the whole set, the others are the origins. */
export function statedFigures(): Map<string, Stated> {
  const out = new Map<string, Stated>();
  let origin = "";
  for (const line of readFileSync(join(TRANSCRIPTS, "README.md"), "utf8").split("\n")) {
    origin = /^### (.+)/.exec(line)?.[1]?.trim() ?? origin;
    if (!/^\d+ files, /.test(line)) continue;
    const figure = (pattern: RegExp): number => Number((pattern.exec(line)?.[1] ?? "").replaceAll(",", ""));
    out.set(origin, {
      files: figure(/^([\d,]+) files/),
      lines: figure(/([\d,]+) lines/),
      bad: figure(/\(([\d,]+) not JSON objects\)/),
      sessions: figure(/([\d,]+) sessions/),
      prompts: figure(/([\d,]+) user prompts/),
      messages: figure(/([\d,]+) API messages/),
      tools: figure(/([\d,]+) tool calls/),
      errors: figure(/([\d,]+) tool errors/),
      input: figure(/input ([\d,]+)/),
      output: figure(/output ([\d,]+)/),
      creation: figure(/cache creation ([\d,]+)/),
      read: figure(/cache read ([\d,]+)/),
    });
  }
  return out;
}

export interface RolloutTruth {
  lines: number;
  prompts: number;
  tools: number;
  /** Input includes the cached tokens. */
  input: number;
  cached: number;
  output: number;
  /** The cumulative figures of the last count. */
  final: { input: number; cached: number; output: number };
}

const CALLS = ["function_call", "custom_tool_call", "tool_search_call", "web_search_call", "local_shell_call"];

/** Counts one rollout of Codex. */
export function countRollout(file: string): RolloutTruth {
  const truth = {
    lines: 0,
    prompts: 0,
    tools: 0,
    input: 0,
    cached: 0,
    output: 0,
    final: { input: 0, cached: 0, output: 0 },
  };
  let before = "";
  for (const line of readFileSync(file, "utf8")
    .split("\n")
    .filter((text) => text !== "")) {
    truth.lines += 1;
    const { type, payload }: Any = JSON.parse(line);
    if (type === "response_item" && CALLS.includes(payload.type)) truth.tools += 1;
    if (type !== "event_msg") continue;
    if (payload.type === "user_message") truth.prompts += 1;
    if (payload.type !== "token_count" || !payload.info) continue;
    const { total_token_usage: total, last_token_usage: last } = payload.info;
    truth.final = { input: total.input_tokens, cached: total.cached_input_tokens, output: total.output_tokens };
    if (JSON.stringify(total) === before) continue;
    before = JSON.stringify(total);
    truth.input += last.input_tokens;
    truth.cached += last.cached_input_tokens;
    truth.output += last.output_tokens;
  }
  return truth;
}

/** The figures the Codex README gives of each file. */
export function statedRollouts(): Map<
  string,
  { lines: number; prompts: number; tools: number; input: number; cached: number; output: number }
> {
  const out = new Map();
  for (const line of readFileSync(join(ROLLOUTS, "README.md"), "utf8").split("\n")) {
    const cells = line.split("|").map((cell) => cell.trim());
    if (!cells[1]?.endsWith(".jsonl")) continue;
    const [input, cached, output] = cells[9]!.split(" / ").map((text) => Number(text.replaceAll(",", "")));
    out.set(cells[1], {
      lines: Number(cells[4]),
      prompts: Number(cells[5]),
      tools: Number(cells[7]),
      input,
      cached,
      output,
    });
  }
  return out;
}
